/** The things in the made-up Stripe account. Times are epoch seconds, null for none; amounts are minor units; states are never changed, only replaced. */
export type Currency = 'usd' | 'eur' | 'gbp' | 'jpy' | 'kwd';

/** What is sold; it never changes. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly created: number;
}

/** A step of a price, up to `upTo` units and these included (null: without end): `flat` is paid once, `unit` for each. */
export interface Tier {
  readonly upTo: number | null;
  readonly flat: number | null;
  /** A decimal as text. */
  readonly unit: string;
}

/** What a product costs every `intervalCount` intervals. */
export interface Price {
  readonly id: string;
  readonly nickname: string;
  readonly product: Product;
  readonly currency: Currency;
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
  /** A decimal as text, null where there are tiers. */
  readonly unit: string | null;
  readonly tiers?: readonly Tier[];
  readonly tiersMode?: 'graduated' | 'volume';
  /** Sold in packages of so many, a begun one counting as one. */
  readonly packageOf?: number;
  readonly isMetered?: boolean;
  /** The unit amount in other currencies. */
  readonly options?: Readonly<Partial<Record<Currency, string>>>;
  readonly created: number;
  /** Changes once: when it is archived. */
  isActive: boolean;
}

/** What may be taken off: a percentage, or `amountOff` in `currency`; for so many `months` where it is repeating. */
export interface Coupon {
  readonly id: string;
  readonly name: string;
  readonly percentOff?: number;
  readonly amountOff?: number;
  readonly currency?: Currency;
  readonly options?: Readonly<Partial<Record<Currency, number>>>;
  readonly duration: 'forever' | 'repeating' | 'once';
  readonly months?: number;
  /** Only these products; all where absent. */
  readonly products?: readonly Product[];
  readonly created: number;
  redeemed: number;
  isDeleted: boolean;
}

/** A tax in percent: part of the price where it is inclusive, on top of it where it is not. */
export interface TaxRate {
  readonly id: string;
  readonly name: string;
  readonly country: string;
  readonly percentage: number;
  readonly isInclusive: boolean;
  readonly created: number;
}

/** A coupon in force from `start` up to `end`, for a customer, a subscription or an item of one: the narrowest that is named. */
export interface Discount {
  readonly id: string;
  readonly coupon: Coupon;
  readonly customer: string;
  readonly subscription: string | null;
  readonly item: string | null;
  readonly start: number;
  readonly end: number | null;
}

/** What a subscription holds of one price. */
export interface Item {
  readonly id: string;
  readonly price: Price;
  /** null where metered. */
  readonly quantity: number | null;
  readonly created: number;
  readonly discounts: readonly Discount[];
  /** A trial offer. */
  readonly trial: { readonly start: number; readonly end: number } | null;
}

type Status = 'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'unpaid' | 'paused' | 'canceled';

/** All of a subscription that may change, as it is at one moment. */
export interface SubscriptionState {
  readonly status: Status;
  readonly items: readonly Item[];
  readonly discounts: readonly Discount[];
  readonly taxRates: readonly TaxRate[];
  readonly pauseCollection: { readonly resumesAt: number } | null;
  readonly cancelAt: number | null;
  readonly cancelsAtPeriodEnd: boolean;
  readonly canceledAt: number | null;
  readonly cancelReason: string | null;
  readonly feedback: string | null;
  readonly endedAt: number | null;
  readonly trialStart: number | null;
  readonly trialEnd: number | null;
  readonly pausedAt: number | null;
  readonly periodStart: number;
  readonly periodEnd: number;
  readonly latestInvoice: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What stays the same of a subscription, and its state as of now. */
export interface Subscription {
  readonly id: string;
  readonly customer: Customer;
  readonly currency: Currency;
  readonly created: number;
  state: SubscriptionState;
}

/** All of a customer that may change, as it is at one moment. */
export interface CustomerState {
  readonly name: string;
  readonly email: string;
  readonly discount: Discount | null;
  readonly isDeleted: boolean;
}

/** What stays the same of a customer, and its state as of now; `number` is its place in the order of arrival, from 0. */
export interface Customer {
  readonly id: string;
  readonly number: number;
  readonly country: string;
  readonly currency: Currency;
  readonly created: number;
  readonly subscriptions: Subscription[];
  state: CustomerState;
}

/** What was billed at one time: `total` is `subtotal` less the subscription's own discounts; no tax is added. */
export interface Invoice {
  readonly id: string;
  readonly subscription: Subscription;
  /** What was billed. */
  readonly state: SubscriptionState;
  readonly created: number;
  readonly number: string;
  readonly reason: 'subscription_create' | 'subscription_cycle' | 'subscription_update';
  readonly subtotal: number;
  readonly total: number;
  status: 'paid' | 'open' | 'void' | 'uncollectible';
  attempts: number;
}

/** A state in which nothing has been said yet. */
export function blankState(now: number): SubscriptionState {
  return {
    status: 'active',
    items: [],
    discounts: [],
    taxRates: [],
    pauseCollection: null,
    cancelAt: null,
    cancelsAtPeriodEnd: false,
    canceledAt: null,
    cancelReason: null,
    feedback: null,
    endedAt: null,
    trialStart: null,
    trialEnd: null,
    pausedAt: null,
    periodStart: now,
    periodEnd: now,
    latestInvoice: null,
    metadata: {},
  };
}
