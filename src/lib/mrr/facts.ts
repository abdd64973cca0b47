import { TextTable } from './texts.ts';

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

type Table = keyof Parts;

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
  /** There may be as many discounts as subscriptions: each is one text. */
  readonly #discounts = new TextTable();
  /** The ids of the discounts that were ever said to be made from a coupon, by the coupon's key. */
  readonly #ofCoupons = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  readonly #new = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #isOneBatch: boolean;

  /** Of one batch neither takeNews() nor changes() is asked for. */
  constructor(isOneBatch = false) {
    this.#isOneBatch = isOneBatch;
  }

  learn(book: string, { table, id, part, value, at }: Fact): void {
    const entry = this.#entryOf(table, book, id);
    const known = entry?.[part];
    if (known && !isBelieved([at, value], known)) return;
    const same = known !== undefined && JSON.stringify(known[1]) === JSON.stringify(value);
    if (same && known[0] === at) return;
    this.#put(table, book, id, { ...entry, [part]: [at, same ? known[1] : value] });
    if (this.#isOneBatch) return;
    const key = keyOf(table, book, id);
    this.#dirty.add(key);
    if (!same) (entry ? this.#changed : this.#new).add(key);
  }

  get<T extends Table, P extends string & keyof Parts[T]>(table: T, book: string, id: string, part: P): Parts[T][P] | undefined {
    return this.#entryOf(table, book, id)?.[part]?.[1] as Parts[T][P] | undefined;
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
    for (const id of this.#ofCoupons.get(keyOf('coupon', book, coupon)) ?? [])
      if (this.get('discount', book, id, 'is')?.[0] === coupon) yield id;
  }

  *changes(): Generator<[string, unknown]> {
    for (const key of this.#dirty) yield [key, this.#entryOf(...partsOf(key))];
    this.#dirty.clear();
  }

  load(key: string, value: unknown): void {
    this.#put(...partsOf(key), value as Entry);
  }

  #entryOf(table: string, book: string, id: string): Entry | undefined {
    if (table !== 'discount') return this.#entries.get(keyOf(table, book, id));
    const text = this.#discounts.get(book, id);
    return text === undefined ? undefined : (JSON.parse(text) as Entry);
  }

  #put(table: string, book: string, id: string, entry: Entry): void {
    if (table !== 'discount') {
      this.#entries.set(keyOf(table, book, id), entry);
      return;
    }
    this.#discounts.set(book, id, JSON.stringify(entry));
    const is = entry.is?.[1] as Parts['discount']['is'] | undefined;
    if (is === undefined) return;
    const coupon = keyOf('coupon', book, is[0]);
    const discounts = this.#ofCoupons.get(coupon);
    if (discounts) discounts.add(id);
    else this.#ofCoupons.set(coupon, new Set([id]));
  }
}

/** The key of a thing, `table|account|mode|id`; a book's key is `account|mode`. */
export function keyOf(table: string, book: string, id: string): string {
  return `${table}|${book}|${id}`;
}

/** What a key was made of. */
export function partsOf(key: string): [table: string, book: string, id: string] {
  const [table = '', account = '', mode = '', ...id] = key.split('|');
  return [table, `${account}|${mode}`, id.join('|')];
}

// Of two things said in the same second the greater text is believed: arbitrary, but the same in any order of arrival.
function isBelieved([at, value]: [number, unknown], [knownAt, known]: [number, unknown]): boolean {
  return at !== knownAt ? at > knownAt : JSON.stringify(value) > JSON.stringify(known);
}
