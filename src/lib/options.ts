import { Failure } from './errors.ts';
import type { MaxDead } from './rejects.ts';

/** One option: its words, what it does, and how its text is read. The parser, the help, the man page and the completion come from this alone. */
export interface Option<T> {
  /** As people write it: `-n, --count <N>`. A name in <> takes a value. */
  readonly flags: string;
  readonly summary: string;
  /** The value where the option is not given. */
  readonly fallback: T;
  /** How the fallback is shown, where it does not speak for itself. */
  readonly shownFallback?: string;
  /** Reads the text; throws a Failure (2) that names what would be right. Absent for a flag. */
  readonly parse?: (text: string) => T;
  /** May be given several times; `parse` is called for each, and the values are gathered. */
  readonly many?: boolean;
  /** The only words it takes, for completion and help. */
  readonly choices?: readonly string[];
}

/** A command's options, each under the name that its code uses. */
// biome-ignore lint/suspicious/noExplicitAny: a table of options holds values of every type.
export type Options = Record<string, Option<any>>;
/** The values that a table of options parses to. */
export type Values<O extends Options> = { [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/** An option without a value: true where it is given. */
export function flag(flags: string, summary: string): Option<boolean> {
  return { flags, summary, fallback: false };
}

/** Any text; the fallback, or undefined, where the option is not given. */
export function text(flags: string, summary: string): Option<string | undefined>;
export function text(flags: string, summary: string, fallback: string): Option<string>;
export function text(flags: string, summary: string, fallback?: string): Option<string | undefined> {
  return { flags, summary, fallback, parse: (value) => value };
}

/** Any text but none: as of a variable that is not set. */
function place(flags: string, summary: string): Option<string | undefined> {
  const parse = (value: string) => {
    if (value !== '') return value;
    throw new Failure('usage', `${flagOf(flags)} is empty: name a file or a stream`);
  };
  return { flags, summary, fallback: undefined, parse };
}

/** Any text, as often as wanted: all of them, in the order of the command line. */
export function texts(flags: string, summary: string): Option<string[]> {
  return { flags, summary, fallback: [], parse: (value) => [value], many: true };
}

/** One of these words; any other is a Failure (2). */
export function choice<const C extends readonly string[]>(
  flags: string,
  summary: string,
  choices: C,
  fallback: C[number],
): Option<C[number]>;
export function choice<const C extends readonly string[]>(
  flags: string,
  summary: string,
  choices: C,
): Option<C[number] | undefined>;
export function choice(
  flags: string,
  summary: string,
  choices: readonly string[],
  fallback?: string,
): Option<string | undefined> {
  const parse = (value: string) => {
    if (!choices.includes(value)) throw new Failure('usage', `${flagOf(flags)} takes ${choices.join(', ')}; not ${quote(value)}`);
    return value;
  };
  return { flags, summary, fallback, parse, choices };
}

/** A whole number from `least` to `most`. */
export function count(flags: string, summary: string, fallback: number, least?: number, most?: number): Option<number>;
export function count(
  flags: string,
  summary: string,
  fallback?: undefined,
  least?: number,
  most?: number,
): Option<number | undefined>;
export function count(
  flags: string,
  summary: string,
  fallback?: number,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): Option<number | undefined> {
  const parse = (value: string) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
      throw new Failure('usage', `${flagOf(flags)} takes a whole number ${range}; not ${quote(value)}`);
    }
    return number;
  };
  return { flags, summary, fallback, parse };
}

/** A number of 0 or more, as 0.05. */
export function number(flags: string, summary: string, fallback: number, most = Number.MAX_VALUE): Option<number> {
  const parse = (value: string) => {
    const parsed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (!(parsed <= most)) throw new Failure('usage', `${flagOf(flags)} takes a number like 0.5; not ${quote(value)}`);
    return parsed;
  };
  return { flags, summary, fallback, parse };
}

const durationUnits: Record<string, number> = {
  ms: 1,
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds since 1970 of a date or a time of RFC 3339, as `2026-11-24` or `2026-11-24T10:00:00Z`; undefined for anything else. */
export function parseTimeMs(value: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d))?$/.exec(value);
  if (match === null || Number(match[3]) > daysIn(Number(match[1]), Number(match[2]))) return undefined;
  // What is not written as ECMAScript has it goes to a reader that guesses.
  const ms = Date.parse(value.replace(' ', 'T').toUpperCase());
  return Number.isNaN(ms) ? undefined : ms;
}

/** JavaScript takes 31 February for a day in March. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Milliseconds of `90d`, `1h`, `15m`, `10s`, `250ms`, or seconds without a unit; undefined for anything else. */
export function parseDurationMs(value: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w|)$/.exec(value);
  const unit = durationUnits[match?.[2] ?? '?'];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** A duration, in milliseconds. */
export function duration(flags: string, summary: string, fallbackMs: number, shownFallback: string): Option<number>;
export function duration(flags: string, summary: string): Option<number | undefined>;
export function duration(flags: string, summary: string, fallback?: number, shownFallback?: string): Option<number | undefined> {
  const parse = (value: string) => {
    const ms = parseDurationMs(value);
    if (ms === undefined)
      throw new Failure('usage', `${flagOf(flags)} takes a duration like 90d, 1h or 3600; not ${quote(value)}`);
    return ms;
  };
  return { flags, summary, fallback, parse, shownFallback };
}

const sizeUnits: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A size in bytes: `16MiB`, `8M`, `512k`, or plain bytes (units of 1024). */
export function size(flags: string, summary: string, fallbackBytes: number, shownFallback: string): Option<number> {
  const parse = (value: string) => {
    const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(value);
    const unit = sizeUnits[match?.[2]?.toLowerCase() ?? '?'];
    if (match === null || unit === undefined)
      throw new Failure('usage', `${flagOf(flags)} takes a size like 16MiB; not ${quote(value)}`);
    return Number(match[1]) * unit;
  };
  return { flags, summary, fallback: fallbackBytes, parse, shownFallback };
}

/** The long word of an option: `--count` of `-n, --count <N>`. */
export function flagOf(flags: string): string {
  return /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags;
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

/** A limit as a number of lines (`100`) or as a share of those that were read (`5%`). */
export function limit(flags: string, summary: string): Option<MaxDead | undefined> {
  const parse = (value: string): MaxDead => {
    const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
    if (number !== undefined && percent === '%' && Number(number) <= 100) return { share: Number(number) / 100 };
    if (number !== undefined && percent === '' && Number.isSafeInteger(Number(number))) return { lines: Number(number) };
    throw new Failure('usage', `${flagOf(flags)} takes a number of lines like 100, or a share like 5%; not ${quote(value)}`);
  };
  return { flags, summary, fallback: undefined, parse };
}

/** The options of every step that reads lines. */
export const readingOptions = {
  deadLetter: place(
    '--dead-letter <FILE>',
    'keep what is rejected in this file (or in a stream: local:NAME, kinesis:NAME), with the reason, and go on; without it a bad line ends the step (65)',
  ),
  maxDead: limit('--max-dead <N|P%>', 'with --dead-letter: more rejected lines than this, or than this share, end the step (65)'),
  maxLine: size('--max-line <SIZE>', 'the longest line that passes', 16 * 1024 ** 2, '16MiB'),
};

/** The options of every step that keeps something between runs. */
export const stateOptions = {
  state: text('--state <URL>', 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'),
};

/** The options of every source that can run under an app. */
export const sourceOptions = {
  app: text('--app <NAME>', 'the name of this pipeline: go on from its checkpoint, and write marks so that the sink commits'),
  ...stateOptions,
};

/** The options of every sink. */
export const sinkOptions = {
  app: text('--app <NAME>', 'insist that the records come under this app, with marks'),
  forward: flag('--forward', 'pass the marks on instead of committing them, for a later step'),
  ...stateOptions,
  ...readingOptions,
};

/** The options of every command. */
export const everywhere = {
  quiet: flag('-q, --quiet', 'say nothing but warnings and errors'),
  verbose: flag('-v, --verbose', 'say more: where things are kept, what was decided'),
};
