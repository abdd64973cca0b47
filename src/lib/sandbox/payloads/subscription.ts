import type { Discount, Item, Subscription, SubscriptionState } from '../entities.ts';
import { writeCoupon, writePlan, writePrice, writeTaxRate } from './price.ts';
import type { Json, Shape } from './shape.ts';

/** A list inside an object holds so many and says that there are more. */
const maxNested = 10;

/** A subscription as it stood in this state, in the shape of one version. */
export function writeSubscription(subscription: Subscription, state: SubscriptionState, shape: Shape): Json {
  const { id, customer, currency, created } = subscription;
  const { items, discounts, taxRates, pauseCollection } = state;
  const only = items.length === 1 ? items[0]! : undefined;
  return {
    id,
    object: 'subscription',
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: created,
    ...(shape.hasBillingMode && { billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' } }),
    ...(shape.isEndive && { billing_schedules: [] }),
    billing_thresholds: null,
    cancel_at: state.cancelAt,
    cancel_at_period_end: state.cancelsAtPeriodEnd,
    canceled_at: state.canceledAt,
    cancellation_details: { comment: null, feedback: state.feedback, reason: state.cancelReason },
    [shape.hasStart ? 'billing' : 'collection_method']: 'charge_automatically',
    created,
    currency,
    ...(shape.isBeforeBasil && { current_period_end: state.periodEnd, current_period_start: state.periodStart }),
    customer: customer.id,
    ...(shape.hasCustomerAccount && { customer_account: null }),
    days_until_due: null,
    default_payment_method: null,
    default_source: null,
    ...(shape.isBeforeBasil && { discount: discounts[0] === undefined ? null : writeDiscount(discounts[0], shape) }),
    ...(shape.hasPrices && { discounts: discounts.map((discount) => discount.id) }),
    ended_at: state.endedAt,
    ...(!shape.hasPlanOnly && { items: writeItems(subscription, state, shape) }),
    latest_invoice: state.latestInvoice,
    livemode: false,
    metadata: state.metadata,
    pause_collection: pauseCollection && { behavior: 'void', resumes_at: pauseCollection.resumesAt },
    pending_setup_intent: null,
    pending_update: null,
    ...(shape.isBeforeBasil && {
      plan: only === undefined ? null : writePlan(only.price, shape),
      quantity: only === undefined ? null : only.quantity,
    }),
    schedule: null,
    ...(shape.hasStart
      ? { start: created, tax_percent: taxRates[0]?.percentage ?? null }
      : { default_tax_rates: taxRates.map(writeTaxRate), start_date: created }),
    status: state.status,
    ...(shape.isEndive && { status_details: writeStatusDetails(state) }),
    test_clock: null,
    trial_end: state.trialEnd,
    trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    trial_start: state.trialStart,
  };
}

/** The first items, and whether there are more. */
function writeItems(subscription: Subscription, state: SubscriptionState, shape: Shape): Json {
  const { items } = state;
  return {
    object: 'list',
    data: items.slice(0, maxNested).map((item) => writeItem(item, subscription, state, shape)),
    has_more: items.length > maxNested,
    total_count: items.length,
    url: `/v1/subscription_items?subscription=${subscription.id}`,
  };
}

/** An item as it stood in this state of its subscription, in the shape of one version. */
export function writeItem(item: Item, { id }: Subscription, state: SubscriptionState, shape: Shape): Json {
  const { price, quantity, trial } = item;
  return {
    id: item.id,
    object: 'subscription_item',
    billing_thresholds: null,
    created: item.created,
    ...(!shape.isBeforeBasil && { current_period_end: state.periodEnd, current_period_start: state.periodStart }),
    ...(shape.isEndive && {
      current_trial: trial && { end_date: trial.end, start_date: trial.start, trial_offer: `to_${item.id.slice(3)}` },
    }),
    ...(shape.hasPrices && { discounts: item.discounts.map((discount) => discount.id) }),
    metadata: {},
    plan: writePlan(price, shape),
    ...(shape.hasPrices && { price: writePrice(price) }),
    ...(quantity !== null && { quantity }),
    subscription: id,
    tax_rates: [],
  };
}

function writeStatusDetails({ pausedAt }: SubscriptionState): Json {
  return {
    paused:
      pausedAt === null ? null : { subscription: { type: 'pause_requested' }, transitioned_at: pausedAt, type: 'subscription' },
  };
}

/** A discount; its coupon is inside until 2025, an id in its source since then. Inside other objects it had no id at first; alone it always has one. */
export function writeDiscount(discount: Discount, shape: Shape, isAlone = false): Json {
  const { id, coupon, customer, subscription, item, start, end } = discount;
  return {
    ...((isAlone || shape.hasPrices) && { id }),
    object: 'discount',
    ...(shape.hasPrices && { checkout_session: null }),
    ...(shape.hasCouponInside && { coupon: writeCoupon(coupon, shape) }),
    customer,
    ...(shape.hasCustomerAccount && { customer_account: null }),
    end,
    ...(shape.hasPrices && { invoice: null, invoice_item: null, promotion_code: null }),
    ...(!shape.hasCouponInside && { source: { coupon: coupon.id, type: 'coupon' } }),
    start,
    subscription,
    ...(shape.hasPrices && { subscription_item: item }),
  };
}
