import type { Facts } from './facts.ts';
import { keyOf, partsOf } from './facts.ts';
import { TextTable } from './texts.ts';

/** One observation of a customer's own discount. `has` and `gone` name the discount; `none` says that the customer had none. */
export type Sighting = [at: number, what: 'has' | 'gone' | 'none', discount: string, from: 'event' | 'snapshot', id: string];

/** The customer's discount from a second on ('' for none), and the record that said so; '' where it is the discount's own start. */
export interface Holding {
  readonly at: number;
  readonly discount: string;
  readonly from: 'event' | 'snapshot' | 'clock';
  readonly id: string;
}

const nothing: readonly Holding[] = [];

/**
 * Which discount a customer itself had when; subscriptions without a list of their own inherit it. A discount is taken to have been there since its
 * own start, however late it is first seen. Sightings older than the horizon that repeat their neighbours are dropped.
 */
export class CustomerDiscounts {
  /** By customer, each list as one text: there may be a million. */
  readonly #sightings = new TextTable();
  readonly #holdings = new Map<string, readonly Holding[]>();
  readonly #dirty = new Set<string>();
  readonly #facts: Facts;

  readonly #isOneBatch: boolean;

  /** Of one batch changes() is not asked for. */
  constructor(facts: Facts, isOneBatch = false) {
    this.#isOneBatch = isOneBatch;
    this.#facts = facts;
  }

  /** True where it was not known yet. */
  see(book: string, customer: string, sighting: Sighting, horizon: number): boolean {
    const key = keyOf('customer', book, customer);
    const known = this.#sightingsOf(book, customer) ?? [];
    if (known.some((other) => isSame(other, sighting))) return false;
    known.push(sighting);
    known.sort(inOrder);
    const kept = known.filter((one, place) => !isRepetition(known[place - 1], one, known[place + 1], horizon));
    this.#sightings.set(book, customer, JSON.stringify(kept));
    if (!this.#isOneBatch) this.#dirty.add(key);
    this.#holdings.delete(key);
    return true;
  }

  /** The steps of the customer's discount in order of time; before the first there was none. */
  holdings(book: string, customer: string): readonly Holding[] {
    const key = keyOf('customer', book, customer);
    let found = this.#holdings.get(key);
    if (found) return found;
    const sightings = this.#sightingsOf(book, customer);
    if (!sightings) return nothing;
    this.#holdings.set(key, (found = this.#follow(book, sightings)));
    return found;
  }

  /** Forgets what was derived: a discount's start or coupon was learnt, or another customer comes next. */
  forget(): void {
    this.#holdings.clear();
  }

  *changes(): Generator<[string, unknown]> {
    for (const key of this.#dirty) {
      const [, book, customer] = partsOf(key);
      yield [key, this.#sightingsOf(book, customer)];
    }
    this.#dirty.clear();
  }

  load(key: string, value: unknown): void {
    const [, book, customer] = partsOf(key);
    this.#sightings.set(book, customer, JSON.stringify(value));
  }

  #sightingsOf(book: string, customer: string): Sighting[] | undefined {
    const text = this.#sightings.get(book, customer);
    return text === undefined ? undefined : (JSON.parse(text) as Sighting[]);
  }

  #follow(book: string, sightings: readonly Sighting[]): Holding[] {
    const seconds = new Map<number, { seen: Sighting[]; begun: string[] }>();
    const atSecond = (at: number) => {
      let found = seconds.get(at);
      if (!found) seconds.set(at, (found = { seen: [], begun: [] }));
      return found;
    };
    for (const sighting of sightings) {
      const [at, what, discount] = sighting;
      atSecond(at).seen.push(sighting);
      const start = what === 'none' ? 0 : this.#startOf(book, discount);
      if (start > 0 && start < at) atSecond(start).begun.push(discount);
    }
    const holdings: Holding[] = [];
    let current = '';
    for (const [at, { seen, begun }] of [...seconds].sort(([a], [b]) => a - b)) {
      const next = this.#nextOf(book, at, current, seen, begun);
      if (next.discount === current) continue;
      current = next.discount;
      holdings.push(next);
    }
    return holdings;
  }

  // Within a second events outweigh snapshots, what was gained outweighs what was lost, and both outweigh a start told by a later record.
  #nextOf(book: string, at: number, current: string, seen: Sighting[], begun: string[]): Holding {
    for (const from of ['event', 'snapshot'] as const) {
      const told = seen.filter((sighting) => sighting[3] === from);
      const gone = told.filter(([, what]) => what === 'gone');
      const gained = told.filter(
        ([, what, discount]) => what === 'has' && !gone.some((other) => this.#isOne(book, other[2], discount)),
      );
      const last = gained.sort(([, , a], [, , b]) => this.#startOf(book, a) - this.#startOf(book, b) || (a < b ? -1 : 1)).at(-1);
      if (last) return { at, discount: last[2], from, id: last[4] };
      const lost =
        gone.find(([, , discount]) => this.#isOne(book, discount, current)) ?? told.find(([, what]) => what === 'none');
      if (lost) return { at, discount: '', from, id: lost[4] };
      if (told.length > 0) break;
    }
    const started = begun.sort().at(-1);
    return { at, discount: started ?? current, from: 'clock', id: '' };
  }

  // The same discount under its id and under the key of an old payload without one.
  #isOne(book: string, a: string, b: string): boolean {
    if (a === b) return true;
    const [one, other] = [this.#facts.get('discount', book, a, 'is'), this.#facts.get('discount', book, b, 'is')];
    return one !== undefined && other !== undefined && one[0] === other[0] && one[1] === other[1];
  }

  #startOf(book: string, discount: string): number {
    return this.#facts.get('discount', book, discount, 'is')?.[1] ?? 0;
  }
}

function isSame(a: Sighting, b: Sighting): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

function inOrder(a: Sighting, b: Sighting): number {
  return (
    a[0] - b[0] || (a[3] < b[3] ? -1 : a[3] > b[3] ? 1 : 0) || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0) || (a[1] < b[1] ? -1 : 1)
  );
}

function isRepetition(before: Sighting | undefined, one: Sighting, after: Sighting | undefined, horizon: number): boolean {
  if (!before || !after || one[1] === 'gone' || after[0] >= horizon) return false;
  return [before, after].every((other) => other[1] === one[1] && other[2] === one[2] && other[0] !== one[0]);
}
