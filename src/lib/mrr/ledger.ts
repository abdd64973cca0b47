import { BadRecord } from './bad-record.ts';
import { typeMovements } from './classification.ts';
import { Clock } from './clock.ts';
import { CustomerDiscounts } from './customer-discounts.ts';
import { addSaid, isOf, newsOf, saidBefore } from './emitted.ts';
import { Facts, keyOf } from './facts.ts';
import type { History } from './history.ts';
import { historyOf } from './history.ts';
import { isHash } from './json.ts';
import type { Breakdown, MonthRecord, MonthRow } from './months.ts';
import { Months, monthsOf } from './months.ts';
import type { Content, Movement } from './movement.ts';
import { inOrder, writeMovement } from './movement.ts';
import type { MrrOptions } from './options.ts';
import { rulesOf } from './options.ts';
import { readEnvelope, readRecord } from './record.ts';
import type { Book, Customer, Subscription } from './register.ts';
import { keysOf, Register } from './register.ts';
import type { Place } from './said.ts';
import { SaidMovements } from './said.ts';
import type { Kept } from './subscription.ts';
import { packKept, placeCreation, takeIn, unpackKept } from './subscription.ts';
import type { TermsTuple } from './terms.ts';
import { TermsTable } from './terms.ts';
import { timelineOf } from './timeline.ts';
import { Touched } from './touched.ts';
import type { World } from './valuation.ts';

export { BadRecord } from './bad-record.ts';
export type { Breakdown, MonthRecord, MonthRow } from './months.ts';
export type { Movement, MovementItem, MovementType } from './movement.ts';
export type { MrrOptions } from './options.ts';
export { defaults, presets } from './options.ts';

// Stripe shows events for 30 days; what is older than this can only be repeated.
const keptInFullS = 35 * 86_400;

// Before this many records have been added since, what they tell of a subscription is not yet taken into it.
const maxPending = 500;
// The horizon before which nothing lies.
const everything = Number.NEGATIVE_INFINITY;

interface Told {
  readonly subscription: Subscription;
  readonly kept: Kept;
  readonly history: History;
}

/**
 * The MRR ledger of any number of accounts: a pure function of the set of records added to it. add() takes records in any order, any number of times;
 * flush() gives the movements that have changed by them. It does no I/O: changes() and load() carry its state over, as keys with JSON values.
 */
export class Ledger {
  readonly #world: World;
  readonly #terms = new TermsTable();
  readonly #facts: Facts;
  readonly #customerDiscounts: CustomerDiscounts;
  readonly #register: Register;
  readonly #isOneBatch: boolean;
  #pending: Subscription[] = [];
  readonly #touched: Touched;
  readonly #dirty = new Set<Subscription>();
  readonly #clock = new Clock<Subscription>();
  readonly #warnings = new Map<string, number>();
  readonly #months: Months | undefined;
  readonly #said = new SaidMovements();
  #pendingCount = 0;
  #read = 0;
  #savedRead = 0;
  #firstRevision = 1;
  #isFirstRevisionSaved = true;
  #clockAt = 0;
  #savedClockAt = 0;
  #latest = 0;
  #isLatestSaved = true;
  #isFlushed = true;

  /**
   * A RangeError names an option that can't be used. With `months` monthChanges() tells what becomes of them too. Of one batch nothing is kept that
   * only later flushes would need: everything is added, settle() is called once, and behind it only monthChanges() and warnings().
   */
  constructor(options: Partial<MrrOptions> = {}, months?: { by: Breakdown | undefined }, isOneBatch = false) {
    const rules = rulesOf(options);
    this.#isOneBatch = isOneBatch;
    this.#facts = new Facts(isOneBatch);
    this.#customerDiscounts = new CustomerDiscounts(this.#facts, isOneBatch);
    this.#months = months && new Months(rules.tz, months.by);
    this.#register = new Register(rules.customerMap);
    this.#touched = new Touched(this.#register, this.#facts, this.#terms, isOneBatch);
    this.#world = { rules, terms: this.#terms, facts: this.#facts, customerDiscounts: this.#customerDiscounts };
  }

  /** Takes one record in. A BadRecord says why it can't be read; then nothing of it has been taken. Types that don't matter pass unread. */
  add(record: object): void {
    if (!isHash(record)) throw new BadRecord('it is not an object');
    const envelope = readEnvelope(record);
    const told = readRecord(record, envelope, this.#world.rules, (terms) => this.#terms.intern(terms));
    if (envelope.created > this.#latest) [this.#latest, this.#isLatestSaved] = [envelope.created, false];
    this.#isFlushed = false;
    this.#read++;
    if (!told) return;
    const book = this.#register.book(envelope.account, envelope.livemode);
    for (const fact of told.facts) this.#facts.learn(book.key, fact);
    if (told.subscription) {
      const subscription = this.#register.subscription(book, told.subscription.id);
      if (subscription.pending) subscription.pending.push(told.subscription.news);
      else {
        subscription.pending = [told.subscription.news];
        this.#pending.push(subscription);
      }
      if (++this.#pendingCount >= maxPending) this.#takeInPending(everything);
    }
    if (told.customer) {
      const { id, sighting } = told.customer;
      if (this.#customerDiscounts.see(book.key, id, sighting, this.#latest - keptInFullS)) this.#touched.addNamed(book.key, id);
    }
  }

  /**
   * The movements that have changed since the last flush, in the order of second, account and subscription, each under the next revision of its id. Only
   * customers that the new records, or the clock, have touched are computed again. `commit` is the number that the flush will have in the state.
   */
  flush(commit = 0): Movement[] {
    return [...this.settle(commit)].sort(inOrder);
  }

  /** The same, customer by customer in no order at all: there may be millions. The flush is done once all have been taken. */
  *settle(commit = 0): Generator<Movement> {
    const now = this.#now(commit);
    this.#takeInPending(this.#latest - keptInFullS);
    if (this.#touched.addByFacts()) this.#customerDiscounts.forget();
    this.#touchBySaid(now);
    for (const { owner } of this.#clock.takeDue(this.#asOf, ({ next }) => next)) this.#touched.add(owner!);
    for (const customer of this.#touched.customers()) yield* this.#settle(customer, now);
    this.#touched.clear();
    this.#isFlushed = true;
  }

  /** The month rows that have changed since the last call. To be called after flush(). */
  monthChanges(commit = 0): MonthRecord[] {
    return this.#months?.changed(this.#firstRevision, this.#now(commit)) ?? [];
  }

  /** Lets the clocks run up to this second, where `asOf` is not given; they never go back. */
  moveClock(second: number): void {
    this.#clockAt = Math.max(this.#clockAt, second);
    this.#isFlushed = false;
  }

  /** The whole ledger as of the last flush, in the same order. */
  movements(): Movement[] {
    const all: Movement[] = [];
    for (const customer of this.#register.customers()) {
      for (const { subscription, kept, history } of this.#tell(customer).told) {
        for (const content of history.movements)
          all.push(writeMovement(keysOf(subscription), content, kept.emitted.find(isOf(content))?.[2] ?? 0));
      }
    }
    return all.sort(inOrder);
  }

  /** The months of the ledger as of the last flush, in the order of account, mode, currency and month. */
  months(by?: Breakdown): MonthRow[] {
    const ledgers = [...this.#register.customers()].map((customer) => {
      return { ...customer.book, customer: customer.id, movements: this.#tell(customer).movements };
    });
    return monthsOf(ledgers, this.#world.rules.tz, by);
  }

  /** How many subscriptions have each warning now, as `kind:detail`. */
  warnings(): ReadonlyMap<string, number> {
    return new Map([...this.#warnings].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The entries of the state that have changed since the last call; null removes one. To be called after flush(). */
  changes(): [key: string, value: unknown][] {
    if (!this.#isFlushed) throw new Error('changes() is asked for before flush()');
    const entries: [string, unknown][] = [];
    if (!this.#isLatestSaved) entries.push(['as_of', this.#latest]);
    this.#isLatestSaved = true;
    if (!this.#isFirstRevisionSaved) entries.push(['first_revision', this.#firstRevision]);
    this.#isFirstRevisionSaved = true;
    for (const [number, tuple] of this.#terms.changes()) entries.push([`terms|${number}`, tuple]);
    entries.push(...this.#facts.changes(), ...this.#customerDiscounts.changes());
    for (const subscription of this.#dirty) {
      const { book, id } = subscription;
      entries.push([keyOf('subscription', book.key, id), JSON.parse(this.#register.textOf(subscription))]);
    }
    this.#dirty.clear();
    if (this.#months) entries.push(...this.#months.changes());
    // A clock that has moved nothing need not be known.
    if (entries.length > 0 && this.#clockAt > this.#savedClockAt) {
      entries.push(['clock', this.#clockAt]);
      this.#savedClockAt = this.#clockAt;
    }
    if (entries.length > 0 || this.#read > this.#savedRead) entries.push(['read', this.#read]);
    this.#savedRead = this.#read;
    return entries;
  }

  /**
   * Takes the entries of an earlier ledger, of which the last of each key counts, before anything is added. It then goes on as that one would have.
   */
  load(entries: Iterable<[key: string, value: unknown]>): void {
    for (const [key, value] of entries) {
      const [table = '', account = '', mode = '', ...id] = key.split('|');
      if (table === 'as_of') this.#latest = value as number;
      else if (table === 'read') this.#read = this.#savedRead = value as number;
      else if (table === 'clock') this.#clockAt = this.#savedClockAt = value as number;
      else if (table === 'first_revision') this.#firstRevision = value as number;
      else if (table === 'terms') this.#terms.load(Number(account), value as TermsTuple);
      else if (table === 'customer') this.#customerDiscounts.load(key, value);
      else if (table === 'subscription')
        this.#loadSubscription(this.#register.book(account || null, mode === 'true'), id.join('|'), value);
      else if (table === 'month_shares' || table === 'month_rows') this.#months?.load(key, value);
      else this.#facts.load(key, value);
    }
    this.#months?.begin(false);
  }

  /**
   * After load(): what a run that died saved under a commit that never was. What it has said, this ledger does not say otherwise under the same
   * revision, and takes back where it is not so.
   */
  loadSaid(commit: number, entries: readonly [key: string, value: unknown][]): void {
    const place = { commit, read: Number(entries.find(([key]) => key === 'read')?.[1] ?? Number.POSITIVE_INFINITY) };
    for (const [key, value] of entries) {
      const [table] = key.split('|');
      if (table === 'month_rows') this.#months?.loadSaid(place, key, value);
      if (table === 'subscription') this.#said.load(key, place, unpackKept(value).emitted);
    }
  }

  /**
   * Goes on under other options than those of the ledger that was loaded: the next flush computes everybody again and says everything again, each
   * movement under the next revision of its id, and takes back what is no more.
   */
  recompute(): void {
    for (const subscription of this.#register.subscriptions()) {
      const kept = this.#register.keptOf(subscription);
      placeCreation(kept, this.#world.rules.backdate);
      for (const one of kept.emitted) if (one[3] !== 0) one[3] = saidBefore;
      this.#register.write(subscription, JSON.stringify(packKept(kept)));
      if (subscription.owner) this.#touched.add(subscription.owner);
    }
    this.#months?.begin(true);
    this.#isFlushed = false;
  }

  /** The first revision of an id that is new. Higher than 1 where a ledger that is lost may have used lower ones. */
  beginRevisionsAt(revision: number): void {
    [this.#firstRevision, this.#isFirstRevisionSaved] = [revision, false];
  }

  #loadSubscription(book: Book, id: string, value: unknown): void {
    const subscription = this.#register.subscription(book, id);
    const kept = unpackKept(value);
    if (subscription.text >= 0) this.#countWarnings(this.#register.keptOf(subscription).warnings, -1);
    this.#register.write(subscription, JSON.stringify(value));
    // Of one that a dead run alone has seen nothing is known but what was said.
    if (kept.states.length > 0) this.#register.place(subscription, kept.customer);
    this.#countWarnings(kept.warnings, 1);
    this.#wakeUpWhenever(subscription, kept);
  }

  #takeInPending(horizon: number): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const subscription of pending) {
      const kept = (subscription.open ??= this.#register.keptOf(subscription));
      const isMoved = takeIn(kept, subscription.pending ?? [], horizon);
      subscription.pending = undefined;
      if (isMoved) {
        const left = this.#register.place(subscription, kept.customer);
        if (left) this.#touched.add(left);
        this.#touched.add(subscription.owner!);
      }
      // Who is settled soon may stay open.
      if (!isMoved || horizon === everything) this.#close(subscription);
    }
    this.#pendingCount = 0;
  }

  // What a dead run said up to this commit is to be confirmed by now, or to be corrected.
  #touchBySaid(now: Place): void {
    for (const key of this.#said.due(now)) {
      const [, account = '', mode, ...id] = key.split('|');
      const subscription = this.#register.subscription(this.#register.book(account || null, mode === 'true'), id.join('|'));
      if (subscription.owner) this.#touched.add(subscription.owner);
      else if (!subscription.open) this.#keepSaid(subscription, key);
    }
  }

  // Nothing is known of it yet in this run: its records are still to come, and are then said under higher revisions.
  #keepSaid(subscription: Subscription, key: string): void {
    subscription.open = this.#register.keptOf(subscription);
    addSaid(subscription.open.emitted, this.#said.of(key));
    this.#close(subscription);
    this.#said.forget(key);
  }

  #settle(customer: Customer, now: Place): Movement[] {
    const changed: Movement[] = [];
    const { told, movements } = this.#tell(customer);
    this.#months?.set({ ...customer.book, customer: customer.id, movements });
    for (const { subscription, kept, history } of told) {
      // As a rule no run has died: then nobody needs the key.
      const key = this.#said.isEmpty ? '' : keyOf('subscription', subscription.book.key, subscription.id);
      const news = newsOf(keysOf(subscription), history.movements, {
        emitted: kept.emitted,
        said: this.#said.of(key),
        now,
        first: this.#firstRevision,
      });
      changed.push(...news.changed);
      kept.emitted = news.emitted;
      this.#said.forget(key, now);
      this.#countWarnings(kept.warnings, -1);
      this.#countWarnings(history.warnings, 1);
      subscription.open = undefined;
      if (this.#isOneBatch) continue;
      [kept.warnings, kept.waits, kept.next] = [history.warnings, history.waits, history.next];
      this.#wakeUpWhenever(subscription, kept);
      subscription.open = kept;
      this.#close(subscription);
    }
    this.#customerDiscounts.forget();
    return changed;
  }

  /** A customer's subscriptions with their movements, and all of these in order of time. */
  #tell(customer: Customer): { told: Told[]; movements: readonly Content[] } {
    const { rules } = this.#world;
    const told = customer.subscriptions.map((subscription) => {
      const kept = this.#register.keptOf(subscription);
      const owner = { id: subscription.id, book: subscription.book.key, customer: kept.customer };
      const born = (rules.backdate === 'start_date' && kept.startDate) || kept.created;
      const timeline = timelineOf(kept.observations, kept.states, born, this.#terms);
      return { subscription, kept, history: historyOf(owner, timeline, this.#world, this.#asOf) };
    });
    const own = told.map(({ history }) => history.movements);
    const movements = merge(own);
    typeMovements(movements, own, rules);
    return { told, movements };
  }

  #now(commit: number): Place {
    return { commit, read: this.#read };
  }

  get #asOf(): number {
    return this.#world.rules.asOf ?? Math.max(this.#latest, this.#clockAt);
  }

  #wakeUpWhenever(subscription: Subscription, { waits, next }: Kept): void {
    this.#touched.wait(subscription, waits);
    subscription.next = next;
    if (next > 0) this.#clock.set(subscription, next);
  }

  #countWarnings(warnings: readonly string[], by: 1 | -1): void {
    for (const warning of warnings) {
      const count = (this.#warnings.get(warning) ?? 0) + by;
      if (count > 0) this.#warnings.set(warning, count);
      else this.#warnings.delete(warning);
    }
  }

  #close(subscription: Subscription): void {
    const written = JSON.stringify(packKept(subscription.open!));
    subscription.open = undefined;
    if (written === this.#register.textOf(subscription)) return;
    this.#register.write(subscription, written);
    if (!this.#isOneBatch) this.#dirty.add(subscription);
  }
}

// One customer's movements in order of time; within a second in that of the subscriptions, which is the order of the lists.
function merge(lists: readonly (readonly Content[])[]): readonly Content[] {
  return lists.length === 1 ? lists[0]! : lists.flat().sort((a, b) => a.occurred_at - b.occurred_at);
}
