import { addMonths, monthOf } from './calendar.ts';
import type { Subscription } from './entities.ts';

/** The MRR of one currency at the end of a month. */
export interface MonthEnd {
  readonly month: string;
  readonly currency: string;
  readonly closing: number;
}

interface Entry {
  before: number;
  at: number;
  now: number;
}

/** The business's own bookkeeping, kept while the story is told: what every subscription is worth, and by how much that moved in each month. */
export class Books {
  readonly #entries = new Map<Subscription, Entry>();
  /** By currency and month. */
  readonly #moves = new Map<string, Map<string, number>>();

  /** A subscription is worth so much from this second on. Of several words about one second the last is true. */
  write(subscription: Subscription, at: number, worth: number): void {
    const entry = this.#entries.get(subscription);
    if (entry === undefined) {
      this.#entries.set(subscription, { before: 0, at, now: worth });
      return;
    }
    if (at !== entry.at) {
      this.#settle(subscription, entry);
      entry.before = entry.now;
      entry.at = at;
    }
    entry.now = worth;
  }

  /** Every month from the first movement to the last one, for each currency that ever moved, in the order of currency and month. */
  *monthEnds(): Generator<MonthEnd> {
    for (const [subscription, entry] of this.#entries) {
      this.#settle(subscription, entry);
      entry.before = entry.now;
    }
    const all = [...this.#moves.values()].flatMap((months) => [...months.keys()]).sort();
    const [first, last] = [all[0], all.at(-1)];
    if (first === undefined || last === undefined) return;
    for (const [currency, months] of [...this.#moves].sort(([a], [b]) => (a < b ? -1 : 1))) {
      let closing = 0;
      for (let month = first; month <= last; month = monthOf(addMonths(Date.parse(`${month}-01T00:00:00Z`) / 1000, 1))) {
        closing += months.get(month) ?? 0;
        yield { month, currency, closing };
      }
    }
  }

  #settle({ currency }: Subscription, { before, at, now }: Entry): void {
    if (now === before) return;
    let months = this.#moves.get(currency);
    if (months === undefined) this.#moves.set(currency, (months = new Map()));
    const month = monthOf(at);
    months.set(month, (months.get(month) ?? 0) + now - before);
  }
}
