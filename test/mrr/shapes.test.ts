import { describe, expect, it } from 'vitest';
import type { Json } from './build.ts';
import { coupon, created, dayS, discount, item, price, record, snapshot, subscription, t0, updated } from './build.ts';
import { told } from './replay.ts';

const plan = (more: Json = {}): Json => ({
  id: 'price_a',
  object: 'plan',
  amount: 1000,
  currency: 'usd',
  interval: 'month',
  interval_count: 1,
  product: 'prod_a',
  usage_type: 'licensed',
  ...more,
});

/** A subscription of one plan, as from 2011 to 2016. */
const single = (more: Json = {}): Json => ({
  id: 'sub_a',
  object: 'subscription',
  status: 'active',
  customer: 'cus_a',
  created: t0,
  start: t0,
  plan: plan(),
  quantity: 1,
  discount: null,
  tax_percent: 19,
  cancel_at_period_end: false,
  canceled_at: null,
  ended_at: null,
  trial_start: null,
  trial_end: null,
  ...more,
});

const at = (version: string): Json => ({ api_version: version });
const event = (type: string, when: number, object: Json, more: Json): Json =>
  record(`customer.subscription.${type}`, when, object, more);

function steps(...records: Json[]): [number, number, string | null][] {
  return told(records)
    .movements()
    .map((one) => [(one.occurred_at - t0) / dayS, one.mrr_after, one.reason]);
}

function gaps(...records: Json[]): string[] {
  return [...told(records).warnings().keys()];
}

describe('a plan and a quantity on top', () => {
  it('count like an item; a tax_percent is on top', () => {
    expect(
      steps(event('created', t0, single({ quantity: 3, plan: plan({ amount: 12_000, interval: 'year' }) }), at('2016-07-06'))),
    ).toEqual([[0, 3000, 'started']]);
  });

  it('come back from previous_attributes in part', () => {
    const records = [
      event('created', t0, single(), at('2016-07-06')),
      event('updated', t0 + dayS, single({ plan: plan({ id: 'pro', amount: 3000 }), quantity: 2 }), {
        ...at('2016-07-06'),
        previous: { plan: { id: 'price_a', amount: 1000 }, quantity: 1 },
      }),
    ];
    expect(steps(...records)).toEqual(
      [
        [0, 1000, 'started'],
        [1, 6000, 'item_added'],
      ].map(([day, mrr]) => [day, mrr, day ? 'mixed' : 'started']),
    );
    expect(gaps(...records)).toEqual([]);
  });

  it('come back into the one item where that is there too', () => {
    const both = (quantity: number): Json =>
      single({ quantity, items: { object: 'list', data: [{ id: 'si_a', plan: plan(), quantity }] } });
    const records = [
      event('created', t0, both(1), at('2018-02-28')),
      event('updated', t0 + dayS, both(2), { ...at('2018-02-28'), previous: { quantity: 1 } }),
    ];
    expect(steps(...records)).toEqual([
      [0, 1000, 'started'],
      [1, 2000, 'quantity_changed'],
    ]);
    expect(gaps(...records)).toEqual([]);
  });
});

describe('previous_attributes', () => {
  it('hold only the changed elements of an array until 2017-04-06', () => {
    const items = (a: number, b: number): Json => ({ items: [item({ quantity: a }), item({ id: 'si_b', quantity: b })] });
    const change = (version: string): Json[] => [
      created(items(1, 1)),
      updated(t0 + dayS, items(1, 5), { items: { data: [{ id: 'si_b', quantity: 1 }] } }, at(version)),
    ];
    expect(gaps(...change('2017-04-06'))).toEqual([]);
    expect(gaps(...change('2018-02-28'))).toEqual(['gap:sub_a']);
  });
});

describe('plans', () => {
  it('have tiers with amounts and transform_usage', () => {
    const tiered = plan({
      amount: null,
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 2, amount: 100 },
        { up_to: null, amount: 50 },
      ],
    });
    expect(steps(event('created', t0, single({ plan: tiered, quantity: 4 }), at('2018-05-21')))).toEqual([[0, 300, 'started']]);
    const packed = plan({ transform_usage: { divide_by: 10, round: 'up' } });
    expect(steps(event('created', t0, single({ plan: packed, quantity: 11 }), at('2018-05-21')))).toEqual([[0, 2000, 'started']]);
  });

  it('stand in items without a price, with decimals', () => {
    const object = subscription({
      items: [{ id: 'si_a', plan: plan({ amount: null, amount_decimal: '0.5' }), quantity: 3000 }],
      currency: undefined,
    });
    expect(steps(event('created', t0, object, at('2019-12-03')))).toEqual([[0, 1500, 'started']]);
    expect(told([event('created', t0, object, at('2019-12-03'))]).movements()[0]!.currency).toBe('usd');
  });

  it('and the price that follows them are the same thing', () => {
    const before = subscription({ items: [{ id: 'si_a', plan: plan(), quantity: 1 }] });
    const records = [
      event('created', t0, before, at('2019-12-03')),
      updated(t0 + dayS, {}, { metadata: {} }),
      snapshot(t0 + 2 * dayS),
    ];
    expect(steps(...records)).toEqual([[0, 1000, 'started']]);
    expect(gaps(...records)).toEqual([]);
  });
});

describe('discounts', () => {
  const inside = {
    object: 'discount',
    coupon: { id: 'OLD', percent_off: 20, duration: 'forever' },
    customer: 'cus_a',
    subscription: 'sub_a',
    start: t0,
    end: null,
  };

  it('were one object without an id', () => {
    const records = [
      event('created', t0, single({ discount: inside }), at('2016-07-06')),
      event('updated', t0 + dayS, single({ discount: null }), { ...at('2016-07-06'), previous: { discount: inside } }),
    ];
    expect(steps(...records)).toEqual([
      [0, 800, 'started'],
      [1, 1000, 'discount_removed'],
    ]);
    expect(gaps(...records)).toEqual([]);
  });

  it('were a list of ids and, beside it, the whole of one of them', () => {
    const object = { ...single({ discount: { ...inside, id: 'di_a' } }), discounts: ['di_a'] };
    const records = [event('created', t0, object, at('2022-11-15'))];
    expect(steps(...records)).toEqual([[0, 800, 'started']]);
    expect(gaps(...records)).toEqual([]);
  });

  it('of customers too, and go by their coupon and start', () => {
    const own = { ...inside, subscription: null };
    const records = [
      event('created', t0, single(), at('2016-07-06')),
      record('customer.discount.created', t0 + dayS, { ...own, start: t0 + dayS }, at('2016-07-06')),
      record('customer.discount.deleted', t0 + 2 * dayS, { ...own, id: 'di_x', start: t0 + dayS }, at('2020-08-27')),
    ];
    expect(steps(...records)).toEqual([
      [0, 1000, 'started'],
      [1, 800, 'discount_added'],
      [2, 1000, 'discount_removed'],
    ]);
  });

  it('were precise beside percent_off', () => {
    const precise = { ...inside, coupon: { id: 'OLD', percent_off: 33, percent_off_precise: 33.3, duration: 'forever' } };
    expect(steps(event('created', t0, single({ discount: precise, plan: plan({ amount: 10_000 }) }), at('2018-02-28')))).toEqual([
      [0, 6670, 'started'],
    ]);
  });

  it('are ids, objects with a coupon, or objects with a source', () => {
    const before = discount({ source: undefined, coupon: { id: 'TEN', percent_off: 10, duration: 'forever' } });
    expect(steps(created({ discounts: [before] }))).toEqual([[0, 900, 'started']]);
    expect(steps(coupon(), created({ discounts: [discount()] }))).toEqual([[0, 900, 'started']]);
    expect(steps(coupon(), created({ discounts: ['di_a'] }), record('customer.discount.created', t0, discount()))).toEqual([
      [0, 900, 'started'],
    ]);
    expect(steps(coupon(), created({ items: [item({ discounts: [discount()] })] }))).toEqual([[0, 900, 'started']]);
  });

  it('that a version writes otherwise move nothing', () => {
    const old = { ...inside, coupon: { id: 'TEN', percent_off: 10, duration: 'forever' } };
    const records = [
      coupon(),
      event('created', t0, single({ discount: old }), at('2018-02-28')),
      updated(t0 + dayS, { discounts: [discount()] }, { metadata: {} }),
    ];
    expect(steps(...records)).toEqual([[0, 900, 'started']]);
    expect(gaps(...records)).toEqual([]);
  });
});

describe('other things', () => {
  it('the product of an old plan is learnt from its own record', () => {
    const records = [
      coupon({ applies_to: { products: ['prod_a'] } }),
      event('created', t0, single({ plan: plan({ product: undefined }), discount: discount() }), at('2016-07-06')),
    ];
    expect(steps(...records)).toEqual([[0, 1000, 'started']]);
    expect(steps(...records, record('plan.updated', t0 + dayS, plan()))).toEqual([[0, 900, 'started']]);
  });

  it('deleted items do not count, deleted events end whatever their status', () => {
    expect(steps(created({ items: [item(), item({ id: 'si_b', deleted: true })] }))).toEqual([[0, 1000, 'started']]);
    expect(steps(created(), record('customer.subscription.deleted', t0 + dayS, subscription()))).toEqual([
      [0, 1000, 'started'],
      [1, 0, 'canceled'],
    ]);
  });

  it('the start of an old subscription counts where it is created', () => {
    const [one] = told([event('created', t0, single({ start: t0 - 9 * dayS }), at('2016-07-06'))], {
      backdate: 'start_date',
    }).movements();
    expect(one!.occurred_at).toBe(t0 - 9 * dayS);
  });

  it('thin events, which date themselves in words, pass unread and move the clock', () => {
    const ends = discount({ end: t0 + dayS });
    const thin = {
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.customer.subscription.updated',
      created: new Date((t0 + 2 * dayS) * 1000).toISOString(),
      livemode: true,
    };
    expect(steps(coupon(), created({ discounts: [ends] }), thin)).toEqual([
      [0, 900, 'started'],
      [1, 1000, 'discount_ended'],
    ]);
  });

  it('prices are read where only a plan id is beside them', () => {
    expect(steps(created({ items: [item({ plan: 'price_a', price: price({ unit_amount_decimal: '1250.5' }) })] }))).toEqual([
      [0, 1251, 'started'],
    ]);
  });
});
