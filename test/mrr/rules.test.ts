import { describe, expect, it } from 'vitest';
import type { MrrOptions } from '../../src/lib/mrr/ledger.ts';
import { presets } from '../../src/lib/mrr/ledger.ts';
import type { Json } from './build.ts';
import { coupon, created, dayS, discount, item, items, price, record, snapshot, subscription, t0, updated } from './build.ts';
import { seeded, shuffled, told } from './replay.ts';

/** [days since the start, MRR, reason] of each movement, and the warnings, from any order of the records. */
function run(records: Json[], options: Partial<MrrOptions> = {}): { steps: [number, number, string][]; warnings: string[] } {
  const read = (all: Json[]) => {
    const ledger = told(all, options);
    const steps = ledger
      .movements()
      .map(({ occurred_at, mrr_after, reason }) => [(occurred_at - t0) / dayS, mrr_after, reason] as [number, number, string]);
    return { steps, warnings: [...ledger.warnings().keys()] };
  };
  const result = read(records);
  const random = seeded(records.length);
  for (let round = 0; round < 5; round++) expect(read(shuffled(records, random))).toEqual(result);
  return result;
}

const later = (days: number): Json => record('invoice.paid', t0 + days * dayS, { id: 'in_1', object: 'invoice' });

describe('amounts', () => {
  it('reads numbers by their shortest text: 33.3 percent is 33.3 percent', () => {
    const records = [
      coupon({ percent_off: 33.3 }),
      created({ discounts: [discount()], items: [item({ price: price({ unit_amount: 100_000 }) })] }),
    ];
    expect(run(records).steps).toEqual([[0, 66_700, 'started']]);
  });

  it('multiplies twelve decimals exactly', () => {
    const exact = price({ unit_amount: null, unit_amount_decimal: '0.000000000001' });
    expect(run([created({ items: [item({ price: exact, quantity: 499_999_999_999 })] })]).steps).toEqual([]);
    expect(run([created({ items: [item({ price: exact, quantity: 500_000_000_000 })] })]).steps).toEqual([[0, 1, 'started']]);
  });

  it('takes a price in the currency of the subscription', () => {
    const records = [created({ currency: 'eur', items: [item({ quantity: 2 })] })];
    expect(run(records)).toEqual({ steps: [], warnings: ['price_currency:price_a'] });
    records.push(
      record(
        'snapshot.price',
        t0,
        price({ currency_options: { eur: { unit_amount: 900, unit_amount_decimal: '900', tax_behavior: 'exclusive' } } }),
      ),
    );
    expect(run(records)).toEqual({ steps: [[0, 1800, 'started']], warnings: [] });
  });

  it('says which tiers are missing and counts them as nothing', () => {
    const tiered = price({ billing_scheme: 'tiered', tiers_mode: 'volume', unit_amount: null });
    expect(run([created({ items: [item({ price: tiered })] })])).toEqual({ steps: [], warnings: ['missing_tiers:price_a'] });
    const tiers = record('snapshot.price', t0 + dayS, { ...tiered, tiers: [{ up_to: null, flat_amount: 700, unit_amount: 5 }] });
    expect(run([created({ items: [item({ price: tiered })] }), tiers])).toEqual({ steps: [[0, 705, 'started']], warnings: [] });
    expect(run([created({ items: [item({ price: tiered, quantity: 0 })] }), tiers]).steps).toEqual([]);
  });

  it('does not guess at an interval that it does not know', () => {
    const odd = item({ id: 'si_b', price: price({ id: 'price_b', interval: 'fortnight' }) });
    expect(run([created({ items: [item(), odd] })])).toEqual({
      steps: [[0, 1000, 'started']],
      warnings: ['unknown_interval:price_b'],
    });
  });

  it('takes inclusive taxes of the item before those of the subscription', () => {
    const [own, other] = [
      { percentage: 25, inclusive: true },
      { percentage: 7.7, inclusive: false },
    ];
    const records = [
      created({
        default_tax_rates: [{ percentage: 20, inclusive: true }],
        items: [item(), item({ id: 'si_b', tax_rates: [own, other] })],
      }),
    ];
    expect(run(records).steps).toEqual([[0, 1633, 'started']]);
    expect(
      run([created({ default_tax_rates: [{ percentage: 20, inclusive: true }], items: [item({ tax_rates: [other] })] })]).steps,
    ).toEqual([[0, 1000, 'started']]);
    const taxed = { automatic_tax: { enabled: true }, items: [item({ price: price({ tax_behavior: 'inclusive' }) })] };
    expect(run([created(taxed)])).toEqual({ steps: [[0, 1000, 'started']], warnings: ['inclusive_automatic_tax:sub_a'] });
  });

  it('warns of a list of items that was cut short', () => {
    const short = subscription();
    short.items.has_more = true;
    expect(run([record('customer.subscription.created', t0, short)]).warnings).toEqual(['truncated_items:sub_a']);
  });
});

describe('discounts', () => {
  it('needs the amount in the currency of the subscription', () => {
    const records = [coupon({ percent_off: null, amount_off: 300, currency: 'eur' }), created({ discounts: [discount()] })];
    expect(run(records)).toEqual({ steps: [[0, 1000, 'started']], warnings: ['coupon_currency:TEN'] });
    const options = coupon({
      percent_off: null,
      amount_off: 300,
      currency: 'eur',
      currency_options: { usd: { amount_off: 350 } },
    });
    expect(run([records[1]!, options])).toEqual({ steps: [[0, 650, 'started']], warnings: [] });
  });

  it('applies in order: an amount, then a percentage of what is left', () => {
    const five = discount({ id: 'di_5', source: { type: 'coupon', coupon: 'FIVE' } });
    const coupons = [coupon(), coupon({ id: 'FIVE', percent_off: null, amount_off: 500, currency: 'usd' })];
    expect(run([...coupons, created({ discounts: [five, discount()] })]).steps).toEqual([[0, 450, 'started']]);
    expect(run([...coupons, created({ discounts: [discount(), five] })]).steps).toEqual([[0, 400, 'started']]);
  });

  it.each([
    ['recurring', 'repeating', 900],
    ['recurring', 'once', 1000],
    ['all', 'once', 900],
    ['forever', 'repeating', 1000],
    ['forever', 'forever', 900],
    ['none', 'forever', 1000],
  ] as const)('discounts=%s with a coupon that lasts %s', (discounts, duration, mrr) => {
    expect(run([coupon({ duration }), created({ discounts: [discount()] })], { discounts }).steps).toEqual([[0, mrr, 'started']]);
  });

  it('warns of nothing where discounts do not count', () => {
    expect(run([created({ discounts: ['di_lost'] })], { discounts: 'none' }).warnings).toEqual([]);
  });

  it("inherits the customer's own discount, known from a snapshot, since its start; and loses it at a snapshot without one", () => {
    const own = discount({ subscription: null, start: t0 + 5 * dayS });
    const customer = (days: number, value: Json | null): Json =>
      record('snapshot.customer', t0 + days * dayS, { id: 'cus_a', object: 'customer', discount: value });
    const records = [coupon(), created(), customer(9, own), customer(20, null), later(30)];
    expect(run(records).steps).toEqual([
      [0, 1000, 'started'],
      [5, 900, 'discount_added'],
      [20, 1000, 'discount_removed'],
    ]);
    const withList = [coupon(), created({ discounts: ['di_x'] }), customer(9, own)];
    expect(run(withList)).toEqual({ steps: [[0, 1000, 'started']], warnings: ['unresolved_discount:di_x'] });
  });

  it("ends the customer's discount by the clock, for every subscription without a list of its own", () => {
    const own = discount({ subscription: null, end: t0 + 7 * dayS });
    const records = [
      coupon({ duration: 'repeating' }),
      created(),
      created({ id: 'sub_b' }),
      created({ id: 'sub_c', customer: 'cus_c' }),
      record('customer.discount.created', t0, own),
      later(8),
    ];
    expect(run(records).steps).toEqual([
      [0, 900, 'started'],
      [0, 900, 'started'],
      [0, 1000, 'started'],
      [7, 1000, 'discount_ended'],
      [7, 1000, 'discount_ended'],
    ]);
    expect(run(records.slice(0, 5)).steps).toHaveLength(3);
    expect(run(records.slice(0, 5), { asOf: t0 + 7 * dayS }).steps).toHaveLength(5);
  });

  it('knows what a discount was made of when it was made, though the coupon was made anew', () => {
    const inside = { id: 'TEN', object: 'coupon', percent_off: 40, duration: 'forever' };
    const records = [created({ discounts: [discount({ source: undefined, coupon: inside })] }), coupon({ percent_off: 10 })];
    expect(run(records).steps).toEqual([[0, 600, 'started']]);
  });

  it('reads what a coupon applies to from whichever record tells it', () => {
    const records = [
      coupon(),
      created({ discounts: [discount()] }),
      record('coupon.updated', t0 + dayS, { id: 'TEN', percent_off: 10, duration: 'forever' }),
    ];
    expect(run(records).steps).toEqual([[0, 900, 'started']]);
    expect(run([...records, coupon({ applies_to: { products: ['prod_z'] } })]).steps).toEqual([[0, 1000, 'started']]);
  });

  it('spreads an amount over the items by what they are worth, at the shortest interval', () => {
    const yearly = item({ id: 'si_b', price: price({ id: 'price_b', unit_amount: 24_000, interval: 'year' }) });
    const records = [
      coupon({ percent_off: null, amount_off: 300, currency: 'usd' }),
      created({ discounts: [discount()], items: [item(), yearly] }),
    ];
    const [movement] = told(records).movements();
    expect(movement!.items.map((one) => [one.item, one.mrr_after])).toEqual([
      ['si_a', 900],
      ['si_b', 1800],
    ]);
  });
});

describe('one second', () => {
  const two = items(item({ quantity: 1 }));
  const quantity = (n: number): Json => ({ items: [item({ quantity: n })] });
  const change = (at: number, from: number, to: number): Json => updated(at, quantity(to), items(item({ quantity: from })));

  it('follows the longest trail of changes, whatever the ids say', () => {
    const at = t0 + dayS;
    expect(run([created(), change(at, 3, 2), change(at, 1, 3), change(at, 2, 7)]).steps).toEqual([
      [0, 1000, 'started'],
      [1, 7000, 'quantity_changed'],
    ]);
  });

  it('begins a trail that goes there and back at what was known', () => {
    const at = t0 + dayS;
    expect(run([created(), change(at, 2, 1), change(at, 1, 2)]).steps).toEqual([[0, 1000, 'started']]);
    expect(run([created(quantity(2)), change(at, 2, 1), change(at, 1, 2)]).steps).toEqual([[0, 2000, 'started']]);
    expect(run([created(quantity(2)), change(t0, 2, 1), change(t0, 1, 2)]).steps).toEqual([[0, 2000, 'started']]);
  });

  it('goes by rank where nothing says what was before', () => {
    const at = t0 + dayS;
    const paused = record(
      'customer.subscription.paused',
      at,
      subscription({ status: 'paused', status_details: { paused: { transitioned_at: at } } }),
    );
    expect(run([created(), record('customer.subscription.updated', at, subscription()), paused]).steps).toEqual([
      [0, 1000, 'started'],
      [1, 0, 'paused'],
    ]);
    expect(
      run([created(), record('customer.subscription.trial_will_end', t0, subscription({ status: 'trialing' }))]).steps,
    ).toEqual([]);
  });

  it('goes by rank among more changes than can be searched', () => {
    const many = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => change(t0 + dayS, n, n + 1));
    expect(run([created(), ...many]).warnings).toEqual([]);
    expect(run([created(), ...many]).steps).toHaveLength(2);
  });

  it('believes an event more than a snapshot, and an end more than both', () => {
    const at = t0 + dayS;
    expect(run([created(), snapshot(at, quantity(1)), change(at, 1, 2)]).steps).toEqual([
      [0, 1000, 'started'],
      [1, 2000, 'quantity_changed'],
    ]);
    const ended = snapshot(t0 + 9 * dayS, { status: 'canceled', ended_at: at, canceled_at: at });
    expect(run([created(), change(at, 1, 2), ended, change(at + dayS, 2, 3)]).steps).toEqual([
      [0, 1000, 'started'],
      [1, 0, 'canceled'],
    ]);
  });

  it('reports a change from something that was not known', () => {
    expect(run([created(), change(t0 + dayS, 2, 3)])).toEqual({
      steps: [
        [0, 1000, 'started'],
        [1, 3000, 'quantity_changed'],
      ],
      warnings: ['gap:sub_a'],
    });
    expect(run([created(), updated(t0 + dayS, quantity(1), { metadata: {} })]).warnings).toEqual([]);
    expect(run([created(), updated(t0 + dayS, quantity(4), { latest_invoice: 'in_1' })]).warnings).toEqual(['gap:sub_a']);
  });

  it('lets a subscription change while it is paused', () => {
    const paused = (n: number): Json => ({
      ...quantity(n),
      status: 'paused',
      status_details: { paused: { transitioned_at: t0 + dayS } },
    });
    const changes = Array.from({ length: 10 }, (_, n) =>
      updated(t0 + (n + 2) * dayS, paused(n + 2), items(item({ quantity: n + 1 }))),
    );
    const records = [
      created(),
      updated(t0 + dayS, paused(1), { status: 'active' }),
      ...changes,
      updated(t0 + 20 * dayS, quantity(11), { status: 'paused', status_details: { paused: { transitioned_at: t0 + dayS } } }),
    ];
    expect(run(records)).toEqual({
      steps: [
        [0, 1000, 'started'],
        [1, 0, 'paused'],
        [20, 11_000, 'resumed'],
      ],
      warnings: [],
    });
  });

  it('merges no lists of items', () =>
    expect(run([created(), updated(t0 + dayS, { items: [item(), item({ id: 'si_b' })] }, two)]).steps[1]).toEqual([
      1,
      2000,
      'item_added',
    ]));
});

describe('before the first observation', () => {
  const at = t0 + 40 * dayS;
  const estimated = (records: Json[]): [number, number, boolean, string][] =>
    told(records)
      .movements()
      .map((one) => [(one.occurred_at - t0) / dayS, one.mrr_after, one.estimated, one.source!]);

  it('is what the first event says was before', () => {
    const up = updated(at, { items: [item({ quantity: 3 })] }, items(item({ quantity: 2 })));
    expect(estimated([up, snapshot(at + 9, { items: [item({ quantity: 3 })] })])).toEqual([
      [0, 2000, true, 'estimate'],
      [40, 3000, false, 'event'],
    ]);
  });

  it('is the snapshot, after the trial that it began with', () => {
    expect(estimated([snapshot(at)])).toEqual([[0, 1000, true, 'estimate']]);
    expect(estimated([snapshot(at, { trial_start: t0, trial_end: t0 + 14 * dayS })])).toEqual([[14, 1000, true, 'estimate']]);
    expect(estimated([snapshot(at, { status: 'trialing', trial_start: t0, trial_end: at + dayS })])).toEqual([]);
    expect(estimated([snapshot(at, { trial_start: t0 + 20 * dayS, trial_end: t0 + 30 * dayS })])).toEqual([
      [0, 1000, true, 'estimate'],
    ]);
  });

  it('is nothing for a trial that never became more, nor for a first payment that never came', () => {
    const ended = { status: 'canceled', ended_at: t0 + 14 * dayS, canceled_at: t0, trial_start: t0, trial_end: t0 + 14 * dayS };
    expect(estimated([snapshot(at, ended)])).toEqual([]);
    expect(estimated([snapshot(at, { status: 'incomplete_expired', ended_at: t0 + dayS })])).toEqual([]);
    const activated = [updated(t0 + dayS, {}, { status: 'incomplete' })];
    expect(run(activated).steps).toEqual([[1, 1000, 'activated']]);
    expect(estimated(activated)).toEqual([[1, 1000, false, 'event']]);
  });

  it('makes no difference once the creation is known', () => {
    expect(estimated([snapshot(at, { items: [item({ quantity: 5 })] }), created()])).toEqual([
      [0, 1000, false, 'event'],
      [40, 5000, false, 'snapshot'],
    ]);
  });

  it('does not know since when it has been past due', () => {
    const overdue = snapshot(at, { status: 'past_due' });
    expect(run([overdue, later(60)], presets.baremetrics).steps).toEqual([[0, 1000, 'started']]);
    expect(run([overdue, later(70)], presets.baremetrics).steps).toEqual([
      [0, 1000, 'started'],
      [70, 0, 'past_due_grace'],
    ]);
  });
});

describe('customers', () => {
  const types = (records: Json[], options: Partial<MrrOptions> = {}): string[] =>
    told(records, options)
      .movements()
      .map((one) => `${one.type}/${one.subscription_type}`);
  const ended = (at: number, more: Json = {}): Json =>
    record('customer.subscription.deleted', at, subscription({ status: 'canceled', ended_at: at, ...more }));

  it('counts the window of a reactivation from the second at which nothing was left', () => {
    const records = [created(), ended(t0 + 10 * dayS), created({ id: 'sub_b', created: t0 + 20 * dayS })];
    expect(types(records, { reactivationWindowS: 10 * dayS }).at(-1)).toBe('reactivation/new');
    expect(types(records, { reactivationWindowS: 10 * dayS - 1 }).at(-1)).toBe('new/new');
  });

  it('takes a window as one change: up to, and not at, its end', () => {
    const records = [created(), ended(t0 + dayS), created({ id: 'sub_b', created: t0 + dayS + 3600 })];
    expect(types(records, { coalesceS: 3601 })).toEqual(['new/new', 'contraction/churn', 'expansion/new']);
    expect(types(records, { coalesceS: 3600 })).toEqual(['new/new', 'churn/churn', 'reactivation/new']);
    expect(types([created(), ended(t0 + 60)], presets.chartmogul)).toEqual(['expansion/expansion', 'contraction/contraction']);
    expect(types([created(), ended(t0 + 60), created({ id: 'sub_b', created: t0 + dayS })], presets.chartmogul).at(-1)).toBe(
      'new/new',
    );
  });

  it('keeps currencies apart while one customer has them both', () => {
    const euros = created({
      id: 'sub_e',
      currency: 'eur',
      items: [item({ price: price({ currency: 'eur', unit_amount: 500 }) })],
    });
    expect(
      told([created(), euros])
        .movements()
        .map((one) => [one.currency, one.type, one.customer_mrr_before, one.customer_mrr_after]),
    ).toEqual([
      ['usd', 'new', 0, 1000],
      ['eur', 'new', 0, 500],
    ]);
  });

  it('knows a customer by its account where that is all there is', () => {
    const records = [
      created({ customer: null, customer_account: 'acct_c' }),
      created({ id: 'sub_b', customer: { id: 'cus_b', deleted: true } }),
    ];
    expect(
      told(records)
        .movements()
        .map((one) => one.customer),
    ).toEqual(['acct_c', 'cus_b']);
  });
});

describe('presets', () => {
  it('count as the systems that they are called after', () => {
    const paused = created({ pause_collection: { behavior: 'void' }, discounts: [discount()] });
    const records = [coupon({ duration: 'once' }), paused];
    expect(run(records, presets.stripe).steps).toEqual([[0, 1000, 'started']]);
    expect(run(records, presets.profitwell).steps).toEqual([]);
    expect(run([coupon({ duration: 'once' }), created({ discounts: [discount()] })], presets.profitwell).steps).toEqual([
      [0, 900, 'started'],
    ]);
  });
});
