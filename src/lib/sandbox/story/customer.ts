import type { Account } from '../account.ts';
import { addMonths, dayS } from '../calendar.ts';
import { currencies } from '../catalogue.ts';
import type { Currency, Customer, CustomerState, Discount } from '../entities.ts';
import { writeCustomer } from '../payloads/customer.ts';
import { writeDiscount } from '../payloads/subscription.ts';
import { makeId, type Random } from '../random.ts';
import { SubscriptionStory } from './subscription.ts';

const homes: readonly (readonly [weight: number, home: { country: string; currency: Currency }])[] = [
  [52, { country: 'US', currency: 'usd' }],
  [20, { country: 'DE', currency: 'eur' }],
  [12, { country: 'GB', currency: 'gbp' }],
  [10, { country: 'JP', currency: 'jpy' }],
  [6, { country: 'KW', currency: 'kwd' }],
];
const firstNames = [
  'Ada',
  'Bo',
  'Chidi',
  'Dana',
  'Emre',
  'Farah',
  'Goro',
  'Hana',
  'Ivo',
  'Jun',
  'Kim',
  'Lena',
  'Mio',
  'Noor',
  'Olu',
  'Pia',
];
const lastNames = [
  'Adler',
  'Brook',
  'Costa',
  'Dole',
  'Eriksen',
  'Fujita',
  'Garcia',
  'Holm',
  'Ito',
  'Jansen',
  'Keller',
  'Lopez',
  'Moss',
  'Nowak',
];

/** One customer's way through the story: arrival, subscriptions one after another or side by side, returns, departure. */
export class CustomerStory {
  readonly account: Account;
  readonly random: Random;
  readonly customer: Customer;
  readonly #stories: SubscriptionStory[] = [];

  constructor(account: Account, number: number, random: Random) {
    this.account = account;
    this.random = random;
    const { country, currency } = random.weigh(homes);
    const [first, last] = [random.pick(firstNames), random.pick(lastNames)];
    const email = `${first}.${last}.${number}@example.com`.toLowerCase();
    this.customer = {
      id: makeId('cus_', account.seed, number, 14),
      number,
      country,
      currency,
      created: account.now,
      subscriptions: [],
      state: { name: `${first} ${last}`, email, discount: null, isDeleted: false },
    };
  }

  begin(): void {
    const { account, random, customer } = this;
    account.customers.push(customer);
    this.#tell('customer.created', customer.state);
    const subscribesAt = account.now + (random.chance(0.5) ? 0 : random.between(5, 900));
    account.plan(subscribesAt, () => this.subscribe(customer.currency));
    if (random.chance(0.05)) {
      const currency = random.chance(0.3) ? random.pick(currencies) : customer.currency;
      account.plan(subscribesAt + random.between(5, 90) * dayS, () => this.subscribe(currency));
    }
    if (random.chance(0.03)) account.plan(subscribesAt + random.between(0, 60) * dayS, () => this.takeDiscount());
    if (random.chance(0.1)) account.plan(subscribesAt + random.between(1, 200) * dayS, () => this.#moveHouse());
    if (random.chance(0.04)) account.plan(subscribesAt + random.between(40, 400) * dayS, () => this.#leave());
  }

  subscribe(currency: Currency): void {
    if (this.customer.state.isDeleted) return;
    const number = this.customer.number * 64 + this.#stories.length;
    const story = new SubscriptionStory(this, makeId('sub_1', this.account.seed, number, 23), currency);
    this.#stories.push(story);
    story.begin();
  }

  /** A subscription has come to its end: some come back months later. */
  hasLost(currency: Currency): void {
    const { account, random } = this;
    if (this.#stories.length < 60 && random.chance(0.3)) {
      account.plan(account.now + random.between(10, 200) * dayS, () => this.subscribe(currency));
    }
  }

  /** A discount of a coupon that may be given now, for the customer or for one of its subscriptions or items. */
  makeDiscount(currency: Currency, subscription: string | null, item: string | null): Discount | undefined {
    const { account, random } = this;
    const coupons = account.catalogue.coupons.filter(
      (one) =>
        !one.isDeleted && (one.currency === undefined || one.currency === currency || one.options?.[currency] !== undefined),
    );
    const coupon = random.pick(coupons);
    const end = coupon.duration === 'repeating' ? addMonths(account.now, coupon.months!) : null;
    if (end !== null && account.isCalm(end)) return undefined;
    coupon.redeemed++;
    return account.addDiscount({ coupon, customer: this.customer.id, subscription, item, start: account.now, end });
  }

  tellDiscount(by: 'request' | 'clock', what: 'created' | 'deleted', discount: Discount): void {
    this.account.tell(by, `customer.discount.${what}`, (shape) => writeDiscount(discount, shape, true));
  }

  /** Everything the customer has is worth something else when its own discount changes, or ends by the clock. */
  revalue(): void {
    for (const story of this.#stories) story.revalue();
  }

  takeDiscount(): void {
    const { account, random, customer } = this;
    if (customer.state.isDeleted || customer.state.discount !== null) return;
    const discount = this.makeDiscount(customer.currency, null, null);
    if (discount === undefined) return;
    this.#change({ discount });
    this.tellDiscount('request', 'created', discount);
    this.revalue();
    if (discount.end !== null) account.plan(discount.end, () => this.revalue());
    const keptS =
      discount.end === null ? random.between(30, 400) * dayS : discount.end - account.now + random.between(0, 20) * dayS;
    account.plan(account.now + keptS, () => this.#dropDiscount(discount));
  }

  #dropDiscount(discount: Discount): void {
    if (this.customer.state.discount !== discount) return;
    const by = discount.end === null ? 'request' : 'clock';
    this.#change({ discount: null });
    this.tellDiscount(by, 'deleted', discount);
    this.revalue();
  }

  #moveHouse(): void {
    const { customer } = this;
    if (!customer.state.isDeleted) this.#change({ email: customer.state.email.replace('@', '+new@') });
  }

  // Deleting a customer cancels its subscriptions at once.
  #leave(): void {
    const { account, customer } = this;
    if (customer.state.isDeleted) return;
    const isAsleep = customer.subscriptions.some(({ state }) => ['incomplete', 'paused', 'unpaid'].includes(state.status));
    if (isAsleep) return account.plan(account.now + 20 * dayS, () => this.#leave());
    customer.state = { ...customer.state, isDeleted: true };
    for (const story of this.#stories) story.end('request', 'cancellation_requested');
    this.#tell('customer.deleted', customer.state);
  }

  #change(changes: Partial<CustomerState>): void {
    const before = this.customer.state;
    this.customer.state = { ...before, ...changes };
    this.#tell('customer.updated', this.customer.state, before);
  }

  #tell(type: string, state: CustomerState, before?: CustomerState): void {
    const { customer } = this;
    this.account.tell(
      'request',
      type,
      (shape) => writeCustomer(customer, state, shape),
      before && ((shape) => writeCustomer(customer, before, shape)),
    );
  }
}
