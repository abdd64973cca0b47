import type { Facts } from './facts.ts';
import { keyOf, partsOf } from './facts.ts';
import type { Customer, Register, Subscription } from './register.ts';
import type { TermsTable } from './terms.ts';
import { Waiting } from './waiting.ts';

/** The customers who have to be computed again, since something that their ledgers hang on was told. All are, of one batch. */
export class Touched {
  readonly #customers = new Set<Customer>();
  readonly #waiting = new Waiting<Subscription>();
  readonly #register: Register;
  readonly #facts: Facts;
  readonly #terms: TermsTable;
  readonly #isOneBatch: boolean;

  constructor(register: Register, facts: Facts, terms: TermsTable, isOneBatch: boolean) {
    this.#register = register;
    this.#facts = facts;
    this.#terms = terms;
    this.#isOneBatch = isOneBatch;
  }

  add(customer: Customer): void {
    if (!this.#isOneBatch) this.#customers.add(customer);
  }

  /** The customer whom Stripe calls so, if it is known. */
  addNamed(book: string, stripeId: string): void {
    const found = this.#register.customer(book, stripeId);
    if (found) this.add(found);
  }

  /** This subscription's customer is touched once one of these is known. */
  wait(subscription: Subscription, keys: readonly string[]): void {
    this.#waiting.add(subscription, keys);
  }

  customers(): Iterable<Customer> {
    return this.#isOneBatch ? this.#register.customers() : this.#customers;
  }

  clear(): void {
    this.#customers.clear();
  }

  /** Takes the news of facts: what is newly known concerns those who waited for it; what has changed, everybody who may have used it. True where there were any. */
  addByFacts(): boolean {
    const { added, changed } = this.#facts.takeNews();
    const prices = new Set<string>();
    for (const key of [...added, ...changed]) {
      for (const { owner } of this.#waiting.take(key)) this.add(owner!);
      const [table, book, id] = partsOf(key);
      if (table === 'discount') this.#addOwner(book, id);
      if (table === 'price' && this.#terms.isWithoutProduct(id)) prices.add(key);
    }
    for (const key of changed) {
      const [table, book, id] = partsOf(key);
      if (table === 'coupon') for (const discount of this.#facts.discountsOf(book, id)) this.#addOwner(book, discount);
      if (table === 'price') prices.add(key);
    }
    if (prices.size > 0) this.#addByPrices(prices);
    return added.length + changed.length > 0;
  }

  #addOwner(book: string, discount: string): void {
    const customer = this.#facts.get('discount', book, discount, 'is')?.[3];
    if (customer) this.addNamed(book, customer);
  }

  // What is told of a price hardly ever changes: everybody is asked rather than remembered.
  #addByPrices(prices: ReadonlySet<string>): void {
    for (const subscription of this.#register.subscriptions()) {
      const { key } = subscription.book;
      const uses = this.#register
        .keptOf(subscription)
        .states.some(([, , items]) => items.some(([, terms]) => prices.has(keyOf('price', key, this.#terms.get(terms).price))));
      if (uses && subscription.owner) this.add(subscription.owner);
    }
  }
}
