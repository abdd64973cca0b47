// node bench/programs/subscriptions.mjs COUNT [--marked]: what Stripe told of so many subscriptions, oldest first, made as it is read and the
// same each time. Ten customers have eleven of them. Each is created (one in three in a trial), renewed, changed in quantity, perhaps in price,
// and one in three ends: six events each, and one of its customer; one in four has a discount that ends, one in ten customers has one of its own.
// All begin one after the other within a year, each goes on for a year. --marked: as the pipe of an app, with a mark each 10,000 events.
import { writeSync } from 'node:fs';
import { formatBegin, formatEnd, formatMark } from './wire.mjs';

const [count, isMarked] = [Number(process.argv[2]), process.argv[3] === '--marked'];
const steps = 6;
const yearS = 31_536_000;
const begin = 1_730_000_000;

/** Looks like chance from 0 up to `below`, for the i-th thing's k-th question. */
function chance(i, k, below) {
  let mixed = Math.imul(i + 0x6d2b79f5, 0x85ebca6b) ^ Math.imul(k + 0x9e3779b9, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}

const idOf = (prefix, i, k = 0) =>
  `${prefix}_1Q${chance(i, k + 50, 2 ** 32)
    .toString(36)
    .padStart(7, '0')}${chance(i, k + 90, 2 ** 20)
    .toString(36)
    .padStart(4, '0')}${i.toString(36).padStart(6, '0')}${k}`;
const customerOf = (i) => Math.floor((i * 10) / 11);
const customerIdOf = (i) => idOf('cus', customerOf(i));

const prices = Array.from({ length: 40 }, (_, n) => {
  const [interval, amount] = [n % 4 === 0 ? 'year' : 'month', (n % 4 === 0 ? 10 : 1) * (600 + 300 * n)];
  const id = idOf('price', n, 7);
  const text = `{"id":"${id}","object":"price","active":true,"billing_scheme":"per_unit","created":1729000000,"currency":"usd","livemode":true,"lookup_key":null,"metadata":{},"nickname":null,"product":"${idOf('prod', n >> 2, 7)}","recurring":{"interval":"${interval}","interval_count":1,"meter":null,"trial_period_days":null,"usage_type":"licensed"},"tax_behavior":"unspecified","tiers_mode":null,"transform_quantity":null,"type":"recurring","unit_amount":${amount},"unit_amount_decimal":"${amount}"}`;
  return { text, monthS: interval === 'year' ? yearS : yearS / 12 };
});

function eventOf(id, type, at, object, previous = '') {
  return `{"id":"${id}","object":"event","api_version":"2025-03-31.basil","created":${at},"data":{"object":${object}${previous === '' ? '' : `,"previous_attributes":${previous}`}},"livemode":true,"pending_webhooks":0,"request":{"id":null,"idempotency_key":null},"type":"${type}"}\n`;
}

function discountOf(i, customer, at) {
  const isSubscriptions = customer === undefined;
  const coupon = i % 9;
  return `{"id":"${idOf('di', i, isSubscriptions ? 1 : 2)}","object":"discount","checkout_session":null,"coupon":{"id":"SAVE${coupon}","object":"coupon","amount_off":null,"created":1729000000,"currency":null,"duration":"repeating","duration_in_months":3,"livemode":true,"max_redemptions":null,"metadata":{},"name":null,"percent_off":${10 + 5 * coupon},"redeem_by":null,"times_redeemed":1,"valid":true},"customer":"${customerIdOf(i)}","end":${at + yearS / 4},"invoice":null,"invoice_item":null,"promotion_code":null,"start":${at},"subscription":${isSubscriptions ? `"${idOf('sub', i)}"` : 'null'},"subscription_item":null}`;
}

/** What is true of a subscription from its k-th event on. */
function stateOf(i, k) {
  const isTrial = chance(i, 1, 3) === 0;
  return {
    status: k === 5 && chance(i, 2, 3) === 0 ? 'canceled' : k === 0 && isTrial ? 'trialing' : 'active',
    quantity: 1 + chance(i, k >= 2 ? 3 : 4, 30),
    price: prices[chance(i, k >= 4 && chance(i, 5, 2) === 0 ? 6 : 7, prices.length)],
  };
}

function subscriptionOf(i, k, { status, quantity, price }, start, at) {
  const isTrial = chance(i, 1, 3) === 0;
  const ended = status === 'canceled' ? at : null;
  return `{"id":"${idOf('sub', i)}","object":"subscription","automatic_tax":{"enabled":false,"liability":null},"billing_cycle_anchor":${start},"cancel_at":null,"cancel_at_period_end":false,"canceled_at":${ended},"cancellation_details":{"comment":null,"feedback":null,"reason":null},"collection_method":"charge_automatically","created":${start},"currency":"usd","customer":"${customerIdOf(i)}","days_until_due":null,"default_payment_method":null,"default_tax_rates":[],"description":null,"discounts":[${chance(i, 8, 4) === 0 ? `"${idOf('di', i, 1)}"` : ''}],"ended_at":${ended},"items":{"object":"list","data":[{"id":"${idOf('si', i)}","object":"subscription_item","created":${start},"current_period_end":${at + price.monthS},"current_period_start":${at},"discounts":[],"metadata":{},"price":${price.text},"quantity":${quantity},"tax_rates":[]}],"has_more":false,"total_count":1},"latest_invoice":"${idOf('in', i, k)}","livemode":true,"metadata":{},"pause_collection":null,"schedule":null,"start_date":${start},"status":"${status}","test_clock":null,"trial_end":${isTrial ? start + 1_209_600 : null},"trial_start":${isTrial ? start : null}}`;
}

/** The k-th event of the i-th subscription, and what comes with it. */
function told(i, k) {
  const start = begin + Math.floor((i * yearS) / count);
  const at = begin + Math.floor(((i + (k * count) / (steps - 1)) * yearS) / count);
  const now = stateOf(i, k);
  const object = subscriptionOf(i, k, now, start, at);
  if (k > 0) {
    if (now.status === 'canceled') return eventOf(idOf('evt', i, k), 'customer.subscription.deleted', at, object);
    const before = stateOf(i, k - 1);
    const changes = [`"latest_invoice":"${idOf('in', i, k - 1)}"`];
    if (before.status !== now.status) changes.push(`"status":"${before.status}"`);
    if (before.quantity !== now.quantity || before.price !== now.price) {
      changes.push(
        `"items":{"data":[{"id":"${idOf('si', i)}","object":"subscription_item","discounts":[],"price":${before.price.text},"quantity":${before.quantity},"tax_rates":[]}]}`,
      );
    }
    return eventOf(idOf('evt', i, k), 'customer.subscription.updated', at, object, `{${changes.join()}}`);
  }
  let text = '';
  if (i === 0 || customerOf(i) !== customerOf(i - 1)) {
    const customer = `{"id":"${customerIdOf(i)}","object":"customer","address":null,"balance":0,"created":${start},"currency":"usd","delinquent":false,"description":null,"discount":null,"email":"${customerOf(i)}@example.com","invoice_prefix":"A1B2C3","livemode":true,"metadata":{},"name":null,"phone":null}`;
    text += eventOf(idOf('evt', i, 7), 'customer.created', start, customer);
    if (chance(customerOf(i), 9, 10) === 0)
      text += eventOf(idOf('evt', i, 8), 'customer.discount.created', start, discountOf(i, customerIdOf(i), start));
  }
  if (chance(i, 8, 4) === 0)
    text += eventOf(idOf('evt', i, 9), 'customer.discount.created', start, discountOf(i, undefined, start));
  return text + eventOf(idOf('evt', i, 0), 'customer.subscription.created', start, object);
}

let block = isMarked ? formatBegin('scale') : '';
let [since, made] = [0, 0];
function add(text) {
  block += text;
  if (isMarked) {
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) since++;
    if (since >= 10_000) {
      made += since;
      block += formatMark(made, since);
      since = 0;
    }
  }
  if (block.length > 100_000) write();
}
function write() {
  const bytes = Buffer.from(block);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  block = '';
}
const lag = count / (steps - 1);
for (let slot = 0; slot < 2 * count; slot++) {
  // The k-th events of those that began so much earlier: in order of time.
  for (let k = steps - 1; k >= 0; k--) {
    const i = slot - Math.round(k * lag);
    if (i >= 0 && i < count) add(told(i, k));
  }
}
if (isMarked) {
  if (since > 0) block += formatMark(made + since, since);
  block += formatEnd();
}
write();
