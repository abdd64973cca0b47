import { readFileSync } from 'node:fs';
import { explain, Failure } from '../errors.ts';
import { parseTimeMs } from '../options.ts';
import { type MrrOptions, presets } from './options.ts';
import { parseFactor } from './rational.ts';

/** The words of the command line that a ledger hangs on; durations in milliseconds. */
interface Words {
  preset: keyof typeof presets;
  churnAt: MrrOptions['churnAt'] | undefined;
  pastDueGrace: number | undefined;
  pauseCollection: MrrOptions['pauseCollection'] | undefined;
  discounts: MrrOptions['discounts'] | undefined;
  coalesce: number | undefined;
  reactivationWindow: number | undefined;
  backdate: MrrOptions['backdate'] | undefined;
  dayFactor: string | undefined;
  weekFactor: string | undefined;
  customerMap: string | undefined;
  asOf: string | undefined;
  tz: string | undefined;
}

/** The ledger's options of these words: those that are given, over those of the preset. `isLive`: its clocks run up to now. */
export function ledgerOptions(words: Words): Partial<MrrOptions> & { isLive: boolean } {
  const asOf = words.asOf === undefined ? undefined : parseAsOf(words.asOf);
  const given: Partial<MrrOptions> = omitMissing({
    churnAt: words.churnAt,
    pauseCollection: words.pauseCollection,
    discounts: words.discounts,
    backdate: words.backdate,
    dayFactor: tried(parseFactor, words.dayFactor, '--day-factor takes a number or a fraction like 30 or 365/12'),
    weekFactor: tried(parseFactor, words.weekFactor, '--week-factor takes a number or a fraction like 4 or 52/12'),
    tz: tried(formatIn, words.tz, '--tz takes a time zone like Europe/Berlin'),
    coalesceS: seconds('--coalesce', words.coalesce),
    reactivationWindowS: seconds('--reactivation-window', words.reactivationWindow),
    pastDueGraceS: seconds('--past-due-grace', words.pastDueGrace),
    customerMap: words.customerMap === undefined ? undefined : readCustomerMap(words.customerMap),
    asOf: asOf === 'now' ? undefined : asOf,
  });
  return { ...presets[words.preset], ...given, isLive: asOf === 'now' };
}

function seconds(flag: string, ms: number | undefined): number | undefined {
  if (ms !== undefined && ms % 1000 !== 0) throw new Failure('usage', `${flag} takes whole seconds: Stripe has no finer time`);
  return ms === undefined ? undefined : ms / 1000;
}

/** The text, once `use` has found nothing wrong with it. */
function tried(use: (text: string) => unknown, text: string | undefined, takes: string): string | undefined {
  try {
    if (text !== undefined) use(text);
    return text;
  } catch (error) {
    if (error instanceof RangeError) throw new Failure('usage', `${takes}; not ${JSON.stringify(text?.slice(0, 60))}`);
    throw error;
  }
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en', { timeZone });
}

function omitMissing<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T> as never;
}

/** The second that `--as-of` names: `2026-11-24`, `2026-11-24T10:00:00Z`, or seconds since 1970; or 'now'. Anything else: 2. */
function parseAsOf(text: string): number | 'now' {
  if (text === 'now') return text;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  const ms = parseTimeMs(text);
  if (ms === undefined) {
    throw new Failure(
      'usage',
      `--as-of takes now, or a time like 2026-11-24T10:00:00Z; not ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  return Math.floor(ms / 1000);
}

/** The JSON object of `--customer-map`: from a customer's id to the one that stands for it. Anything else: 78. */
function readCustomerMap(path: string): Record<string, string> {
  const refuse = (why: string) => {
    return new Failure('misconfigured', `--customer-map ${path}: ${why}`, 'it takes a JSON object like {"cus_old":"cus_new"}');
  };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse(error instanceof SyntaxError ? 'not JSON' : explain(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('not a JSON object');
  if (Object.values(value).some((id) => typeof id !== 'string')) throw refuse('an id is no text');
  return value as Record<string, string>;
}
