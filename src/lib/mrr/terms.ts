import type { Rational } from './rational.ts';
import { parseDecimal, zero } from './rational.ts';

/** What a subscription item costs, as an event writes it: all that a price or an old plan says without its tiers. Decimals are text, '' for none. */
export type TermsTuple = [
  price: string,
  product: string,
  currency: string,
  unit: string,
  scheme: '' | 'graduated' | 'volume',
  divideBy: number,
  roundUp: 0 | 1,
  interval: string,
  intervalCount: number,
  metered: 0 | 1,
  taxInclusive: 0 | 1,
];

/** A TermsTuple, its fields by name; `unit` is the exact price of one in minor units, 0 where none was written. */
export interface Terms {
  readonly price: string;
  readonly product: string;
  readonly currency: string;
  readonly unit: Rational;
  readonly scheme: '' | 'graduated' | 'volume';
  /** 0 where quantities are not transformed. */
  readonly divideBy: number;
  readonly roundUp: boolean;
  readonly interval: string;
  readonly intervalCount: number;
  readonly metered: boolean;
  readonly taxInclusive: boolean;
}

/** Every set of terms once, by a number: a million subscriptions to one price hold one small integer each. */
export class TermsTable {
  readonly #numbers = new Map<string, number>();
  readonly #tuples: TermsTuple[] = [];
  readonly #terms: Terms[] = [];
  readonly #withoutProduct = new Set<string>();
  #told = 0;

  intern(tuple: TermsTuple): number {
    const written = JSON.stringify(tuple);
    const known = this.#numbers.get(written);
    if (known !== undefined) return known;
    const number = this.#tuples.length;
    this.#keep(number, tuple, written);
    return number;
  }

  get(number: number): Terms {
    const terms = this.#terms[number];
    if (!terms) throw new Error(`the state refers to terms ${number}, which it does not hold`);
    return terms;
  }

  /** Whether some payload named this price without its product, so that the product has to come from the price's own record. */
  isWithoutProduct(price: string): boolean {
    return this.#withoutProduct.has(price);
  }

  /** The terms interned since the last call. */
  *changes(): Generator<[number, TermsTuple]> {
    for (; this.#told < this.#tuples.length; this.#told++) yield [this.#told, this.#tuples[this.#told]!];
  }

  /** Takes back what changes() told; load all of them before the first intern. */
  load(number: number, tuple: TermsTuple): void {
    this.#keep(number, tuple, JSON.stringify(tuple));
    this.#told = Math.max(this.#told, number + 1);
  }

  #keep(number: number, tuple: TermsTuple, written: string): void {
    const [price, product, currency, unit, scheme, divideBy, roundUp, interval, intervalCount, metered, taxInclusive] = tuple;
    this.#numbers.set(written, number);
    this.#tuples[number] = tuple;
    if (product === '') this.#withoutProduct.add(price);
    this.#terms[number] = {
      price,
      product,
      currency,
      scheme,
      divideBy,
      interval,
      intervalCount,
      unit: unit === '' ? zero : parseDecimal(unit),
      roundUp: roundUp === 1,
      metered: metered === 1,
      taxInclusive: taxInclusive === 1,
    };
  }
}
