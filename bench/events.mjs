// The data of the measurements: made from a seed, written once into the temporary folder and used again.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const seed = 20261124;
const folder = join(tmpdir(), 'buda-bench-2');

/** Numbers from 0 up to 2^32 that look like chance and are the same each time (mulberry32). */
function chance(start) {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const types = [
  'page_viewed',
  'post_created',
  'post_shared',
  'channel_connected',
  'button_clicked',
  'trial_started',
  'plan_changed',
];
const paths = [
  '/pricing',
  '/publish',
  '/analyze',
  '/engage',
  '/settings/billing',
  '/library',
  '/start-page',
  '/blog/a-year-in-review',
];
const names = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'frances', 'tony', 'margaret', 'zo\u00eb', 'j\u00fcrgen'];

/** One event of 214 bytes on the average; one in ten is a plan_changed, one in fifty has letters beyond ASCII. */
function trackingEvent(random, i) {
  const type = random(10) === 0 ? 'plan_changed' : types[random(6)];
  const name = names[random(50) === 0 ? 8 + random(2) : random(8)];
  const second = 1795514400 + Math.floor(i / 20);
  return JSON.stringify({
    id: `evt_${random(2 ** 32)
      .toString(36)
      .padStart(7, '0')}${i.toString(36).padStart(6, '0')}`,
    type,
    user_id: `u_${random(200_000)}`,
    email: `${name}@example.com`,
    created_at: `${new Date(second * 1000).toISOString().slice(0, 19)}Z`,
    properties: { path: paths[random(8)], v: 301, n: random(1000), ms: random(1_000_000) / 1000, is_new: random(2) === 0 },
  });
}

/** One change of a subscription as Stripe tells it, of 3.2 kB; one in twenty has a letter beyond ASCII. */
function stripeEvent(random, i) {
  const token = (prefix) =>
    `${prefix}_1Q${random(2 ** 32)
      .toString(36)
      .padStart(7, '0')}${random(2 ** 32)
      .toString(36)
      .padStart(7, '0')}`;
  const created = 1790000000 + i * 7;
  const price = {
    id: token('price'),
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: created - 9_000_000,
    currency: 'usd',
    custom_unit_amount: null,
    livemode: true,
    lookup_key: 'team_monthly',
    metadata: { plan: 'team', channels: '10' },
    nickname: 'Team, monthly',
    product: token('prod'),
    recurring: {
      aggregate_usage: null,
      interval: 'month',
      interval_count: 1,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed',
    },
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'recurring',
    unit_amount: 1200 + 100 * random(40),
    unit_amount_decimal: '1200.0',
  };
  const plan = {
    id: price.id,
    object: 'plan',
    active: true,
    amount: price.unit_amount,
    amount_decimal: '1200.0',
    billing_scheme: 'per_unit',
    created: price.created,
    currency: 'usd',
    interval: 'month',
    interval_count: 1,
    livemode: true,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
  const subscription = {
    id: token('sub'),
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: true, liability: { type: 'self' } },
    billing_cycle_anchor: created - 86_400,
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, reason: null },
    collection_method: 'charge_automatically',
    created: created - 86_400,
    currency: 'usd',
    customer: token('cus'),
    days_until_due: null,
    default_payment_method: token('pm'),
    default_source: null,
    default_tax_rates: [],
    description: random(20) === 0 ? 'Team plan \u2014 10 channels' : 'Team plan, 10 channels',
    discounts: [],
    ended_at: null,
    invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
    items: {
      object: 'list',
      has_more: false,
      total_count: 1,
      url: '/v1/subscription_items',
      data: [
        {
          id: token('si'),
          object: 'subscription_item',
          created: created - 86_400,
          current_period_end: created + 2_500_000,
          current_period_start: created - 86_400,
          discounts: [],
          metadata: {},
          plan,
          price,
          quantity: 1 + random(40),
          tax_rates: [],
        },
      ],
    },
    latest_invoice: token('in'),
    livemode: true,
    metadata: {
      organization_id: `org_${random(100_000)}`,
      source: 'checkout',
      campaign: 'autumn-launch-2026',
      signed_up_from: '/pricing?team',
    },
    next_pending_invoice_item_invoice: null,
    pause_collection: null,
    payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: created - 86_400,
    status: 'active',
    test_clock: null,
    transfer_data: null,
    trial_end: null,
    trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
    trial_start: null,
  };
  return JSON.stringify({
    id: token('evt'),
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    livemode: true,
    pending_webhooks: 1,
    request: { id: token('req'), idempotency_key: token('key') },
    type: 'customer.subscription.updated',
    data: {
      object: subscription,
      previous_attributes: {
        items: { data: [{ id: token('si'), quantity: 1 + random(40), price: token('price') }] },
        latest_invoice: token('in'),
      },
    },
  });
}

/** A pipe of an app: begin, `count` records with a mark after each 10,000 of them, end. */
function* linesOf(make, count, isMarked) {
  const random = chance(seed);
  if (isMarked) yield '["buda.begin",1,{"app":"bench","source":"bench","run":"1","term":1,"at":0,"from":{"":"0"}}]';
  for (let i = 1, since = 0; i <= count; i++) {
    yield make(random, i);
    since++;
    if (isMarked && (since === 10_000 || i === count)) {
      yield `["buda.mark",1,{"to":"${i}","c":[["bench",0,${since},0]]}]`;
      since = 0;
    }
  }
  if (isMarked) yield '["buda.end",1,{"exit":0}]';
}

function file(name, make, count, isMarked) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${count}${isMarked ? '-marked' : ''}.ndjson`);
  if (!existsSync(path)) {
    const half = `${path}.${process.pid}`;
    const out = openSync(half, 'w');
    let block = '';
    for (const line of linesOf(make, count, isMarked)) {
      block += `${line}\n`;
      if (block.length > 1_000_000) {
        writeSync(out, block);
        block = '';
      }
    }
    writeSync(out, block);
    closeSync(out);
    renameSync(half, path);
  }
  return { path, count, bytes: statSync(path).size };
}

/** The path, the number of records and of bytes of a file of tracking events, 214 bytes each. */
export const trackingEvents = (count, { marked = false } = {}) => file('tracking', trackingEvent, count, marked);

/** The same of Stripe's events, 3.2 kB each. */
export const stripeEvents = (count, { marked = false } = {}) => file('stripe', stripeEvent, count, marked);
