import type { Keys } from './movement.ts';
import type { Kept, News } from './subscription.ts';
import { emptyKept, unpackKept } from './subscription.ts';
import { Texts } from './texts.ts';

/** One account in one mode: a world of its own. `key` is a part of every key of its things. */
export interface Book {
  readonly key: string;
  readonly account: string | null;
  readonly livemode: boolean;
  readonly subscriptions: Map<string, Subscription>;
  readonly customers: Map<string, Customer>;
}

/** Between flushes a subscription is one text: a million of them have to fit. */
export interface Subscription {
  readonly book: Book;
  readonly id: string;
  /** The number of its text; -1 where nothing has been taken in yet. */
  text: number;
  /** The next second at which the clock alone may move it; 0 for never. */
  next: number;
  /** Set once its first record has been taken in. */
  owner: Customer | undefined;
  pending: News[] | undefined;
  /** Unpacked, from the records that moved it until its customer is settled. */
  open: Kept | undefined;
}

/** A customer as the ledger counts it; by the customer map it may be several of Stripe's. */
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
  readonly #customerMap: Readonly<Record<string, string>>;
  readonly #texts = new Texts();

  constructor(customerMap: Readonly<Record<string, string>>) {
    this.#customerMap = customerMap;
  }

  book(account: string | null, livemode: boolean): Book {
    const key = `${account ?? ''}|${livemode}`;
    let book = this.#books.get(key);
    if (!book) this.#books.set(key, (book = { key, account, livemode, subscriptions: new Map(), customers: new Map() }));
    return book;
  }

  subscription(book: Book, id: string): Subscription {
    let found = book.subscriptions.get(id);
    if (!found) {
      found = { book, id, text: -1, next: 0, owner: undefined, pending: undefined, open: undefined };
      book.subscriptions.set(id, found);
    }
    return found;
  }

  /** The customer whom Stripe calls so, or whom the map puts in its place. */
  customer(book: string, stripeId: string): Customer | undefined {
    return this.#books.get(book)?.customers.get(this.#mapped(stripeId));
  }

  /** Puts a subscription under its customer; returns the one that it was taken from, if any. */
  place(subscription: Subscription, stripeId: string): Customer | undefined {
    const id = this.#mapped(stripeId);
    const { owner, book } = subscription;
    if (owner?.id === id) return undefined;
    owner?.subscriptions.splice(owner.subscriptions.indexOf(subscription), 1);
    const next = book.customers.get(id);
    if (next) {
      const place = next.subscriptions.findIndex((other) => other.id > subscription.id);
      next.subscriptions.splice(place < 0 ? next.subscriptions.length : place, 0, subscription);
      subscription.owner = next;
    } else {
      // An array that is written so has room for one, which is all that most customers need.
      subscription.owner = { book, id, subscriptions: [subscription] };
      book.customers.set(id, subscription.owner);
    }
    return owner;
  }

  *customers(): Generator<Customer> {
    for (const { customers } of this.#books.values()) yield* customers.values();
  }

  *subscriptions(): Generator<Subscription> {
    for (const { subscriptions } of this.#books.values()) yield* subscriptions.values();
  }

  /** What is kept of a subscription, as JSON; '' where nothing has been taken in yet. */
  textOf({ text }: Subscription): string {
    return text < 0 ? '' : this.#texts.get(text);
  }

  keptOf(subscription: Subscription): Kept {
    if (subscription.open) return subscription.open;
    return subscription.text < 0 ? emptyKept() : unpackKept(JSON.parse(this.textOf(subscription)));
  }

  /** Keeps a subscription as this text. */
  write(subscription: Subscription, text: string): void {
    if (subscription.text < 0) subscription.text = this.#texts.add(text);
    else this.#texts.set(subscription.text, text);
  }

  #mapped(stripeId: string): string {
    return Object.hasOwn(this.#customerMap, stripeId) ? this.#customerMap[stripeId]! : stripeId;
  }
}

/** What names a subscription in the ledger; only for one that has an owner. */
export function keysOf({ book: { account, livemode }, owner, id }: Subscription): Keys {
  return { account, livemode, customer: owner!.id, subscription: id };
}
