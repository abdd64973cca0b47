import type { Rational } from './rational.ts';
import { parseFactor } from './rational.ts';

/** How MRR is counted where the systems of the field disagree. Seconds carry an S; factors are decimals or fractions (`30`, `365/12`). */
export interface MrrOptions {
  /** Months in a day, turned over: what one day's price is multiplied with. */
  dayFactor: string;
  weekFactor: string;
  /** recurring: `forever` and `repeating` coupons while in force; all: also `once`; forever; none. */
  discounts: 'recurring' | 'all' | 'forever' | 'none';
  churnAt: 'ended' | 'requested';
  pauseCollection: 'counts' | 'zero';
  backdate: 'created' | 'start_date';
  /** Movements of one customer less than this after the first of them are one change. 0: those of one second. */
  coalesceS: number;
  /** A customer who comes back later than this is new again. Without it always a reactivation. */
  reactivationWindowS?: number | undefined;
  /** A subscription past due for this long counts no more. Without it past_due counts. */
  pastDueGraceS?: number | undefined;
  /** Customers that are one company: from Stripe's id to the id that stands for both. */
  customerMap: Record<string, string>;
  /** The second up to which clocks run. Without it the greatest `created` among the records. */
  asOf?: number | undefined;
  /** The IANA time zone that cuts the months. */
  tz: string;
}

/** How MRR is counted where nothing else is said. */
export const defaults: MrrOptions = {
  dayFactor: '365/12',
  weekFactor: '52/12',
  discounts: 'recurring',
  churnAt: 'ended',
  pauseCollection: 'counts',
  backdate: 'created',
  coalesceS: 0,
  customerMap: {},
  tz: 'UTC',
};

/** The options under which a ledger agrees best with another system's figures. */
export const presets: Record<'stripe' | 'chartmogul' | 'baremetrics' | 'profitwell', Partial<MrrOptions>> = {
  stripe: {},
  chartmogul: { coalesceS: 3600 },
  baremetrics: { pastDueGraceS: 30 * 86_400 },
  profitwell: { discounts: 'all', pauseCollection: 'zero' },
};

/** The options with their factors read: months a unit of each interval is worth (`month` 1, `year` 1/12). */
export interface Rules extends MrrOptions {
  readonly factors: ReadonlyMap<string, Rational>;
}

/** Fills in the defaults. A RangeError names a factor, a time zone or a number of seconds that can't be used. */
export function rulesOf(options: Partial<MrrOptions>): Rules {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<MrrOptions>;
  const all = { ...defaults, ...given };
  for (const name of ['coalesceS', 'reactivationWindowS', 'pastDueGraceS', 'asOf'] as const) {
    const value = all[name];
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0))
      throw new RangeError(`${name} is not a whole number of seconds`);
  }
  // To ask for a time zone takes 13 ms, and most do not.
  if (all.tz !== defaults.tz) new Intl.DateTimeFormat('en', { timeZone: all.tz });
  const factors = new Map([
    ['day', parseFactor(all.dayFactor)],
    ['week', parseFactor(all.weekFactor)],
    ['month', { n: 1n, d: 1n }],
    ['year', { n: 1n, d: 12n }],
  ]);
  return { ...all, factors };
}
