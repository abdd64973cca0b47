import { dayS } from '../calendar.ts';
import type { SubscriptionState } from '../entities.ts';
import { newAddOn, priceOf, seats } from './offers.ts';
import type { SubscriptionStory } from './subscription.ts';

/** Something that somebody may want of a subscription. */
export interface Whim {
  readonly weight: number;
  /** The version of the API that can say it. */
  readonly since?: string;
  when(state: SubscriptionState, story: SubscriptionStory): boolean;
  act(story: SubscriptionStory): void;
}

const isActive = ({ status }: SubscriptionState): boolean => status === 'active';
const isLiving = ({ status, cancelsAtPeriodEnd }: SubscriptionState): boolean =>
  !cancelsAtPeriodEnd && (status === 'active' || status === 'trialing' || status === 'past_due');
const planOf = ({ items }: SubscriptionState): string => items[0]!.price.nickname;
const isMonthlyOrYearly = ({ items }: SubscriptionState): boolean =>
  items[0]!.price.intervalCount === 1 && ['month', 'year'].includes(items[0]!.price.interval);
const isOn =
  (names: readonly string[]) =>
  (state: SubscriptionState): boolean =>
    isActive(state) && names.includes(planOf(state));

/** Every whim, one entry each; how likely it is among those that may come is its weight. */
export const whims: readonly Whim[] = [
  { weight: 150, when: () => true, act() {} },
  {
    weight: 80,
    when: (state) => isActive(state) && planOf(state) !== 'free',
    act(story) {
      const item = story.random.pick(story.state.items);
      if (item.quantity !== null) story.changeItem(item, { quantity: seats(story.random, item.quantity, 1) });
    },
  },
  {
    weight: 30,
    when: (state) => isActive(state) && state.items[0]!.quantity! > 1,
    act(story) {
      const [plan] = story.state.items;
      story.changeItem(plan!, { quantity: seats(story.random, plan!.quantity!, -1) });
    },
  },
  {
    weight: 2,
    when: (state) => isActive(state) && state.items.length > 1,
    act(story) {
      const last = story.state.items.at(-1)!;
      if (last.quantity !== null) story.changeItem(last, { quantity: 0 });
    },
  },
  { weight: 40, when: isOn(['free']), act: (story) => story.changePlan(priceOf(story, 'essentials monthly')) },
  { weight: 20, when: isOn(['essentials monthly']), act: (story) => story.changePlan(priceOf(story, 'team monthly')) },
  {
    weight: 14,
    when: isOn(['team monthly', 'team monthly 2']),
    act: (story) => story.changePlan(priceOf(story, 'agency monthly')),
  },
  {
    weight: 12,
    when: isOn(['team monthly', 'team monthly 2']),
    act: (story) => story.changePlan(priceOf(story, 'essentials monthly')),
  },
  { weight: 14, when: isOn(['team monthly', 'team monthly 2']), act: (story) => story.changePlan(priceOf(story, 'team yearly')) },
  { weight: 10, when: isOn(['team monthly']), act: (story) => story.changePlan(priceOf(story, 'team monthly')) },
  {
    weight: 12,
    when: isOn(['essentials monthly', 'essentials weekly']),
    act: (story) => story.changePlan(priceOf(story, 'essentials yearly')),
  },
  { weight: 8, when: isOn(['essentials yearly']), act: (story) => story.changePlan(priceOf(story, 'essentials monthly')) },
  { weight: 3, when: isOn(['essentials monthly', 'team yearly']), act: (story) => story.changePlan(priceOf(story, 'free')) },
  {
    weight: 14,
    since: '2018',
    when: (state) => isActive(state) && planOf(state) !== 'free' && state.items.length < 8 && isMonthlyOrYearly(state),
    act(story) {
      const item = newAddOn(story);
      if (item !== undefined) story.change('request', { items: [...story.state.items, item] });
    },
  },
  {
    weight: 12,
    when: (state) => isActive(state) && state.items.length > 1 && state.items.length < 8,
    act: (story) => story.change('request', { items: story.state.items.slice(0, -1) }),
  },
  {
    weight: 20,
    since: '2026-09-30',
    when: (state) => isActive(state) && state.items.length < 8 && state.items[0]!.price.interval === 'month',
    act: offerTrial,
  },
  { weight: 14, when: (state) => isLiving(state) && state.discounts.length === 0, act: (story) => story.addDiscount() },
  {
    weight: 8,
    since: '2024',
    when: (state) => isLiving(state) && state.discounts.length === 1,
    act: (story) => story.addDiscount(),
  },
  {
    weight: 8,
    since: '2024',
    when: (state) =>
      isActive(state) && state.items.some(({ discounts, quantity }) => discounts.length === 0 && quantity !== null),
    act: (story) =>
      story.addDiscount(story.state.items.find(({ discounts, quantity }) => discounts.length === 0 && quantity !== null)!),
  },
  { weight: 8, when: (state) => isActive(state) && state.discounts.length > 0, act: dropDiscount },
  { weight: 3, when: isActive, act: (story) => story.owner.takeDiscount() },
  {
    weight: 3,
    since: '2019-10-17',
    when: (state, { subscription }) => isActive(state) && ['DE', 'GB'].includes(subscription.customer.country),
    act: changeTax,
  },
  { weight: 6, when: (state) => isActive(state) && state.pauseCollection === null, act: pauseCollection },
  { weight: 6, since: '2026-09-30', when: isActive, act: (story) => story.pause('request') },
  {
    weight: 12,
    when: isLiving,
    act: (story) => story.end('request', 'cancellation_requested'),
  },
  {
    weight: 26,
    when: isLiving,
    act: (story) => story.cancelLater(),
  },
  {
    weight: 200,
    when: ({ cancelsAtPeriodEnd, status }) => cancelsAtPeriodEnd && status === 'active',
    act: (story) => story.keep(),
  },
  { weight: 30, when: ({ status }) => status === 'trialing', act: shortenTrial },
  {
    weight: 12,
    when: () => true,
    act: (story) => story.change('request', { metadata: { note: `call ${story.random.between(1, 999)}` } }),
  },
];

function offerTrial(story: SubscriptionStory): void {
  const { account, random, state } = story;
  const end = account.now + random.between(4, 12) * dayS;
  if (account.isCalm(end)) return;
  const item = newAddOn(story, { trial: { start: account.now, end } });
  if (item === undefined) return;
  story.change('request', { items: [...state.items, item] });
  account.plan(end, () => story.revalue());
}

function dropDiscount(story: SubscriptionStory): void {
  const [first, ...others] = story.state.discounts;
  story.owner.tellDiscount('request', 'deleted', first!);
  story.change('request', { discounts: others });
}

function changeTax(story: SubscriptionStory): void {
  const { account, state, subscription } = story;
  const rate = account.catalogue.taxRates.find(({ country }) => country === subscription.customer.country)!;
  story.change('request', { taxRates: state.taxRates.length > 0 ? [] : [rate] });
}

function pauseCollection(story: SubscriptionStory): void {
  const { account, random } = story;
  const resumesAt = account.now + random.between(20, 60) * dayS;
  story.change('request', { pauseCollection: { resumesAt } });
  account.plan(resumesAt, () => {
    if (!story.isOver && story.state.pauseCollection !== null) story.change('clock', { pauseCollection: null });
  });
}

function shortenTrial(story: SubscriptionStory): void {
  const { account, state } = story;
  const soon = account.now + 2 * dayS;
  if (state.trialEnd! > soon + dayS) story.endTrialAt(soon);
}
