import type { Account } from '../account.ts';
import { addPeriod, dayS } from '../calendar.ts';
import {
  blankState,
  type Currency,
  type Discount,
  type Invoice,
  type Item,
  type Price,
  type Subscription,
  type SubscriptionState,
} from '../entities.ts';
import { writeSubscription } from '../payloads/subscription.ts';
import type { Random } from '../random.ts';
import { worthOf } from '../worth.ts';
import type { CustomerStory } from './customer.ts';
import { makeInvoice, tellInvoice } from './invoices.ts';
import { firstItems, firstTaxRates } from './offers.ts';
import { awaitFirstPayment, dun } from './payments.ts';
import { whims } from './whims.ts';

type By = 'request' | 'clock';

/** One subscription's way through the story: begun, billed, changed at a whim, ended. */
export class SubscriptionStory {
  readonly account: Account;
  readonly random: Random;
  readonly owner: CustomerStory;
  readonly subscription: Subscription;

  constructor(owner: CustomerStory, id: string, currency: Currency) {
    this.owner = owner;
    this.account = owner.account;
    this.random = owner.random;
    const now = this.account.now;
    this.subscription = { id, customer: owner.customer, currency, created: now, state: blankState(now) };
  }

  get state(): SubscriptionState {
    return this.subscription.state;
  }

  get isOver(): boolean {
    return this.state.endedAt !== null;
  }

  begin(): void {
    const { account, owner, random, subscription } = this;
    const { currency } = subscription;
    const now = account.now;
    const items = firstItems(this);
    const trialDays = items[0]!.price.product.name !== 'Free' && random.chance(0.35) ? random.pick([7, 14, 14, 30]) : 0;
    const isIncomplete = trialDays === 0 && random.chance(0.25);
    const discount = random.chance(0.14) ? owner.makeDiscount(currency, subscription.id, null) : undefined;
    const trialEnd = trialDays > 0 ? now + trialDays * dayS : null;
    subscription.state = {
      ...this.state,
      status: trialEnd !== null ? 'trialing' : isIncomplete ? 'incomplete' : 'active',
      items,
      discounts: discount === undefined ? [] : [discount],
      taxRates: firstTaxRates(this),
      trialStart: trialEnd === null ? null : now,
      trialEnd,
      periodEnd: trialEnd ?? endOf(items[0]!.price, now),
    };
    account.subscriptions.push(subscription);
    owner.customer.subscriptions.push(subscription);
    const invoice = makeInvoice(account, subscription, this.state, 'subscription_create');
    subscription.state = { ...this.state, latestInvoice: invoice.id };
    this.tell('request', 'created');
    if (discount !== undefined) this.#begun(discount);
    if (isIncomplete) invoice.status = 'open';
    else tellInvoice(account, invoice, 'invoice.paid');
    this.revalue();
    this.#planRenewal();
    this.#planWhim();
    if (isIncomplete) awaitFirstPayment(this, invoice);
    if (trialEnd !== null) account.plan(trialEnd - 3 * dayS, () => this.#warnOfTrialEnd());
  }

  /** Lays changes over the state and tells of them; what else Stripe says in the same second is named in `also`. */
  change(by: By, changes: Partial<SubscriptionState>, ...also: string[]): void {
    const before = this.state;
    this.subscription.state = { ...before, ...changes };
    this.tell(by, 'updated', before);
    for (const type of also) this.tell(by, type);
    this.revalue();
  }

  end(by: By, reason: string): void {
    if (this.isOver) return;
    const { account, owner, random, subscription } = this;
    const feedback =
      reason === 'cancellation_requested' ? random.pick(['too_expensive', 'unused', 'missing_features', null]) : null;
    const canceledAt = this.state.canceledAt ?? account.now;
    subscription.state = {
      ...this.state,
      status: 'canceled',
      endedAt: account.now,
      canceledAt,
      cancelReason: reason,
      feedback: this.state.feedback ?? feedback,
      pausedAt: null,
    };
    this.tell(by, 'deleted');
    this.revalue();
    owner.hasLost(subscription.currency);
  }

  /**
   * The end of a subscription that does not count any more. A note of it comes first: the event of a deletion doesn't say what was before, so that
   * nobody who sees the last 30 days alone could know that it did not count.
   */
  giveUp(): void {
    this.change('request', { metadata: { note: 'asks to be canceled' } });
    this.account.plan(this.account.now + 600, () => this.end('request', 'cancellation_requested'));
  }

  /** Gives a discount to the subscription, or to one of its items; the coupon says until when. */
  addDiscount(item?: Item): void {
    const { owner, subscription } = this;
    const discount = owner.makeDiscount(subscription.currency, subscription.id, item?.id ?? null);
    if (discount === undefined) return;
    this.#begun(discount);
    if (item === undefined) this.change('request', { discounts: [...this.state.discounts, discount] });
    else this.changeItem(item, { discounts: [...item.discounts, discount] });
  }

  changeItem(item: Item, changes: Partial<Item>): void {
    this.change('request', { items: this.state.items.map((one) => (one === item ? { ...one, ...changes } : one)) });
  }

  /** Another plan in the place of the first item; a new period begins where the interval is another. */
  changePlan(price: Price): void {
    const [plan, ...others] = this.state.items;
    const was = plan!.price;
    const isSameInterval = was.interval === price.interval && was.intervalCount === price.intervalCount;
    // Items of several intervals may mix since billing became flexible.
    const kept = isSameInterval || this.account.version >= '2025-03-31' ? others : [];
    const items = [{ ...plan!, price }, ...kept];
    if (isSameInterval) return this.change('request', { items });
    this.change('request', { items, ...this.#periodFromNow(price) });
    this.#planRenewal();
  }

  /** The trial ends at another second, soon enough for Stripe to warn of it at once. */
  endTrialAt(second: number): void {
    this.change(
      'request',
      { trialEnd: second, periodEnd: second, cancelAt: this.state.cancelsAtPeriodEnd ? second : null },
      'trial_will_end',
    );
    this.#planRenewal();
  }

  cancelLater(): void {
    const { periodEnd } = this.state;
    const why = {
      cancelReason: 'cancellation_requested',
      feedback: this.random.pick(['too_expensive', 'switched_service', null]),
    };
    this.change('request', { cancelsAtPeriodEnd: true, cancelAt: periodEnd, canceledAt: this.account.now, ...why });
  }

  /** Takes a cancellation back. */
  keep(): void {
    this.change('request', { cancelsAtPeriodEnd: false, cancelAt: null, canceledAt: null, cancelReason: null, feedback: null });
  }

  newItem(price: Price, quantity: number | null, more: Partial<Item> = {}): Item {
    const { account } = this;
    return { id: account.newItemId(), price, quantity, created: account.now, discounts: [], trial: null, ...more };
  }

  pause(by: By): void {
    const { account, random } = this;
    this.change(by, { status: 'paused', pausedAt: account.now }, 'paused');
    const isBack = random.chance(0.7);
    account.plan(account.now + random.between(5, 60) * dayS, () => {
      if (this.state.status !== 'paused') return;
      if (isBack) this.#resume();
      else this.giveUp();
    });
  }

  /** Writes into the books what the subscription is worth now. */
  revalue(): void {
    const { account, subscription, state } = this;
    account.books.write(
      subscription,
      account.now,
      worthOf(state, subscription.currency, account.now, subscription.customer.state.discount),
    );
  }

  tell(by: By, what: string, before?: SubscriptionState): void {
    const { subscription, state } = this;
    this.account.tell(
      by,
      `customer.subscription.${what}`,
      (shape) => writeSubscription(subscription, state, shape),
      before && ((shape) => writeSubscription(subscription, before, shape)),
    );
  }

  #begun(discount: Discount): void {
    this.owner.tellDiscount('request', 'created', discount);
    if (discount.end !== null) this.account.plan(discount.end, () => this.revalue());
  }

  #warnOfTrialEnd(): void {
    if (this.state.status === 'trialing') this.tell('clock', 'trial_will_end');
  }

  #planRenewal(): void {
    const { periodEnd } = this.state;
    this.account.plan(periodEnd, () => {
      if (!this.isOver && this.state.periodEnd === periodEnd) this.#renew();
    });
  }

  #renew(): void {
    const { account, random, owner, state, subscription } = this;
    if (state.cancelsAtPeriodEnd) return this.end('clock', 'cancellation_requested');
    if (state.status === 'paused' || state.status === 'unpaid' || state.status === 'incomplete') return;
    if (state.status === 'trialing') {
      if (random.chance(0.16)) return this.end('request', 'cancellation_requested');
      if (account.version >= '2022-11-15' && random.chance(0.12)) return this.pause('clock');
    }
    const now = account.now;
    const isOverdue = state.status === 'past_due';
    const status = isOverdue ? 'past_due' : 'active';
    const items = state.items.map((item) => (item.trial !== null && item.trial.end <= now ? { ...item, trial: null } : item));
    const gone = state.discounts.filter(({ coupon, end }) => coupon.duration === 'once' || (end !== null && end <= now));
    const next: SubscriptionState = {
      ...state,
      ...this.#periodFromNow(items[0]!.price),
      status,
      items,
      discounts: gone.length === 0 ? state.discounts : state.discounts.filter((one) => !gone.includes(one)),
    };
    for (const discount of gone) owner.tellDiscount('clock', 'deleted', discount);
    // A coupon for once comes off this invoice and is gone after it.
    const billed = { ...next, discounts: state.discounts.filter(({ end }) => end === null || end > now) };
    const invoice = makeInvoice(account, subscription, billed, 'subscription_cycle');
    const isPaused = state.pauseCollection !== null;
    const fails = !isOverdue && !isPaused && invoice.total > 0 && random.chance(state.status === 'trialing' ? 0.08 : 0.04);
    if (fails || isOverdue || isPaused) invoice.status = isPaused ? 'void' : 'open';
    if (fails) tellInvoice(account, invoice, 'invoice.payment_failed');
    else if (invoice.status === 'paid') tellInvoice(account, invoice, 'invoice.paid');
    this.change('clock', { ...next, status: fails ? 'past_due' : next.status, latestInvoice: invoice.id });
    this.#planRenewal();
    if (fails) dun(this, invoice);
  }

  /** An invoice that was open is paid after all. */
  recover(invoice: Invoice): void {
    invoice.status = 'paid';
    tellInvoice(this.account, invoice, 'invoice.paid');
    this.change('clock', { status: 'active' });
    if (this.state.periodEnd > this.account.now) return;
    this.change('clock', this.#periodFromNow(this.state.items[0]!.price));
    this.#planRenewal();
  }

  #resume(): void {
    const period = this.#periodFromNow(this.state.items[0]!.price);
    this.change('request', { status: 'active', pausedAt: null, ...period }, 'resumed');
    this.#planRenewal();
  }

  #periodFromNow(price: Price): Pick<SubscriptionState, 'periodStart' | 'periodEnd' | 'cancelAt'> {
    const { now } = this.account;
    const periodEnd = endOf(price, now);
    return { periodStart: now, periodEnd, cancelAt: this.state.cancelsAtPeriodEnd ? periodEnd : null };
  }

  #planWhim(): void {
    const { account, random } = this;
    account.plan(account.now + random.wait(24 * dayS), () => {
      if (this.isOver) return;
      const choices = whims.filter(({ since, when }) => account.version >= (since ?? '') && when(this.state, this));
      if (choices.length > 0) random.weigh(choices.map((whim) => [whim.weight, whim] as const)).act(this);
      this.#planWhim();
    });
  }
}

function endOf({ interval, intervalCount }: Price, start: number): number {
  return addPeriod(start, interval, intervalCount);
}
