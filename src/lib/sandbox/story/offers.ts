import type { Item, Price, TaxRate } from '../entities.ts';
import type { Random } from '../random.ts';
import type { SubscriptionStory } from './subscription.ts';

interface Offer {
  readonly weight: number;
  /** The version that can say it. */
  readonly since?: string;
  readonly price: string;
  readonly quantity: readonly [least: number, most: number];
}

const offers: readonly Offer[] = [
  { weight: 4, price: 'free', quantity: [1, 1] },
  { weight: 30, price: 'essentials monthly', quantity: [1, 6] },
  { weight: 10, price: 'essentials yearly', quantity: [1, 5] },
  { weight: 3, price: 'essentials weekly', quantity: [1, 3] },
  { weight: 1, price: 'essentials 10 days', quantity: [1, 2] },
  { weight: 20, price: 'team monthly', quantity: [2, 15] },
  { weight: 5, price: 'team quarterly', quantity: [2, 12] },
  { weight: 2, price: 'team fortnightly', quantity: [2, 6] },
  { weight: 8, price: 'team yearly', quantity: [2, 20] },
  { weight: 1, price: 'team 2 years', quantity: [3, 9] },
  { weight: 8, price: 'agency monthly', quantity: [4, 45] },
  { weight: 4, price: 'workspace monthly', quantity: [1, 5], since: '2022-11-15' },
];

interface AddOn {
  readonly price: string;
  readonly quantity: readonly [least: number, most: number];
}

const addOns: readonly AddOn[] = [
  { price: 'channels monthly', quantity: [3, 30] },
  { price: 'posts monthly', quantity: [80, 1500] },
  { price: 'analytics monthly', quantity: [1, 2] },
  { price: 'approvals monthly', quantity: [100, 4000] },
  { price: 'support monthly', quantity: [1, 1] },
];

/** What a subscription begins with: a plan, now and then with add-ons; a large agency has more items than fit into an event, the last of them metered. */
export function firstItems(story: SubscriptionStory): Item[] {
  const { account, random } = story;
  const { version } = account;
  const offer = random.weigh(offers.filter(({ since = '' }) => version >= since).map((one) => [one.weight, one] as const));
  const items = [story.newItem(priceOf(story, offer.price), random.between(...offer.quantity))];
  if (version < '2018' || items[0]!.price.interval !== 'month' || offer.price === 'free') return items;
  if (offer.price === 'agency monthly' && random.chance(0.2)) {
    for (const { price, quantity } of addOns) items.push(story.newItem(priceOf(story, price), random.between(...quantity)));
    const { prices } = account.catalogue;
    const { currency } = story.subscription;
    for (const price of prices)
      if (price.isMetered === true && price.currency === currency) items.push(story.newItem(price, null));
  } else if (random.chance(0.15)) {
    const addOn = newAddOn(story);
    if (addOn !== undefined) items.push(addOn);
  }
  return items;
}

/** The tax of the customer's country, on some; inclusive rates are used once their version has come. */
export function firstTaxRates({ account, random, owner }: SubscriptionStory): TaxRate[] {
  const rate = account.catalogue.taxRates.find(({ country }) => country === owner.customer.country);
  const isSayable = rate !== undefined && (!rate.isInclusive || account.version >= '2019-10-17');
  return isSayable && random.chance(0.4) ? [rate] : [];
}

/** An add-on that the subscription does not have yet; a yearly one beside yearly plans, where items of several intervals may mix. */
export function newAddOn(story: SubscriptionStory, more: Partial<Item> = {}): Item | undefined {
  const { account, random, state } = story;
  const isYearly = state.items[0]?.price.interval === 'year';
  const name = isYearly && random.chance(0.6) ? 'analytics yearly' : undefined;
  const { price, quantity } = name === undefined ? random.pick(addOns) : { price: name, quantity: [1, 3] as const };
  const wanted = priceOf(story, price);
  if (state.items.some((item) => item.price === wanted)) return undefined;
  if (isYearly && name === undefined && account.version < '2025-03-31') return undefined;
  return story.newItem(wanted, random.between(...quantity), more);
}

/** The price of this name that is sold now. */
export function priceOf({ account, subscription }: SubscriptionStory, name: string): Price {
  const price = account.catalogue.price(name, subscription.currency);
  return price.isActive ? price : account.catalogue.price(`${name} 2`, subscription.currency);
}

/** Some seats more, or fewer. */
export function seats(random: Random, quantity: number, direction: 1 | -1): number {
  const step = Math.max(1, Math.round(quantity * 0.3 * random.next()));
  return Math.max(1, quantity + direction * step);
}
