import fc from 'fast-check';
import type { MrrOptions } from '../../src/lib/mrr/ledger.ts';

type Json = Record<string, any>;

/** One turn of a story: after `wait` seconds, `verb` happens to the subscription numbered `who`; `a` and `b` choose the details. */
export interface Turn {
  verb: (typeof verbs)[number];
  wait: number;
  who: number;
  a: number;
  b: number;
}

const verbs = [
  'create',
  'create',
  'quantity',
  'quantity',
  'price',
  'addItem',
  'removeItem',
  'next',
  'next',
  'pause',
  'cancel',
  'ask',
  'withdraw',
  'hold',
  'discount',
  'undiscount',
  'itemDiscount',
  'customerDiscount',
  'customerUndiscount',
  'tax',
  'renew',
  'describe',
  'snapshot',
  'snapshotCustomer',
  'bystander',
  'offer',
] as const;

const dayS = 86_400;

/** Turns with many ties: a third of them happen in the second of the one before. `longestWaitS` bounds the pauses between the others. */
export function turns(longestWaitS: number): fc.Arbitrary<Turn[]> {
  const wait = fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: longestWaitS }) },
  );
  const turn = fc.record({ verb: fc.constantFrom(...verbs), wait, who: fc.nat(3), a: fc.nat(1000), b: fc.nat(1000) });
  return fc.array(turn, { minLength: 12, maxLength: 60, size: 'max' });
}

/** Options that the story's own arithmetic knows too. */
export const options: fc.Arbitrary<Partial<MrrOptions>> = fc.record({
  discounts: fc.constantFrom('recurring', 'recurring', 'all', 'forever', 'none'),
  churnAt: fc.constantFrom('ended', 'ended', 'requested'),
  pauseCollection: fc.constantFrom('counts', 'zero'),
  pastDueGraceS: fc.constantFrom(undefined, undefined, 10 * dayS),
  coalesceS: fc.constantFrom(0, 0, 3600),
});

const prices: Json[] = [
  price('price_m', 'usd', 'month', 1, '1000', 'prod_a'),
  price('price_y', 'usd', 'year', 1, '9999', 'prod_b'),
  price('price_w', 'usd', 'week', 2, '0.5', 'prod_a'),
  price('price_d', 'usd', 'day', 1, '33.333333333333', 'prod_b'),
  { ...price('price_t', 'usd', 'month', 3, null, 'prod_c'), billing_scheme: 'tiered', tiers_mode: 'graduated' },
  {
    ...price('price_meter', 'usd', 'month', 1, '2', 'prod_c'),
    recurring: { interval: 'month', interval_count: 1, usage_type: 'metered' },
  },
];
const tiers = [
  { up_to: 5, flat_amount: 1000, unit_amount: 0 },
  { up_to: 20, unit_amount_decimal: '300' },
  { up_to: null, flat_amount: 500, unit_amount: 200 },
];

const coupons: Json[] = [
  { id: 'TEN', percent_off: 10, amount_off: null, currency: null, duration: 'forever' },
  { id: 'THIRD', percent_off: 33.3, amount_off: null, currency: null, duration: 'repeating', duration_in_months: 3 },
  { id: 'FIVE', percent_off: null, amount_off: 500, currency: 'usd', duration: 'forever' },
  { id: 'ONCE', percent_off: 50, amount_off: null, currency: null, duration: 'once' },
  { id: 'ONLY_B', percent_off: 25, amount_off: null, currency: null, duration: 'forever', applies_to: { products: ['prod_b'] } },
  { id: 'ALL', percent_off: 100, amount_off: null, currency: null, duration: 'repeating', duration_in_months: 1 },
];

function price(id: string, currency: string, interval: string, count: number, amount: string | null, product: string): Json {
  const recurring = { interval, interval_count: count, usage_type: 'licensed' };
  return {
    id,
    object: 'price',
    billing_scheme: 'per_unit',
    currency,
    product,
    recurring,
    tax_behavior: 'exclusive',
    unit_amount_decimal: amount,
  };
}

interface Customer {
  id: string;
  discount: Json | null;
  /** The discount at the end of each second in which it changed. */
  history: Map<number, Json | null>;
}

export interface ToldSubscription {
  account: string | null;
  livemode: boolean;
  customer: Customer;
  object: Json;
  /** Its state at the end of each second in which it changed. */
  history: Map<number, Json>;
}

/** What happened in a made-up Stripe account, and the records that tell of it. */
export class Story {
  readonly records: Json[] = [];
  readonly subscriptions: ToldSubscription[] = [];
  now = 1_768_003_200;
  #customers = new Map<string, Customer>();
  #serial = 0;
  #edges = 0;

  constructor(turns: readonly Turn[]) {
    for (const coupon of coupons) this.#tell('snapshot.coupon', { object: 'coupon', ...coupon });
    for (const one of prices) this.#tell('snapshot.price', one.tiers_mode ? { ...one, tiers } : one);
    for (const account of [null, 'acct_1'])
      for (const coupon of account ? coupons : []) this.#tell('snapshot.coupon', { object: 'coupon', ...coupon }, { account });
    for (const one of prices) this.#tell('snapshot.price', one.tiers_mode ? { ...one, tiers } : one, { account: 'acct_1' });
    for (const [place, given] of turns.entries()) {
      const turn: Turn = place % 15 === 0 ? { ...given, verb: 'create' } : given;
      // No more than a few changes a second, as in life.
      const wait = this.#edges > 4 ? Math.max(1, turn.wait) : turn.wait;
      if (wait > 0) this.#edges = 0;
      this.now += wait;
      this.#edges++;
      this.#play(turn);
    }
  }

  #play({ verb, who, a, b }: Turn): void {
    if (verb === 'create') return this.#create(a, b);
    if (verb === 'bystander') return this.#tell('invoice.paid', { id: 'in_1', object: 'invoice' });
    const one = this.subscriptions[who % Math.max(1, this.subscriptions.length)];
    if (!one || one.object.status === 'canceled' || one.object.status === 'incomplete_expired') return;
    const { object } = one;
    const item = object.items.data[a % object.items.data.length];
    switch (verb) {
      case 'quantity':
        return this.#change(one, (next) => (itemIn(next, item.id).quantity = b % 30));
      case 'price':
        return this.#change(one, (next) => setPrice(itemIn(next, item.id), prices[b % prices.length]!));
      case 'addItem':
        return this.#change(one, (next) => next.items.data.push(this.#item(b)));
      case 'removeItem':
        if (object.items.data.length > 1) this.#change(one, (next) => next.items.data.splice(a % next.items.data.length, 1));
        return;
      case 'next':
        return this.#step(one, a);
      case 'pause':
        return this.#change(
          one,
          (next) => (next.pause_collection = object.pause_collection ? null : { behavior: 'void', resumes_at: null }),
        );
      case 'cancel':
        return this.#end(one, 'canceled', a % 2);
      case 'ask':
        return this.#change(one, (next) =>
          Object.assign(next, { cancel_at_period_end: true, canceled_at: this.now, cancel_at: this.now + 9 * dayS }),
        );
      case 'withdraw':
        return this.#change(one, (next) =>
          Object.assign(next, { cancel_at_period_end: false, canceled_at: null, cancel_at: null }),
        );
      case 'hold':
        if (object.status === 'active') {
          const paused = { transitioned_at: this.now, type: 'subscription' };
          this.#change(one, (next) => Object.assign(next, { status: 'paused', status_details: { paused } }));
          this.#tell('customer.subscription.paused', one.object, one);
        }
        return;
      case 'discount': {
        const discount = this.#discount(one, a, b, { subscription: object.id });
        this.#tell('customer.discount.created', discount, one);
        return this.#change(one, (next) => next.discounts.push(discount.id));
      }
      case 'undiscount': {
        const [id] = object.discounts;
        if (id) this.#change(one, (next) => next.discounts.shift());
        return;
      }
      case 'itemDiscount': {
        const discount = this.#discount(one, a, b, { subscription: object.id, subscription_item: item.id });
        this.#tell('customer.discount.created', discount, one);
        return this.#change(one, (next) => (itemIn(next, item.id).discounts = [discount.id]));
      }
      case 'customerDiscount':
        if (one.customer.discount) return;
        this.#hold(one, this.#discount(one, a, b, {}));
        return this.#tell('customer.discount.created', one.customer.discount!, one);
      case 'customerUndiscount':
        if (!one.customer.discount) return;
        this.#tell('customer.discount.deleted', { ...one.customer.discount, end: undefined, deleted: true }, one);
        return this.#hold(one, null);
      case 'tax':
        return this.#change(
          one,
          (next) =>
            (next.default_tax_rates =
              next.default_tax_rates.length > 0 ? [] : [{ id: 'txr_1', percentage: 20, inclusive: true }]),
        );
      case 'renew':
        return this.#change(one, (next) => (next.latest_invoice = `in_${this.#serial}`), true);
      case 'describe':
        return this.#change(one, (next) => (next.metadata = { note: String(this.#serial) }), true);
      case 'snapshot':
        return this.#tell('snapshot.subscription', expanded(one, this.#discounts), one);
      case 'snapshotCustomer':
        return this.#tell('snapshot.customer', { id: one.customer.id, object: 'customer', discount: one.customer.discount }, one);
      case 'offer':
        if (!item.current_trial)
          this.#change(
            one,
            (next) =>
              (itemIn(next, item.id).current_trial = {
                start_date: this.now,
                end_date: this.now + (b % 20) * dayS,
                trial_offer: 'to_1',
              }),
          );
        return;
    }
  }

  #discounts = new Map<string, Json>();

  #create(a: number, b: number): void {
    if (this.subscriptions.length >= 4) return;
    const account = a % 5 === 0 ? 'acct_1' : null;
    const livemode = a % 7 !== 0;
    const id = `cus_${b % 2}`;
    const key = `${account} ${livemode} ${id}`;
    const customer = this.#customers.get(key) ?? { id, discount: null, history: new Map() };
    this.#customers.set(key, customer);
    const status = ['active', 'trialing', 'incomplete'][a % 3]!;
    const object: Json = {
      id: `sub_${this.subscriptions.length}`,
      object: 'subscription',
      status,
      currency: 'usd',
      customer: id,
      created: this.now,
      start_date: this.now,
      items: { object: 'list', data: [this.#item(b)], has_more: false },
      discounts: [],
      default_tax_rates: [],
      automatic_tax: { enabled: false },
      pause_collection: null,
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      ended_at: null,
      latest_invoice: null,
      metadata: {},
      trial_start: status === 'trialing' ? this.now : null,
      trial_end: status === 'trialing' ? this.now + 14 * dayS : null,
      status_details: null,
    };
    const one: ToldSubscription = { account, livemode, customer, object, history: new Map([[this.now, object]]) };
    this.subscriptions.push(one);
    this.#tell('customer.subscription.created', object, one);
    if (!livemode) this.#tellTerms(account);
  }

  // Test mode knows nothing of live mode's coupons and prices.
  #tellTerms(account: string | null): void {
    const where = { account, livemode: false };
    for (const coupon of coupons) this.#tell('coupon.created', { object: 'coupon', ...coupon }, where);
    for (const one of prices) this.#tell('snapshot.price', one.tiers_mode ? { ...one, tiers } : one, where);
  }

  #item(choice: number): Json {
    const item: Json = {
      id: `si_${this.#serial++}`,
      object: 'subscription_item',
      quantity: (choice % 12) + 1,
      discounts: [],
      tax_rates: [],
      current_trial: null,
    };
    setPrice(item, prices[choice % prices.length]!);
    return item;
  }

  #step(one: ToldSubscription, choice: number): void {
    const to: Record<string, string[]> = {
      incomplete: ['active', 'active', 'incomplete_expired'],
      trialing: ['active', 'active', 'paused'],
      active: ['past_due', 'trialing'],
      past_due: ['active', 'unpaid', 'past_due'],
      unpaid: ['active'],
      paused: ['active'],
    };
    const choices = to[one.object.status]!;
    const status = choices[choice % choices.length]!;
    if (status === 'incomplete_expired') return this.#end(one, status, 0);
    const was = one.object.status;
    const details = status === 'paused' ? { paused: { transitioned_at: this.now, type: 'subscription' } } : null;
    this.#change(one, (next) => Object.assign(next, { status, status_details: details }));
    if (was === 'paused') this.#tell('customer.subscription.resumed', one.object, one);
  }

  #end(one: ToldSubscription, status: string, lag: number): void {
    const before = one.object;
    const object = { ...structuredClone(before), status, ended_at: this.now, canceled_at: before.canceled_at ?? this.now };
    one.history.set(this.now, object);
    one.object = object;
    const type = status === 'canceled' ? 'customer.subscription.deleted' : 'customer.subscription.updated';
    const previous = status === 'canceled' ? {} : { previous_attributes: difference(before, object) };
    this.#tell(type, object, { ...one, previous, lag });
  }

  #change(one: ToldSubscription, edit: (next: Json) => unknown, isQuiet = false): void {
    const before = one.object;
    const next = structuredClone(before);
    edit(next);
    one.object = next;
    if (!isQuiet) one.history.set(this.now, next);
    this.#tell('customer.subscription.updated', next, { ...one, previous: { previous_attributes: difference(before, next) } });
  }

  #hold({ customer }: ToldSubscription, discount: Json | null): void {
    customer.discount = discount;
    customer.history.set(this.now, discount);
  }

  #discount({ customer }: ToldSubscription, a: number, b: number, of: Json): Json {
    const coupon = coupons[a % coupons.length]!;
    const discount: Json = {
      id: `di_${this.#serial++}`,
      object: 'discount',
      customer: customer.id,
      subscription: null,
      subscription_item: null,
      ...of,
      start: this.now,
      end: coupon.duration === 'repeating' ? this.now + 1 + (b % 40) * dayS : null,
      ...(b % 2 ? { coupon } : { source: { type: 'coupon', coupon: coupon.id } }),
    };
    this.#discounts.set(discount.id, discount);
    return discount;
  }

  #tell(type: string, object: Json, { account = null, livemode = true, previous = {}, lag = 0 }: Json = {}): void {
    const serial = String(this.#serial++).padStart(5, '0');
    // The ids must not tell the order.
    const id = `evt_${[...serial].reverse().join('')}`;
    this.records.push({
      id,
      object: 'event',
      type,
      created: this.now + lag,
      account,
      livemode,
      api_version: '2026-10-28.endive',
      data: { object: structuredClone(object), ...previous },
    });
  }
}

function itemIn(object: Json, id: string): Json {
  return object.items.data.find((item: Json) => item.id === id);
}

function setPrice(item: Json, to: Json): void {
  item.price = to;
  if (to.recurring.usage_type === 'metered') delete item.quantity;
  else item.quantity ??= 1;
}

function expanded(one: ToldSubscription, discounts: ReadonlyMap<string, Json>): Json {
  return { ...one.object, discounts: one.object.discounts.map((id: string) => discounts.get(id)) };
}

// As Stripe writes previous_attributes: hashes in part, arrays whole.
function difference(before: Json, after: Json): Json {
  const changed: Json = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[key], after[key]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const areHashes = [was, is].every((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
    changed[key] = areHashes ? difference(was, is) : was === undefined ? null : was;
  }
  return changed;
}

type Fraction = [bigint, bigint];
const add = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d + c * b, b * d];
const scale = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * c, b * d];
const isLess = ([a, b]: Fraction, [c, d]: Fraction): boolean => a * d < c * b;
const fraction = (text: unknown): Fraction => {
  const [whole = '0', part = ''] = String(text).split('.');
  return [BigInt(whole + part), 10n ** BigInt(part.length)];
};
const months: Record<string, Fraction> = { day: [365n, 12n], week: [52n, 12n], month: [1n, 1n], year: [1n, 12n] };

/** The truth: [second, MRR] whenever a subscription's MRR changes, up to the second `asOf`, worked out from the story and not from its records. */
export function truthOf(story: Story, one: ToldSubscription, given: Partial<MrrOptions>, asOf: number): [number, number][] {
  const discounts = new Map(
    story.records
      .filter(({ type }) => type.startsWith('customer.discount.created'))
      .map(({ data }) => [data.object.id as string, data.object as Json]),
  );
  const seconds = new Set([...one.history.keys(), ...one.customer.history.keys()]);
  for (const { start, end } of discounts.values()) for (const at of [start, end]) if (at) seconds.add(at);
  for (const state of one.history.values()) {
    if (state.canceled_at) seconds.add(state.canceled_at);
    for (const item of state.items.data) if (item.current_trial) seconds.add(item.current_trial.end_date);
  }
  if (given.pastDueGraceS) for (const at of one.history.keys()) seconds.add(at + given.pastDueGraceS);
  const steps: [number, number][] = [];
  let last = 0;
  for (const at of [...seconds].sort((a, b) => a - b)) {
    if (at > asOf) break;
    const value = mrrAt(one, at, discounts, given);
    if (value !== last) steps.push([at, value]);
    last = value;
  }
  return steps;
}

function latestUpTo<T>(history: ReadonlyMap<number, T>, at: number): T | undefined {
  return [...history]
    .filter(([second]) => second <= at)
    .sort(([a], [b]) => a - b)
    .at(-1)?.[1];
}

function mrrAt(one: ToldSubscription, at: number, discounts: ReadonlyMap<string, Json>, given: Partial<MrrOptions>): number {
  const state = latestUpTo(one.history, at);
  if (!state || !['active', 'past_due'].includes(state.status)) return 0;
  if (given.pauseCollection === 'zero' && state.pause_collection) return 0;
  if (given.churnAt === 'requested' && state.canceled_at && at >= state.canceled_at) return 0;
  if (given.pastDueGraceS && state.status === 'past_due') {
    const before = [...one.history].filter(([second]) => second <= at).sort(([a], [b]) => b - a);
    const other = before.findIndex(([, { status }]) => status !== 'past_due');
    const since = (other < 0 ? before : before.slice(0, other)).at(-1)![0];
    if (at >= since + given.pastDueGraceS) return 0;
  }
  const allowed = {
    recurring: ['forever', 'repeating'],
    all: ['forever', 'repeating', 'once'],
    forever: ['forever'],
    none: [] as string[],
  }[given.discounts ?? 'recurring'];
  const inForce = (ids: string[]): [Json, string[] | undefined][] =>
    ids
      .map((id) => discounts.get(id)!)
      .filter(({ start, end }) => start <= at && (!end || at < end))
      .map((discount) => {
        const id = discount.source?.coupon ?? discount.coupon.id;
        const coupon = coupons.find((other) => other.id === id)!;
        return [coupon, coupon.applies_to?.products] as [Json, string[] | undefined];
      })
      .filter(([coupon]) => allowed.includes(coupon.duration));
  const shares = (state.items.data as Json[]).map((item) => {
    const { recurring, product } = item.price;
    const factor = scale(months[recurring.interval]!, [1n, BigInt(recurring.interval_count)]);
    let value: Fraction = item.current_trial && at < item.current_trial.end_date ? [0n, 1n] : amountOf(item);
    for (const [coupon, products] of inForce(item.discounts)) {
      if (products && !products.includes(product)) continue;
      if (coupon.percent_off) value = scale(value, rest(coupon));
      else value = isLess(value, [500n, 1n]) ? [0n, 1n] : add(value, [-500n, 1n]);
    }
    return { product: product as string, factor, value: scale(value, factor) };
  });
  const own = state.discounts.length > 0 ? state.discounts : [latestUpTo(one.customer.history, at)?.id].filter(Boolean);
  for (const [coupon, products] of inForce(own)) {
    const eligible = shares.filter(({ product, value }) => value[0] > 0n && (!products || products.includes(product)));
    if (eligible.length === 0) continue;
    if (coupon.percent_off) for (const share of eligible) share.value = scale(share.value, rest(coupon));
    else {
      const sum = eligible.reduce<Fraction>((all, { value }) => add(all, value), [0n, 1n]);
      const off = scale(
        [500n, 1n],
        eligible.map(({ factor }) => factor).reduce((a, b) => (isLess(a, b) ? b : a)),
      );
      const left: Fraction = isLess(sum, off) ? [0n, 1n] : add(sum, [-off[0], off[1]]);
      for (const share of eligible) share.value = scale(share.value, [left[0] * sum[1], left[1] * sum[0]]);
    }
  }
  let [n, d] = shares.reduce<Fraction>((all, { value }) => add(all, value), [0n, 1n]);
  if (state.default_tax_rates.length > 0) [n, d] = [n * 100n, d * 120n];
  return Number((2n * n + d) / (2n * d));
}

function rest(coupon: Json): Fraction {
  const [n, d] = fraction(coupon.percent_off);
  return [100n * d - n, 100n * d];
}

function amountOf(item: Json): Fraction {
  if (item.price.recurring.usage_type === 'metered') return [0n, 1n];
  const quantity = BigInt(item.quantity);
  if (!item.price.tiers_mode) return scale([quantity, 1n], fraction(item.price.unit_amount_decimal));
  let sum = 0n;
  for (let unit = 1n; unit <= quantity; unit++) {
    if (unit === 1n) sum += 1000n;
    if (unit === 21n) sum += 500n;
    sum += unit <= 5n ? 0n : unit <= 20n ? 300n : 200n;
  }
  return [sum, 1n];
}
