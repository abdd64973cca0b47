import type { Coupon, Currency, Discount, Item, Price, SubscriptionState } from './entities.ts';
import { add, type Fraction, fraction, isLess, least, nought, roundHalfUp, scale, take } from './fractions.ts';

/** How many of each interval a month holds. */
const perMonth: Readonly<Record<Price['interval'], Fraction>> = {
  day: [365n, 12n],
  week: [52n, 12n],
  month: [1n, 1n],
  year: [1n, 12n],
};

/**
 * The MRR of a subscription's state at this second, in whole minor units, by the definition that the project documents: active and past due count; the
 * once coupon never, the others while in force; inclusive tax is taken out; rounded once, half up. `inherited` is the customer's own discount.
 * It is written down a second time, away from the transform that it checks.
 */
export function worthOf(state: SubscriptionState, currency: Currency, at: number, inherited: Discount | null): number {
  if (state.status !== 'active' && state.status !== 'past_due') return 0;
  const shares = state.items.map((item) => {
    const { product, interval, intervalCount } = item.price;
    const factor = scale(perMonth[interval], [1n, BigInt(intervalCount)]);
    let value = item.trial !== null && at < item.trial.end ? nought : amountOf(item, currency);
    for (const { coupon } of inForce(item.discounts, at)) {
      if (isFor(coupon, product.id)) value = take(value, least(value, reductionOf(coupon, value, currency)));
    }
    return { product: product.id, factor, value: scale(value, factor) };
  });
  const discounts = state.discounts.length > 0 || inherited === null ? state.discounts : [inherited];
  for (const { coupon } of inForce(discounts, at)) {
    const eligible = shares.filter(({ product, value }) => value[0] > 0n && isFor(coupon, product));
    if (eligible.length === 0) continue;
    const sum = eligible.reduce((total, { value }) => add(total, value), nought);
    const most = eligible.map(({ factor }) => factor).reduce((a, b) => (isLess(a, b) ? b : a));
    const reduction = reductionOf(coupon, sum, currency);
    const left = take(sum, least(sum, coupon.percentOff === undefined ? scale(reduction, most) : reduction));
    for (const share of eligible) share.value = scale(share.value, [left[0] * sum[1], left[1] * sum[0]]);
  }
  const total = shares.reduce((all, { value }) => add(all, value), nought);
  const tax = state.taxRates.reduce((sum, rate) => (rate.isInclusive ? add(sum, fraction(rate.percentage)) : sum), nought);
  // total / (1 + tax / 100)
  return roundHalfUp(scale(total, [100n * tax[1], 100n * tax[1] + tax[0]]));
}

function inForce(discounts: readonly Discount[], at: number): Discount[] {
  return discounts.filter(({ coupon, start, end }) => coupon.duration !== 'once' && start <= at && (end === null || at < end));
}

function isFor({ products }: Coupon, product: string): boolean {
  return products === undefined || products.some(({ id }) => id === product);
}

function reductionOf(coupon: Coupon, value: Fraction, currency: Currency): Fraction {
  if (coupon.percentOff !== undefined) return scale(value, scale(fraction(coupon.percentOff), [1n, 100n]));
  return [BigInt(coupon.currency === currency ? coupon.amountOff! : (coupon.options?.[currency] ?? 0)), 1n];
}

/** What an item costs for one of its periods, before discounts. */
export function amountOf({ price, quantity }: Item, currency: Currency): Fraction {
  if (price.isMetered === true || quantity === null) return nought;
  const { packageOf, tiers, tiersMode } = price;
  const bought = BigInt(packageOf === undefined ? quantity : Math.ceil(quantity / packageOf));
  if (tiers === undefined) {
    const unit = price.currency === currency ? price.unit! : price.options![currency]!;
    return scale([bought, 1n], fraction(unit));
  }
  if (bought === 0n) return nought;
  const costOf = (units: bigint, { flat, unit }: (typeof tiers)[number]): Fraction =>
    add([BigInt(flat ?? 0), 1n], scale([units, 1n], fraction(unit)));
  if (tiersMode === 'volume') return costOf(bought, tiers.find(({ upTo }) => upTo === null || bought <= BigInt(upTo))!);
  let [sum, below] = [nought, 0n];
  for (const tier of tiers) {
    const upTo = tier.upTo === null || bought < BigInt(tier.upTo) ? bought : BigInt(tier.upTo);
    sum = add(sum, costOf(upTo - below, tier));
    below = upTo;
    if (below === bought) break;
  }
  return sum;
}
