import type { Account, Event } from '../account.ts';
import { dayS } from '../calendar.ts';
import type { Coupon, Customer, Invoice, Price, Product, Subscription, TaxRate } from '../entities.ts';
import { writeCustomer } from '../payloads/customer.ts';
import { writeEvent } from '../payloads/event.ts';
import { writeInvoice } from '../payloads/invoice.ts';
import { writeCoupon, writePlan, writePrice, writeProduct, writeTaxRate } from '../payloads/price.ts';
import type { Json, Shape } from '../payloads/shape.ts';
import { writeSubscription } from '../payloads/subscription.ts';
import { type Listing, NewestFirst } from './listing.ts';
import { Refusal } from './refusal.ts';

type Filter<T> = (thing: T, values: readonly string[]) => boolean;

/** How one kind of object is listed and shown. */
export interface Resource<T = unknown> {
  readonly object: string;
  readonly listing: Listing<T>;
  /** What a key needs to read it. */
  readonly permission: string;
  createdOf(thing: T): number;
  /** Whether it may be seen at all at this second; a list without a word to the contrary leaves out what is not `isListed`. */
  isVisible?(thing: T, now: number): boolean;
  isListed?(thing: T, filters: ReadonlyMap<string, readonly string[]>): boolean;
  readonly filters: Readonly<Record<string, Filter<T>>>;
  write(thing: T, shape: Shape, connected: string | undefined): Json;
}

/** Events can be read for this long. */
const eventsS = 30 * dayS;

const is =
  <T>(read: (thing: T) => unknown): Filter<T> =>
  (thing, values) =>
    String(read(thing)) === values.at(-1);
const accepted: Filter<unknown> = () => true;

/** Every list that has something in it, by its path behind /v1/. */
export function resourcesOf(account: Account): ReadonlyMap<string, Resource> {
  const { catalogue } = account;
  const events: Resource<Event> = {
    object: 'event',
    permission: 'rak_event_read',
    listing: new NewestFirst(account.events, ({ id }) => id),
    createdOf: ({ created }) => created,
    isVisible: ({ created }, now) => created >= now - eventsS,
    filters: {
      type: ({ type }, values) => matchesType(type, values.at(-1)!),
      types: ({ type }, values) => values.includes(type),
      delivery_success: (_, values) => values.at(-1) === 'true',
    },
    write: (event, _, connected) => writeEvent(event, connected),
  };
  const subscriptions: Resource<Subscription> = {
    object: 'subscription',
    permission: 'rak_subscription_read',
    listing: new NewestFirst(account.subscriptions, ({ id }) => id),
    createdOf: ({ created }) => created,
    isListed: ({ state }, filters) => filters.has('status') || state.status !== 'canceled',
    filters: {
      status: ({ state }, values) => matchesStatus(state.status, values.at(-1)!),
      customer: is(({ customer }) => customer.id),
      price: ({ state }, values) => state.items.some(({ price }) => price.id === values.at(-1)),
      plan: ({ state }, values) => state.items.some(({ price }) => price.id === values.at(-1)),
      collection_method: is(() => 'charge_automatically'),
      test_clock: () => false,
    },
    write: (subscription, shape) => writeSubscription(subscription, subscription.state, shape),
  };
  const customers: Resource<Customer> = {
    object: 'customer',
    permission: 'rak_customer_read',
    listing: new NewestFirst(account.customers, ({ id }) => id),
    createdOf: ({ created }) => created,
    isListed: ({ state }) => !state.isDeleted,
    filters: { email: is(({ state }) => state.email), test_clock: () => false },
    write: (customer, shape) =>
      customer.state.isDeleted
        ? { id: customer.id, object: 'customer', deleted: true }
        : writeCustomer(customer, customer.state, shape),
  };
  const invoices: Resource<Invoice> = {
    object: 'invoice',
    permission: 'rak_invoice_read',
    listing: new NewestFirst(account.invoices, ({ id }) => id),
    createdOf: ({ created }) => created,
    filters: {
      status: is(({ status }) => status),
      customer: is(({ subscription }) => subscription.customer.id),
      subscription: is(({ subscription }) => subscription.id),
      collection_method: is(() => 'charge_automatically'),
    },
    write: writeInvoice,
  };
  const prices: Omit<Resource<Price>, 'object' | 'permission' | 'write'> = {
    listing: new NewestFirst(catalogue.prices, ({ id }) => id),
    createdOf: ({ created }) => created,
    filters: {
      active: is(({ isActive }) => isActive),
      product: is(({ product }) => product.id),
      currency: is(({ currency }) => currency),
      type: is(() => 'recurring'),
    },
  };
  const products: Resource<Product> = {
    object: 'product',
    permission: 'rak_product_read',
    listing: new NewestFirst(catalogue.products, ({ id }) => id),
    createdOf: ({ created }) => created,
    filters: { active: is(() => true), ids: ({ id }, values) => values.includes(id), shippable: accepted, url: accepted },
    write: writeProduct,
  };
  const coupons: Resource<Coupon> = {
    object: 'coupon',
    permission: 'rak_coupon_read',
    listing: new NewestFirst(catalogue.coupons, ({ id }) => id),
    createdOf: ({ created }) => created,
    isVisible: ({ isDeleted }) => !isDeleted,
    filters: {},
    write: writeCoupon,
  };
  const taxRates: Resource<TaxRate> = {
    object: 'tax_rate',
    permission: 'rak_tax_rate_read',
    listing: new NewestFirst(catalogue.taxRates, ({ id }) => id),
    createdOf: ({ created }) => created,
    filters: { active: is(() => true), inclusive: is(({ isInclusive }) => isInclusive) },
    write: writeTaxRate,
  };
  const table: Record<string, unknown> = {
    events,
    subscriptions,
    customers,
    invoices,
    prices: { ...prices, object: 'price', permission: 'rak_price_read', write: writePrice },
    plans: { ...prices, object: 'plan', permission: 'rak_plan_read', write: writePlan },
    products,
    coupons,
    tax_rates: taxRates,
  };
  return new Map(Object.entries(table) as [string, Resource][]);
}

function matchesType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

function matchesStatus(status: string, wanted: string): boolean {
  if (wanted === 'all') return true;
  if (wanted === 'ended') return status === 'canceled' || status === 'incomplete_expired';
  const known = ['active', 'past_due', 'unpaid', 'canceled', 'incomplete', 'incomplete_expired', 'trialing', 'paused'];
  if (known.includes(wanted)) return status === wanted;
  throw new Refusal(400, `Invalid status: must be one of ${[...known, 'all', 'ended'].join(', ')}`, { param: 'status' });
}

/** Lists that Stripe has and this story has nothing for, with the parameters that they insist on. */
export const emptyLists: ReadonlyMap<string, readonly string[]> = new Map([
  ...[
    'accounts',
    'application_fees',
    'balance_transactions',
    'charges',
    'checkout/sessions',
    'credit_notes',
    'disputes',
    'file_links',
    'files',
    'invoice_payments',
    'invoiceitems',
    'issuing/authorizations',
    'issuing/cardholders',
    'issuing/cards',
    'issuing/disputes',
    'issuing/tokens',
    'issuing/transactions',
    'payment_intents',
    'payouts',
    'product_catalog/trial_offers',
    'promotion_codes',
    'radar/early_fraud_warnings',
    'radar/value_lists',
    'refunds',
    'reporting/report_runs',
    'reviews',
    'setup_intents',
    'shipping_rates',
    'subscription_schedules',
    'topups',
    'transfers',
    'treasury/financial_accounts',
  ].map((path) => [path, [] as string[]] as const),
  ['setup_attempts', ['setup_intent']],
  ['treasury/transactions', ['financial_account']],
  ['treasury/transaction_entries', ['financial_account']],
]);
