import { BadRecord } from './bad-record.ts';
import type { CouponTerms, Fact, TierTuple } from './facts.ts';
import type { Hash } from './json.ts';
import { amount, decimal, hash, idOf, isHash, list, positive, second, text } from './json.ts';
import type { ItemTuple, StateTuple } from './state.ts';
import { flags } from './state.ts';
import type { TermsTuple } from './terms.ts';

/** What reading a payload leaves behind beside its own result: terms by number, and facts about other things that it happened to carry. */
export interface Notes {
  readonly at: number;
  readonly facts: Fact[];
  intern(terms: TermsTuple): number;
}

/**
 * A subscription of any API version, from `plan` and `quantity` on top (2016) to `discounts` as ids (basil) and `current_trial` (endive).
 * A BadRecord names a field that can't be read.
 */
export function readSubscription(object: Hash, notes: Notes): StateTuple {
  const customer = customerOf(object);
  const items = itemsOf(object).map((item) => readItem(item, customer, notes));
  items.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  let set = 0;
  if (isHash(object.pause_collection)) set |= flags.collectionPaused;
  if (hash(object.automatic_tax)?.enabled === true) set |= flags.automaticTax;
  if (object.cancel_at_period_end === true) set |= flags.cancelsAtPeriodEnd;
  if (hash(object.items)?.has_more === true) set |= flags.truncated;
  const first = itemsOf(object)[0];
  // From 2020 to basil a subscription has both: `discounts` as ids, and in `discount` the whole of one of them.
  if (isHash(object.discount) && list(object.discounts).length > 0) readDiscount(object.discount, customer, notes);
  return [
    text(object.status),
    (text(object.currency) || text(priceOf(first).currency)).toLowerCase(),
    items,
    discountsOf(object).map((discount) => readDiscount(discount, customer, notes)),
    inclusive(object.default_tax_rates),
    set,
    second(object.cancel_at) ?? 0,
    second(object.canceled_at) ?? 0,
    second(object.trial_start) ?? 0,
    second(object.trial_end) ?? 0,
  ];
}

/** The customer's id; `customer_account` where a newer payload has only that. */
export function customerOf(object: Hash): string {
  return idOf(object.customer) || idOf(object.customer_account);
}

/**
 * The key of a discount, which may be its id, the object of any version, or an old one without an id, whose key is then made of its coupon and
 * times. What the object tells is noted.
 */
export function readDiscount(value: unknown, customer: string, notes: Notes, at = notes.at): string {
  const discount = hash(value);
  if (!discount) return text(value);
  const given = discount.coupon ?? hash(discount.source)?.coupon;
  const coupon = idOf(given);
  const [start, end] = [second(discount.start) ?? 0, second(discount.end) ?? 0];
  const key = text(discount.id) || `~${coupon}~${start}~${end}`;
  if (coupon === '') return key;
  notes.facts.push({ table: 'discount', id: key, part: 'is', value: [coupon, start, end, customerOf(discount) || customer], at });
  if (isHash(given)) notes.facts.push({ table: 'discount', id: key, part: 'terms', value: readCoupon(given, notes), at });
  return key;
}

/** Notes the coupon's terms and, where they were expanded, what it applies to and its amounts in other currencies. */
export function readCoupon(coupon: Hash, notes: Notes): CouponTerms {
  const { at, facts } = notes;
  const id = text(coupon.id);
  const terms: CouponTerms = [
    // From 2018 to 2020 percent_off was a rounded integer and this the truth.
    amount(coupon.percent_off_precise ?? coupon.percent_off, 'percent_off'),
    amount(coupon.amount_off, 'amount_off'),
    text(coupon.currency).toLowerCase(),
    text(coupon.duration),
  ];
  facts.push({ table: 'coupon', id, part: 'terms', value: terms, at });
  const products = hash(coupon.applies_to)?.products;
  if (Array.isArray(products)) facts.push({ table: 'coupon', id, part: 'products', value: products.map(idOf).sort(), at });
  const options = Object.entries(hash(coupon.currency_options) ?? {}).map(
    ([currency, option]) => [currency.toLowerCase(), amount(hash(option)?.amount_off, 'amount_off')] as const,
  );
  if (options.length > 0) facts.push({ table: 'coupon', id, part: 'options', value: Object.fromEntries(options.sort()), at });
  return terms;
}

/** Notes what a price or a plan tells beyond the terms that every item carries: its product, tiers and other currencies. */
export function readPrice(price: Hash, notes: Notes): void {
  const { at, facts } = notes;
  const id = text(price.id);
  const product = idOf(price.product);
  if (product !== '') facts.push({ table: 'price', id, part: 'product', value: product, at });
  if (Array.isArray(price.tiers)) facts.push({ table: 'price', id, part: 'tiers', value: price.tiers.map(readTier), at });
  const options = Object.entries(hash(price.currency_options) ?? {}).map(([currency, value]) => {
    const option = hash(value) ?? {};
    const tiers = Array.isArray(option.tiers) ? [option.tiers.map(readTier)] : [];
    return [currency.toLowerCase(), [unitOf(option), option.tax_behavior === 'inclusive' ? 1 : 0, ...tiers]] as const;
  });
  if (options.length > 0) facts.push({ table: 'price', id, part: 'options', value: Object.fromEntries(options.sort()), at });
}

function readTier(value: unknown): TierTuple {
  const tier = hash(value) ?? {};
  const upTo = tier.up_to === 'inf' ? '' : amount(tier.up_to, 'up_to');
  return [upTo, decimal(tier.flat_amount_decimal ?? tier.flat_amount, 'flat_amount'), unitOf(tier)];
}

// `amount` is what plans, and the tiers of the first ones, called it.
function unitOf(priced: Hash): string {
  const value = priced.unit_amount_decimal ?? priced.amount_decimal ?? priced.unit_amount ?? priced.amount;
  return decimal(value, 'unit_amount');
}

function itemsOf(object: Hash): Hash[] {
  const items = list(hash(object.items)?.data)
    .filter(isHash)
    .filter((item) => item.deleted !== true);
  if (items.length > 0 || !isHash(object.plan)) return items;
  return [{ id: text(object.plan.id), plan: object.plan, quantity: object.quantity }];
}

function discountsOf(object: Hash): unknown[] {
  const discounts = list(object.discounts).filter((value) => value !== null);
  return discounts.length === 0 && isHash(object.discount) ? [object.discount] : discounts;
}

function priceOf(item: Hash | undefined): Hash {
  return hash(item?.price) ?? hash(item?.plan) ?? {};
}

function readItem(item: Hash, customer: string, notes: Notes): ItemTuple {
  const [price, plan] = [priceOf(item), hash(item.plan) ?? {}];
  const recurring = hash(price.recurring) ?? plan;
  const transform = hash(price.transform_quantity) ?? hash(price.transform_usage);
  const isTiered = price.billing_scheme === 'tiered';
  const isMetered = recurring.usage_type === 'metered';
  if (Array.isArray(price.tiers) || isHash(price.currency_options)) readPrice(price, notes);
  const terms = notes.intern([
    text(price.id) || idOf(item.price),
    idOf(price.product),
    text(price.currency).toLowerCase(),
    isTiered ? '' : unitOf(price),
    isTiered ? (price.tiers_mode === 'volume' ? 'volume' : 'graduated') : '',
    positive(transform?.divide_by, 0, 'divide_by'),
    transform?.round === 'up' ? 1 : 0,
    text(recurring.interval),
    positive(recurring.interval_count, 1, 'interval_count'),
    isMetered ? 1 : 0,
    price.tax_behavior === 'inclusive' ? 1 : 0,
  ]);
  const rates = list(item.tax_rates);
  return [
    text(item.id) || text(price.id),
    terms,
    quantityOf(item, isMetered),
    list(item.discounts)
      .filter((value) => value !== null)
      .map((discount) => readDiscount(discount, customer, notes)),
    rates.length > 0 ? inclusive(rates) : 0,
    second(hash(item.current_trial)?.end_date) ?? 0,
  ];
}

function quantityOf(item: Hash, isMetered: boolean): string | number {
  if (isMetered) return 0;
  const quantity = amount(item.quantity, 'quantity');
  if (quantity === '') return 1;
  const number = Number(quantity);
  return Number.isSafeInteger(number) && String(number) === quantity ? number : quantity;
}

function inclusive(rates: unknown): string[] {
  const found: string[] = [];
  for (const value of list(rates)) {
    const rate = hash(value);
    if (rate?.inclusive === true) found.push(amount(rate.percentage, 'percentage'));
  }
  return found.sort();
}

/** The subscription inside a record. A BadRecord says that it is not there. */
export function objectOf(record: Hash): Hash {
  const object = hash(hash(record.data)?.object);
  if (!object) throw new BadRecord('data.object is missing');
  if (text(object.id) === '' && object.object !== 'discount') throw new BadRecord('data.object.id is missing');
  return object;
}
