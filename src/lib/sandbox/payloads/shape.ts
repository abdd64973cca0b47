/** A JSON object on its way out. */
export type Json = Record<string, unknown>;

/** How a payload looks in one version of Stripe's API, where versions differ. Source: Stripe's API changelog. */
export interface Shape {
  readonly version: string;
  /** Until 2017: one plan and its quantity on top, no items. */
  readonly hasPlanOnly: boolean;
  /** Until 2018-02-05 a plan had a name of its own, since then a product. */
  readonly hasPlanName: boolean;
  /** From 2018 to 2020 percent_off was whole, and percent_off_precise beside it. */
  readonly hasPrecisePercent: boolean;
  /** Until 2019-10-17: `start`, `billing` and `tax_percent` for start_date, collection_method and default_tax_rates. */
  readonly hasStart: boolean;
  /** Since 2020-08-27: a price beside the plan, ids on discounts, tiers only where they are asked for. */
  readonly hasPrices: boolean;
  /** Until 2025-03-31: the first discount as an object, current_period_* and subscription on top, lines with a price. */
  readonly isBeforeBasil: boolean;
  readonly hasBillingMode: boolean;
  /** Until 2025-09-30 a discount had its coupon inside; since then a source. */
  readonly hasCouponInside: boolean;
  readonly hasCustomerAccount: boolean;
  /** Since 2026-09-30: status_details, trial offers, pauses at will. */
  readonly isEndive: boolean;
}

/** The account's default version: what its events are written in now, and lists where no other is asked for. */
export const currentVersion = '2026-10-28.endive';

const shapes = new Map<string, Shape>();

/** The shape of a version like `2018-02-28` or `2025-03-31.basil`. */
export function shapeOf(version: string): Shape {
  let shape = shapes.get(version);
  if (shape === undefined) {
    const since = (date: string): boolean => version >= date;
    shape = {
      version,
      hasPlanOnly: !since('2017-01-01'),
      hasPlanName: !since('2018-02-05'),
      hasPrecisePercent: since('2018-01-01') && !since('2020-08-27'),
      hasStart: !since('2019-10-17'),
      hasPrices: since('2020-08-27'),
      isBeforeBasil: !since('2025-03-31'),
      hasBillingMode: since('2025-06-30'),
      hasCouponInside: !since('2025-09-30'),
      hasCustomerAccount: since('2025-12-15'),
      isEndive: since('2026-09-30'),
    };
    shapes.set(version, shape);
  }
  return shape;
}
