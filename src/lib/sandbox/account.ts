import { Agenda } from './agenda.ts';
import { Books } from './books.ts';
import { dayS, hourS } from './calendar.ts';
import { type Catalogue, makeCatalogue } from './catalogue.ts';
import type { Customer, Discount, Invoice, Subscription } from './entities.ts';
import { currentVersion, type Json, type Shape } from './payloads/shape.ts';
import { makeId } from './random.ts';

/** Writes a thing as it stood at some moment, in the shape of any version. */
export type Writer = (shape: Shape) => Json;

/** What happened at second `created`: the object after it and, where it changed, before; `version` was the account's then. */
export interface Event {
  readonly id: string;
  readonly created: number;
  readonly type: string;
  readonly version: string;
  /** null for what Stripe does by itself. */
  readonly request: string | null;
  readonly object: Writer;
  readonly before: Writer | undefined;
}

/** Nothing happens this long before and after the second at which the sandbox opens, so that what is crawled in the first minutes is what the truth says. */
const calmS = hourS;

/** Which version the account was on, by the share of its history; the last ones by days before the sandbox opens. */
const versionShares: readonly (readonly [share: number, version: string])[] = [
  [0, '2016-07-06'],
  [0.12, '2018-02-28'],
  [0.25, '2019-12-03'],
  [0.35, '2020-08-27'],
  [0.5, '2022-11-15'],
  [0.65, '2024-06-20'],
  [0.8, '2025-03-31.basil'],
];
const versionDays: readonly (readonly [daysBefore: number, version: string])[] = [
  [24, '2025-09-30.clover'],
  [14, '2026-09-30.endive'],
  [3, currentVersion],
];

/**
 * A made-up Stripe account and all that ever happened in it: told second by second from an agenda, the same for the same seed. What a story does to it
 * goes through here, so that the events, the lists and the books agree.
 */
export class Account {
  readonly seed: number;
  /** The second at which the business began, and at which the sandbox opens. */
  readonly begun: number;
  readonly opens: number;
  readonly catalogue: Catalogue;
  readonly books = new Books();
  /** All in the order in which they happened or were made. */
  readonly events: Event[] = [];
  readonly customers: Customer[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly invoices: Invoice[] = [];
  readonly discounts = new Map<string, Discount>();
  /** The second that the story has come to. */
  now: number;
  readonly #agenda = new Agenda();
  readonly #versions: readonly (readonly [from: number, version: string])[];
  #requests = 0;
  #items = 0;

  constructor(seed: number, begun: number, opens: number) {
    this.seed = seed;
    this.begun = begun;
    this.opens = opens;
    this.now = begun - 2 * dayS;
    this.catalogue = makeCatalogue(seed, this.now);
    const lastMonth = Math.max(begun, opens - 24 * dayS);
    this.#versions = [
      ...versionShares.map(([share, version]) => [begun + share * (lastMonth - begun), version] as const),
      ...versionDays.map(([days, version]) => [Math.max(begun, opens - days * dayS), version] as const),
    ];
  }

  /** Whether a thing that is fixed to this second would break the calm around the opening. */
  isCalm(second: number): boolean {
    return second >= this.opens - calmS && second < this.opens + calmS;
  }

  /** Plans what happens at a second; what would fall into the calm comes after it. */
  plan(second: number, run: () => void): void {
    const at = this.isCalm(second) ? second + 2 * calmS : second;
    this.#agenda.plan(Math.max(at, this.now), run);
  }

  /** Goes on with the story up to and including this second. */
  tellUntil(second: number): void {
    for (let task = this.#agenda.takeDue(second); task !== undefined; task = this.#agenda.takeDue(second)) {
      this.now = task.at;
      task.run();
    }
    this.now = Math.max(this.now, second);
  }

  /** The version that the account is on at this point of the story; features are used once their version has come. */
  get version(): string {
    let current = this.#versions[0]![1];
    for (const [from, version] of this.#versions) if (from <= this.now) current = version;
    return current;
  }

  /** Writes an event down. `by` says who did it: a request through the API, or Stripe's own clock. */
  tell(by: 'request' | 'clock', type: string, object: Writer, before?: Writer): void {
    const id = makeId('evt_1', this.seed, this.events.length, 23);
    const request = by === 'clock' ? null : makeId('req_', this.seed, this.#requests++, 14);
    this.events.push({ id, created: this.now, type, version: this.version, request, object, before });
  }

  addDiscount(discount: Omit<Discount, 'id'>): Discount {
    const id = makeId('di_1', this.seed, this.discounts.size, 23);
    const added = { id, ...discount };
    this.discounts.set(id, added);
    return added;
  }

  newItemId(): string {
    return makeId('si_', this.seed, this.#items++, 14);
  }

  newInvoiceId(): string {
    return makeId('in_1', this.seed, this.invoices.length, 23);
  }
}
