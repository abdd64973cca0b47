import type { Account } from '../account.ts';
import { addPeriod, dayS, hourS } from '../calendar.ts';
import type { Currency, Discount, Invoice, Item, Price, Subscription, SubscriptionState } from '../entities.ts';
import { add, fraction, least, nought, roundHalfUp, scale, take } from '../fractions.ts';
import { prefixOf } from '../payloads/customer.ts';
import { writeInvoice } from '../payloads/invoice.ts';
import { writeSubscription } from '../payloads/subscription.ts';
import type { Random } from '../random.ts';
import { amountOf, worthOf } from '../worth.ts';
import type { CustomerStory } from './customer.ts';
import { firstItems } from './offers.ts';
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
    this.subscription = { id, customer: owner.customer, currency, created: now, state: newState(now) };
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
      taxRates: this.#taxRates(),
      trialStart: trialEnd === null ? null : now,
      trialEnd,
      periodEnd: trialEnd ?? endOf(items[0]!.price, now),
    };
    account.subscriptions.push(subscription);
    owner.customer.subscriptions.push(subscription);
    const invoice = this.#bill(this.state, 'subscription_create');
    subscription.state = { ...this.state, latestInvoice: invoice.id };
    this.tell('request', 'created');
    if (discount !== undefined) this.#begun(discount);
    if (isIncomplete) invoice.status = 'open';
    else this.#tellInvoice(invoice, 'invoice.paid');
    this.revalue();
    this.#planRenewal();
    this.#planWhim();
    if (isIncomplete) this.#complete(invoice);
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
      else this.end('request', 'cancellation_requested');
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

  // The invoice for this state, paid.
  #bill(state: SubscriptionState, reason: Invoice['reason']): Invoice {
    const { account, subscription } = this;
    const { customer, currency } = subscription;
    const isFree = state.status === 'trialing';
    const gross = state.items.reduce((sum, item) => add(sum, amountOf(item, currency)), nought);
    const net = state.discounts.reduce((sum, { coupon }) => {
      if (coupon.percentOff !== undefined) return take(sum, scale(sum, scale(fraction(coupon.percentOff), [1n, 100n])));
      return take(sum, least(sum, [BigInt(coupon.options?.[currency] ?? coupon.amountOff!), 1n]));
    }, gross);
    const invoice: Invoice = {
      id: account.newInvoiceId(),
      subscription,
      state,
      created: account.now,
      number: `${prefixOf(customer.number)}-${String(account.invoices.length + 1).padStart(6, '0')}`,
      reason,
      subtotal: isFree ? 0 : roundHalfUp(gross),
      total: isFree ? 0 : roundHalfUp(net),
      status: 'paid',
      attempts: 1,
    };
    account.invoices.push(invoice);
    return invoice;
  }

  #tellInvoice(invoice: Invoice, type: string): void {
    const was = { ...invoice };
    this.account.tell('clock', type, (shape) => writeInvoice(was, shape));
  }

  #taxRates(): SubscriptionState['taxRates'] {
    const { account, random, owner } = this;
    const rate = account.catalogue.taxRates.find(({ country }) => country === owner.customer.country);
    const isSayable = rate !== undefined && (!rate.isInclusive || account.version >= '2019-10-17');
    return isSayable && random.chance(0.4) ? [rate] : [];
  }

  #begun(discount: Discount): void {
    this.owner.tellDiscount('request', 'created', discount);
    if (discount.end !== null) this.account.plan(discount.end, () => this.revalue());
  }

  // The first payment goes through at once, or later, or never.
  #complete(invoice: Invoice): void {
    const { account, random } = this;
    const waitS = random.weigh([
      [70, 0],
      [15, random.between(60, 20 * hourS)],
      [15, undefined],
    ]);
    account.plan(account.now + (waitS ?? 23 * hourS), () => {
      if (this.state.status !== 'incomplete') return;
      if (waitS === undefined) {
        invoice.status = 'void';
        return this.change('clock', { status: 'incomplete_expired', endedAt: account.now, canceledAt: account.now });
      }
      invoice.status = 'paid';
      this.#tellInvoice(invoice, 'invoice.paid');
      this.change('clock', { status: 'active' });
    });
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
    const { account, random, owner, state } = this;
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
    const invoice = this.#bill(billed, 'subscription_cycle');
    const isPaused = state.pauseCollection !== null;
    const fails = !isOverdue && !isPaused && invoice.total > 0 && random.chance(state.status === 'trialing' ? 0.08 : 0.04);
    if (fails || isOverdue || isPaused) invoice.status = isPaused ? 'void' : 'open';
    if (fails) this.#tellInvoice(invoice, 'invoice.payment_failed');
    else if (invoice.status === 'paid') this.#tellInvoice(invoice, 'invoice.paid');
    this.change('clock', { ...next, status: fails ? 'past_due' : next.status, latestInvoice: invoice.id });
    this.#planRenewal();
    if (fails) this.#dun(invoice);
  }

  // Stripe tries again for three weeks, and then does what the account's settings say.
  #dun(invoice: Invoice): void {
    const { account, random } = this;
    const days = [3, 8, 15, 21];
    const paidAt = random.chance(0.65) ? random.pick(days) : undefined;
    const last = random.chance(0.5) ? 'canceled' : 'unpaid';
    for (const day of days) {
      account.plan(account.now + day * dayS, () => {
        if (this.isOver || invoice.status !== 'open' || this.state.status !== 'past_due') return;
        invoice.attempts++;
        if (day === paidAt) return this.#recover(invoice);
        this.#tellInvoice(invoice, 'invoice.payment_failed');
        if (day !== days.at(-1)) return;
        if (last === 'canceled') return this.end('clock', 'payment_failed');
        this.change('clock', { status: 'unpaid' });
        const isBack = random.chance(0.5);
        account.plan(account.now + random.between(2, 40) * dayS, () => {
          if (this.isOver || this.state.status !== 'unpaid') return;
          if (isBack) this.#recover(invoice);
          else this.end('request', 'cancellation_requested');
        });
      });
    }
  }

  #recover(invoice: Invoice): void {
    invoice.status = 'paid';
    this.#tellInvoice(invoice, 'invoice.paid');
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

function newState(now: number): SubscriptionState {
  return {
    status: 'active',
    items: [],
    discounts: [],
    taxRates: [],
    pauseCollection: null,
    cancelAt: null,
    cancelsAtPeriodEnd: false,
    canceledAt: null,
    cancelReason: null,
    feedback: null,
    endedAt: null,
    trialStart: null,
    trialEnd: null,
    pausedAt: null,
    periodStart: now,
    periodEnd: now,
    latestInvoice: null,
    metadata: {},
  };
}

function endOf({ interval, intervalCount }: Price, start: number): number {
  return addPeriod(start, interval, intervalCount);
}
