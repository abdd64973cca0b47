import { keyOf } from './facts.ts';
import type { Keys } from './movement.ts';
import type { Kept, News } from './subscription.ts';
import { emptyKept, unpackKept } from './subscription.ts';

/** One account in one mode: a world of its own. `key` is a part of every key of its things. */
export interface Book {
  readonly key: string;
  readonly account: string | null;
  readonly livemode: boolean;
}

/** Between flushes a subscription is one string: a million of them have to fit. */
export interface Subscription {
  readonly book: Book;
  readonly id: string;
  kept: string;
  /** Set once its first record has been taken in. */
  owner: Customer | undefined;
  pending: News[] | undefined;
  /** Unpacked, from the records that moved it until its customer is settled. */
  open: Kept | undefined;
}

export interface Customer {
  readonly book: Book;
  /** After the customer map. */
  readonly id: string;
  /** In the order of their ids. */
  readonly subscriptions: Subscription[];
}

/** Who there is: accounts, customers and their subscriptions. */
export class Register {
  readonly #books = new Map<string, Book>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #customers = new Map<string, Customer>();
  readonly #customerMap: Readonly<Record<string, string>>;

  constructor(customerMap: Readonly<Record<string, string>>) {
    this.#customerMap = customerMap;
  }

  book(account: string | null, livemode: boolean): Book {
    const key = `${account ?? ''}|${livemode}`;
    let book = this.#books.get(key);
    if (!book) this.#books.set(key, (book = { key, account, livemode }));
    return book;
  }

  subscription(book: Book, id: string): Subscription {
    const key = keyOf('subscription', book.key, id);
    let found = this.#subscriptions.get(key);
    if (!found)
      this.#subscriptions.set(key, (found = { book, id, kept: '', owner: undefined, pending: undefined, open: undefined }));
    return found;
  }

  /** The customer whom Stripe calls so, or whom the map puts in its place. */
  customer(book: string, stripeId: string): Customer | undefined {
    return this.#customers.get(`${book}|${this.#mapped(stripeId)}`);
  }

  /** Puts a subscription under its customer; returns the one that it was taken from, if any. */
  place(subscription: Subscription, stripeId: string): Customer | undefined {
    const id = this.#mapped(stripeId);
    const { owner, book } = subscription;
    if (owner?.id === id) return undefined;
    owner?.subscriptions.splice(owner.subscriptions.indexOf(subscription), 1);
    const key = `${book.key}|${id}`;
    let next = this.#customers.get(key);
    if (!next) this.#customers.set(key, (next = { book, id, subscriptions: [] }));
    const place = next.subscriptions.findIndex((other) => other.id > subscription.id);
    next.subscriptions.splice(place < 0 ? next.subscriptions.length : place, 0, subscription);
    subscription.owner = next;
    return owner;
  }

  customers(): Iterable<Customer> {
    return this.#customers.values();
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  #mapped(stripeId: string): string {
    return Object.hasOwn(this.#customerMap, stripeId) ? this.#customerMap[stripeId]! : stripeId;
  }
}

export function keptOf({ open, kept }: Subscription): Kept {
  return open ?? (kept === '' ? emptyKept() : unpackKept(JSON.parse(kept)));
}

export function keysOf({ book: { account, livemode }, owner, id }: Subscription): Keys {
  return { account, livemode, customer: owner!.id, subscription: id };
}
