import type { Coupon, Currency, Price, Product, TaxRate, Tier } from '../entities.ts';
import type { Json, Shape } from './shape.ts';

/** A product, in a shape that all versions share. */
export function writeProduct({ id, name, created }: Product): Json {
  return {
    id,
    object: 'product',
    active: true,
    attributes: [],
    created,
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    type: 'service',
    unit_label: null,
    updated: created,
    url: null,
  };
}

/** A price without its tiers and other currencies, which come only where they are asked for. */
export function writePrice(price: Price): Json {
  const { id, isActive, currency, created, nickname, product, unit, tiersMode, packageOf } = price;
  return {
    id,
    object: 'price',
    active: isActive,
    billing_scheme: unit === null ? 'tiered' : 'per_unit',
    created,
    currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname,
    product: product.id,
    recurring: {
      interval: price.interval,
      interval_count: price.intervalCount,
      meter: null,
      trial_period_days: null,
      usage_type: price.isMetered === true ? 'metered' : 'licensed',
    },
    tax_behavior: 'unspecified',
    tiers_mode: tiersMode ?? null,
    transform_quantity: packageOf === undefined ? null : { divide_by: packageOf, round: 'up' },
    type: 'recurring',
    unit_amount: wholeOf(unit),
    unit_amount_decimal: unit,
  };
}

/** The tiers of a price; undefined where it has none. */
export function writeTiers({ tiers }: Price): Json[] | undefined {
  return tiers?.map(writeTier);
}

function writeTier({ upTo, flat, unit }: Tier): Json {
  return {
    flat_amount: flat,
    flat_amount_decimal: flat === null ? null : String(flat),
    unit_amount: wholeOf(unit),
    unit_amount_decimal: unit,
    up_to: upTo,
  };
}

/** What a price costs in each currency, its own among them. */
export function writePriceOptions(price: Price): Json {
  const options: Partial<Record<Currency, string | null>> = price.options ?? { [price.currency]: price.unit };
  return Object.fromEntries(
    Object.entries(options).map(([currency, unit]) => [
      currency,
      {
        custom_unit_amount: null,
        tax_behavior: 'unspecified',
        ...(price.tiers !== undefined && { tiers: writeTiers(price) }),
        unit_amount: wholeOf(unit),
        unit_amount_decimal: unit,
      },
    ]),
  );
}

/** The same as a plan, the way Stripe still writes it beside the price. */
export function writePlan(price: Price, { hasPlanName, hasPrices }: Shape): Json {
  const { id, isActive, currency, created, nickname, product, unit, tiersMode, packageOf } = price;
  return {
    id,
    object: 'plan',
    ...(!hasPlanName && { active: isActive }),
    amount: wholeOf(unit),
    amount_decimal: unit,
    billing_scheme: unit === null ? 'tiered' : 'per_unit',
    created,
    currency,
    interval: price.interval,
    interval_count: price.intervalCount,
    livemode: false,
    metadata: {},
    ...(hasPrices && { meter: null }),
    ...(hasPlanName ? { name: `${product.name} ${nickname}`, statement_descriptor: null } : { nickname, product: product.id }),
    ...(!hasPrices && price.tiers !== undefined && { tiers: writeTiers(price) }),
    tiers_mode: tiersMode ?? null,
    transform_usage: packageOf === undefined ? null : { divide_by: packageOf, round: 'up' },
    trial_period_days: null,
    usage_type: price.isMetered === true ? 'metered' : 'licensed',
  };
}

/** A coupon without what it applies to and its other currencies. */
export function writeCoupon(coupon: Coupon, { hasPrecisePercent }: Shape): Json {
  const { id, amountOff, created, currency, duration, months, name, percentOff, redeemed } = coupon;
  return {
    id,
    object: 'coupon',
    amount_off: amountOff ?? null,
    created,
    currency: currency ?? null,
    duration,
    duration_in_months: months ?? null,
    livemode: false,
    max_redemptions: null,
    metadata: {},
    name,
    percent_off: percentOff === undefined ? null : hasPrecisePercent ? Math.round(percentOff) : percentOff,
    ...(hasPrecisePercent && { percent_off_precise: percentOff ?? null }),
    redeem_by: null,
    times_redeemed: redeemed,
    valid: !coupon.isDeleted,
  };
}

/** What a coupon takes off in each currency, its own among them; undefined where it is a percentage. */
export function writeCouponOptions({ options, currency, amountOff }: Coupon): Json | undefined {
  const all = options ?? (currency === undefined ? undefined : { [currency]: amountOff });
  return all && Object.fromEntries(Object.entries(all).map(([each, amount]) => [each, { amount_off: amount }]));
}

/** A tax rate, in a shape that all versions share. */
export function writeTaxRate({ id, name, country, percentage, isInclusive, created }: TaxRate): Json {
  return {
    id,
    object: 'tax_rate',
    active: true,
    country,
    created,
    description: null,
    display_name: name,
    effective_percentage: percentage,
    flat_amount: null,
    inclusive: isInclusive,
    jurisdiction: country,
    jurisdiction_level: 'country',
    livemode: false,
    metadata: {},
    percentage,
    rate_type: 'percentage',
    state: null,
    tax_type: isInclusive ? 'vat' : 'sales_tax',
  };
}

// unit_amount is there only where the decimal is whole.
function wholeOf(unit: string | null | undefined): number | null {
  return unit === null || unit === undefined || unit.includes('.') ? null : Number(unit);
}
