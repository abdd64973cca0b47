import type { Account } from '../account.ts';
import type { Coupon, Price } from '../entities.ts';
import { writeCoupon, writeCouponOptions, writePriceOptions, writeProduct, writeTiers } from '../payloads/price.ts';
import type { Json, Shape } from '../payloads/shape.ts';
import { writeDiscount } from '../payloads/subscription.ts';
import { Refusal } from './refusal.ts';
import type { Resource } from './resources.ts';

/** What stands in the place of a field when it is expanded; undefined where there is nothing to show. */
type Expansion = (value: unknown, owner: Json) => unknown;

/** Replaces ids by the objects that they name, and adds what is shown only when it is asked for, along paths like `data.discounts.source.coupon`. */
export class Expander {
  readonly #expansions: Readonly<Record<string, Readonly<Record<string, Expansion>>>>;

  constructor(account: Account, resources: ReadonlyMap<string, Resource>, shape: Shape) {
    const { catalogue } = account;
    const shown = (path: string, id: unknown): Json | undefined => {
      const { listing, write } = resources.get(path)!;
      const place = listing.placeOf(String(id));
      return place === undefined ? undefined : write(listing.at(place), shape, undefined);
    };
    const customer: Expansion = (id) => shown('customers', id);
    const product: Expansion = (id) => {
      const found = catalogue.products.find((one) => one.id === id);
      return found && writeProduct(found);
    };
    const priceOf = ({ id }: Json): Price => catalogue.prices.find((one) => one.id === id)!;
    const couponOf = (id: unknown): Coupon => catalogue.coupons.find((one) => one.id === id)!;
    const discounts: Expansion = (ids) => (ids as string[]).map((id) => writeDiscount(account.discounts.get(id)!, shape));
    const tiers: Expansion = (_, owner) => writeTiers(priceOf(owner));
    this.#expansions = {
      subscription: { customer, discounts, latest_invoice: (id) => shown('invoices', id) },
      subscription_item: { discounts },
      customer: {},
      discount: { customer },
      // The source of a discount, which has no `object` of its own.
      '': { coupon: (id) => writeCoupon(couponOf(id), shape) },
      price: { product, tiers, currency_options: (_, owner) => writePriceOptions(priceOf(owner)) },
      plan: { product, tiers },
      coupon: {
        applies_to: (_, { id }) => {
          const { products } = couponOf(id);
          return products && { products: products.map((one) => one.id) };
        },
        currency_options: (_, { id }) => writeCouponOptions(couponOf(id)),
      },
      invoice: { customer, discounts, subscription: (id) => shown('subscriptions', id) },
    };
  }

  expand(body: Json, paths: readonly string[]): void {
    for (const path of paths) this.#walk(body, path.split('.'), path);
  }

  #walk(value: unknown, [field, ...rest]: readonly string[], path: string): void {
    if (field === undefined || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const one of value) this.#walk(one, [field, ...rest], path);
      return;
    }
    const owner = value as Json;
    const expansion = this.#expansions[typeof owner.object === 'string' ? owner.object : '']?.[field];
    const isId = typeof owner[field] !== 'object' || Array.isArray(owner[field]);
    if (expansion !== undefined && isId) {
      const expanded = owner[field] === null ? null : expansion(owner[field], owner);
      if (expanded !== undefined) owner[field] = expanded;
    } else if (rest.length === 0 || !(field in owner)) {
      if (owner.deleted === true || expansion !== undefined) return;
      throw new Refusal(400, `This property cannot be expanded (${path}).`, { param: 'expand' });
    }
    this.#walk(owner[field], rest, path);
  }
}
