/** Tables beside the subscriptions: what is known of discounts, coupons and prices, in parts that different records tell. */
export interface Parts {
  discount: {
    /** Which coupon from when to when (0: open), and whose it is. */
    is: [coupon: string, start: number, end: number, customer: string];
    /** The coupon's terms as the discount itself carried them. */
    terms: CouponTerms;
  };
  coupon: {
    terms: CouponTerms;
    products: string[];
    /** amount_off by currency. */
    options: Record<string, string>;
  };
  price: {
    product: string;
    tiers: TierTuple[];
    options: Record<string, [unit: string, taxInclusive: 0 | 1, tiers?: TierTuple[]]>;
  };
}

/** Decimals are text, '' for none. */
export type CouponTerms = [percentOff: string, amountOff: string, currency: string, duration: string];
/** upTo is '' for the tier without an end. */
export type TierTuple = [upTo: string, flat: string, unit: string];

export type Table = keyof Parts;

/** One part of one thing, as a record told it. `at` ranks what records say about the same part: the latest is believed. */
export interface Fact {
  readonly table: Table;
  readonly id: string;
  readonly part: string;
  readonly value: unknown;
  readonly at: number;
}

type Entry = Record<string, [at: number, value: unknown]>;

/** A pure function of the set of facts learnt: their order and repetition never matter. Keys are `table|account|mode|id`. */
export class Facts {
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  readonly #new = new Set<string>();
  readonly #changed = new Set<string>();

  learn(book: string, { table, id, part, value, at }: Fact): void {
    const key = keyOf(table, book, id);
    const entry = this.#entries.get(key);
    const known = entry?.[part];
    if (known && !isBelieved([at, value], known)) return;
    const same = known !== undefined && JSON.stringify(known[1]) === JSON.stringify(value);
    if (same && known[0] === at) return;
    if (entry) entry[part] = [at, same ? known[1] : value];
    else this.#entries.set(key, { [part]: [at, value] });
    this.#dirty.add(key);
    if (!same) (entry ? this.#changed : this.#new).add(key);
  }

  get<T extends Table, P extends string & keyof Parts[T]>(table: T, book: string, id: string, part: P): Parts[T][P] | undefined {
    return this.#entries.get(keyOf(table, book, id))?.[part]?.[1] as Parts[T][P] | undefined;
  }

  /** The keys of things that say something else since the last call: those not known before, and those already in use perhaps. */
  takeNews(): { added: string[]; changed: string[] } {
    const news = { added: [...this.#new], changed: [...this.#changed] };
    this.#new.clear();
    this.#changed.clear();
    return news;
  }

  /** Every discount of one account and mode that is made from this coupon. */
  *discountsOf(book: string, coupon: string): Generator<string> {
    const prefix = keyOf('discount', book, '');
    for (const [key, entry] of this.#entries) {
      if (key.startsWith(prefix) && (entry.is?.[1] as Parts['discount']['is'] | undefined)?.[0] === coupon)
        yield key.slice(prefix.length);
    }
  }

  *changes(): Generator<[string, unknown]> {
    for (const key of this.#dirty) yield [key, this.#entries.get(key)];
    this.#dirty.clear();
  }

  load(key: string, value: unknown): void {
    this.#entries.set(key, value as Entry);
  }
}

export function keyOf(table: string, book: string, id: string): string {
  return `${table}|${book}|${id}`;
}

// Of two things said in the same second the greater text is believed: arbitrary, but the same in any order of arrival.
function isBelieved([at, value]: [number, unknown], [knownAt, known]: [number, unknown]): boolean {
  return at !== knownAt ? at > knownAt : JSON.stringify(value) > JSON.stringify(known);
}
