/** Records as Stripe writes them (2026-10-28.endive), with only the fields that a test is about. */
export type Json = Record<string, any>;

export const t0 = 1_768_003_200;
export const dayS = 86_400;

let serial = 0;

export function record(type: string, created: number, object: Json, more: Json = {}): Json {
  const { previous, ...rest } = more;
  const data = previous ? { object, previous_attributes: previous } : { object };
  return {
    id: `evt_${String(serial++).padStart(6, '0')}`,
    object: 'event',
    type,
    created,
    livemode: true,
    api_version: '2026-10-28.endive',
    data,
    ...rest,
  };
}

export function price(more: Json = {}): Json {
  const { interval = 'month', interval_count = 1, usage_type = 'licensed', ...rest } = more;
  return {
    id: 'price_a',
    object: 'price',
    billing_scheme: 'per_unit',
    currency: 'usd',
    product: 'prod_a',
    tax_behavior: 'exclusive',
    unit_amount: 1000,
    unit_amount_decimal: null,
    recurring: { interval, interval_count, usage_type },
    ...rest,
  };
}

export function item(more: Json = {}): Json {
  return {
    id: 'si_a',
    object: 'subscription_item',
    price: price(),
    quantity: 1,
    discounts: [],
    tax_rates: [],
    current_trial: null,
    ...more,
  };
}

export function subscription(more: Json = {}): Json {
  const { items = [item()], ...rest } = more;
  return {
    id: 'sub_a',
    object: 'subscription',
    status: 'active',
    customer: 'cus_a',
    currency: 'usd',
    created: t0,
    start_date: t0,
    discounts: [],
    default_tax_rates: [],
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    ended_at: null,
    pause_collection: null,
    trial_start: null,
    trial_end: null,
    automatic_tax: { enabled: false },
    items: { object: 'list', data: items, has_more: false },
    ...rest,
  };
}

export function created(more: Json = {}, envelope: Json = {}): Json {
  const object = subscription(more);
  return record('customer.subscription.created', object.created, object, envelope);
}

/** An update: what it was laid over by what it is. */
export function updated(at: number, more: Json, previous: Json, envelope: Json = {}): Json {
  return record('customer.subscription.updated', at, subscription(more), { previous, ...envelope });
}

export function snapshot(at: number, more: Json = {}): Json {
  return record('snapshot.subscription', at, subscription(more), { id: `snap_sub_a_${at}` });
}

export function coupon(more: Json = {}): Json {
  return record('snapshot.coupon', t0, {
    id: 'TEN',
    object: 'coupon',
    percent_off: 10,
    amount_off: null,
    currency: null,
    duration: 'forever',
    ...more,
  });
}

export function discount(more: Json = {}): Json {
  return {
    id: 'di_a',
    object: 'discount',
    customer: 'cus_a',
    subscription: 'sub_a',
    start: t0,
    end: null,
    source: { type: 'coupon', coupon: 'TEN' },
    ...more,
  };
}

export const items = (...data: Json[]): Json => ({ items: { data } });
