import { describe, expect, it } from 'vitest';
import { BadRecord, Ledger } from '../../src/lib/mrr/ledger.ts';
import type { Json } from './build.ts';
import { coupon, created, dayS, discount, item, items, price, record, snapshot, subscription, t0, updated } from './build.ts';
import { inBatches, Store, sorted, told } from './replay.ts';

function fed(ledger: Ledger, ...records: Json[]): [string, number, number, number][] {
  for (const one of records) ledger.add(one);
  return ledger.flush().map(({ op, revision, occurred_at, amount }) => [op, revision, (occurred_at - t0) / dayS, amount]);
}

describe('revisions', () => {
  const [first, second] = [created(), updated(t0 + dayS, { items: [item({ quantity: 3 })] }, items(item({ quantity: 1 })))];
  const back = updated(t0 + dayS, {}, items(item({ quantity: 3 })));

  it('count what was said of an id, also when it is taken back and said again', () => {
    const ledger = new Ledger();
    expect(fed(ledger, first, second)).toEqual([
      ['upsert', 1, 0, 1000],
      ['upsert', 1, 1, 2000],
    ]);
    expect(fed(ledger, back)).toEqual([['delete', 2, 1, 0]]);
    const again = updated(t0 + dayS, { items: [item({ quantity: 2 })] }, items(item({ quantity: 1 })));
    expect(fed(ledger, again)).toEqual([['upsert', 3, 1, 1000]]);
    expect(ledger.movements().map(({ revision }) => revision)).toEqual([1, 3]);
  });

  it('go on after a resume, so that a replay repeats them', () => {
    const { lines } = inBatches([[first, second], [back], [second, first]], {}, true);
    expect(lines.map(({ op, revision }) => `${op} ${revision}`)).toEqual(['upsert 1', 'upsert 1', 'delete 2']);
  });

  it('leave the keys in a delete, and nothing else', () => {
    const ledger = told([first, second]);
    ledger.add(back);
    const [line] = ledger.flush();
    expect(Object.keys(line!)).toEqual([
      'record',
      'id',
      'revision',
      'op',
      'account',
      'livemode',
      'customer',
      'subscription',
      'currency',
      'occurred_at',
      'type',
      'subscription_type',
      'amount',
      'mrr_before',
      'mrr_after',
      'customer_mrr_before',
      'customer_mrr_after',
      'reason',
      'estimated',
      'source',
      'event_id',
      'items',
    ]);
    expect(line).toMatchObject({
      op: 'delete',
      subscription: 'sub_a',
      customer: 'cus_a',
      type: null,
      amount: 0,
      mrr_after: 0,
      items: [],
    });
  });
});

describe('flush', () => {
  it('is in the order of second, account and subscription', () => {
    const places = [
      ['sub_b', null],
      ['sub_a', 'acct_2'],
      ['sub_a', null],
      ['sub_c', 'acct_1'],
    ] as const;
    const records = places.map(([id, account]) => created({ id, customer: id }, { account }));
    const ledger = new Ledger();
    for (const one of [created({ id: 'sub_z', created: t0 + 1 }), ...records]) ledger.add(one);
    expect(ledger.flush().map((one) => `${one.account} ${one.subscription}`)).toEqual([
      'null sub_a',
      'null sub_b',
      'acct_1 sub_c',
      'acct_2 sub_a',
      'null sub_z',
    ]);
  });

  it('says only what has changed, and what the clock has', () => {
    const ledger = new Ledger();
    fed(
      ledger,
      coupon({ duration: 'repeating' }),
      created({ discounts: [discount({ end: t0 + 5 * dayS })] }),
      created({ id: 'sub_b', customer: 'cus_b' }),
    );
    expect(fed(ledger, updated(t0 + dayS, { id: 'sub_b', customer: 'cus_b' }, { metadata: {} }))).toEqual([]);
    expect(fed(ledger, record('charge.refunded', t0 + 5 * dayS - 1, { id: 'ch_1' }))).toEqual([]);
    expect(fed(ledger, record('charge.refunded', t0 + 5 * dayS, { id: 'ch_1' }))).toEqual([['upsert', 1, 5, 100]]);
    expect(fed(ledger, record('charge.refunded', t0 + 9 * dayS, { id: 'ch_1' }))).toEqual([]);
  });

  it('hears of the clock after a resume', () => {
    const records = [coupon({ duration: 'repeating' }), created({ discounts: [discount({ end: t0 + 5 * dayS })] })];
    const { lines } = inBatches([records, [], [record('charge.refunded', t0 + 6 * dayS, { id: 'ch_1' })]], {}, true);
    expect(lines.map((one) => one.reason)).toEqual(['started', 'discount_ended']);
  });

  it.each([
    ['a coupon', { discounts: [discount()] }, coupon(), 900],
    [
      'tiers',
      { items: [item({ price: price({ billing_scheme: 'tiered', tiers_mode: 'volume' }) })] },
      record('snapshot.price', t0, price({ tiers: [{ up_to: null, flat_amount: 7 }] })),
      7,
    ],
    [
      'what a coupon applies to',
      { discounts: [discount({ source: undefined, coupon: { id: 'TEN', percent_off: 10, duration: 'forever' } })] },
      coupon({ applies_to: { products: [] } }),
      1000,
    ],
  ])('values again once %s is known, resumed or not', (_, more, what, mrr) => {
    for (const resumes of [true, false]) {
      const { ledger, lines } = inBatches([[created(more)], [what]], {}, resumes);
      expect(ledger.movements().at(-1)!.mrr_after).toBe(mrr);
      expect(lines.at(-1)!.mrr_after).toBe(mrr);
      expect([...ledger.warnings()]).toEqual([]);
    }
  });

  it('values again when tiers that were known are told otherwise', () => {
    const tiered = price({ billing_scheme: 'tiered', tiers_mode: 'volume' });
    const tell = (at: number, flat: number): Json =>
      record('snapshot.price', at, { ...tiered, tiers: [{ up_to: null, flat_amount: flat }] });
    const { lines } = inBatches(
      [[created({ items: [item({ price: tiered })] }), tell(t0, 7)], [tell(t0 + 1, 9)], [tell(t0 - 1, 5)]],
      {},
      true,
    );
    expect(lines.map((one) => one.mrr_after)).toEqual([7, 9]);
  });
});

describe('state', () => {
  it('is only what has changed', () => {
    const ledger = told([coupon(), created(), created({ id: 'sub_b' })]);
    expect(
      ledger
        .changes()
        .map(([key]) => key)
        .sort(),
    ).toEqual(['as_of', 'coupon||true|TEN', 'read', 'subscription||true|sub_a', 'subscription||true|sub_b', 'terms|0']);
    expect(ledger.changes()).toEqual([]);
    ledger.add(updated(t0 + dayS, { id: 'sub_b', items: [item({ quantity: 2 })] }, items(item())));
    expect(() => ledger.changes()).toThrow('before flush()');
    ledger.flush();
    expect(ledger.changes().map(([key]) => key)).toEqual(['as_of', 'subscription||true|sub_b', 'read']);
  });

  it('stays small through years of renewals and snapshots, and loses nothing by it', () => {
    const ledger = new Ledger();
    const renewals: Json[] = [created()];
    for (let month = 1; month <= 60; month++) {
      renewals.push(updated(t0 + month * 30 * dayS, { latest_invoice: `in_${month}` }, { latest_invoice: `in_${month - 1}` }));
      renewals.push(snapshot(t0 + month * 30 * dayS + 9));
    }
    for (const one of renewals) {
      ledger.add(one);
      ledger.flush();
    }
    const kept = new Map(ledger.changes()).get('subscription||true|sub_a') as unknown[][];
    expect(kept[4]!.length).toBeLessThan(7);
    expect(sorted(ledger.movements())).toEqual(sorted(told(renewals).movements()));
    const ended = snapshot(t0 + 2000 * dayS, { status: 'canceled', ended_at: t0 + 1900 * dayS });
    expect(
      fed(
        ledger,
        ended,
        ...Array.from({ length: 20 }, (_, n) =>
          snapshot(t0 + (2001 + n) * dayS, { status: 'canceled', ended_at: t0 + 1900 * dayS }),
        ),
      ).length,
    ).toBe(1);
    expect((new Map(ledger.changes()).get('subscription||true|sub_a') as unknown[][])[4]!.length).toBeLessThan(8);
  });

  it('of ids with separators in them comes back', () => {
    const store = new Store();
    const odd = record('coupon.created', t0, { id: 'A|B|C', percent_off: 50, duration: 'forever' });
    const first = told([odd]);
    store.save(first);
    const ledger = store.resume({});
    ledger.add(created({ discounts: [discount({ source: { coupon: 'A|B|C' } })] }));
    expect(ledger.flush()[0]!.amount).toBe(500);
  });
});

describe('records', () => {
  const good = created();
  it.each([
    ['id is missing', { ...good, id: undefined }],
    ['type is missing', { ...good, type: 7 }],
    ['created is missing', { ...good, created: null }],
    ['created is missing', { ...good, created: 'yesterday' }],
    ['data.object is missing', { ...good, data: {} }],
    ['data.object.id is missing', { ...good, data: { object: { ...subscription(), id: undefined } } }],
    ['status is missing', { ...good, data: { object: { ...subscription(), status: undefined } } }],
    ['customer is missing', { ...good, data: { object: { ...subscription(), customer: undefined } } }],
    ['quantity is not a decimal number', created({ items: [item({ quantity: 'many' })] })],
    ['unit_amount is not a decimal number', created({ items: [item({ price: price({ unit_amount_decimal: '1,5' }) })] })],
    ['percent_off is not a decimal number', coupon({ percent_off: {} })],
    ['it is not an object', []],
  ])('%s: a BadRecord, and nothing is taken of it', (reason, bad) => {
    const ledger = new Ledger();
    expect(() => ledger.add(bad)).toThrow(BadRecord);
    expect(() => ledger.add(bad)).toThrow(reason);
    expect(ledger.flush()).toEqual([]);
    expect(ledger.changes().filter(([key]) => key !== 'read' && !key.startsWith('terms'))).toEqual([]);
  });

  it.each([
    [{ dayFactor: '0' }, 'not positive'],
    [{ weekFactor: 'four' }, 'not a decimal number'],
    [{ weekFactor: '1/2/3' }, 'fraction'],
    [{ dayFactor: '1/0' }, 'zero'],
    [{ coalesceS: -1 }, 'coalesceS'],
    [{ pastDueGraceS: 0.5 }, 'pastDueGraceS'],
    [{ tz: 'Mars/Olympus' }, 'time zone'],
  ])('options that cannot be used are named: %j', (options, message) => {
    expect(() => new Ledger(options)).toThrow(message);
  });
});

describe('months', () => {
  // 2026-01-31 23:30 in New York is February in UTC.
  const night = Date.UTC(2026, 1, 1, 4, 30) / 1000;

  it('are cut in the time zone, and none is left out', () => {
    const records = [
      created({ created: night }),
      record(
        'customer.subscription.deleted',
        night + 100 * dayS,
        subscription({ status: 'canceled', ended_at: night + 100 * dayS }),
      ),
    ];
    const read = (tz: string) =>
      told(records, { tz })
        .months()
        .map(({ month, opening, closing, customers }) => [month, opening, closing, customers]);
    expect(read('UTC')).toEqual([
      ['2026-02', 0, 1000, 1],
      ['2026-03', 1000, 1000, 1],
      ['2026-04', 1000, 1000, 1],
      ['2026-05', 1000, 0, 0],
    ]);
    expect(read('America/New_York')[0]).toEqual(['2026-01', 0, 1000, 1]);
  });

  it('cover the same time in every currency of an account, and go by plan, interval or customer', () => {
    const euros = created({
      id: 'sub_e',
      customer: 'cus_e',
      created: night + 40 * dayS,
      currency: 'eur',
      items: [item({ price: price({ id: 'price_e', currency: 'eur', interval: 'year' }) })],
    });
    const ledger = told([
      created({ created: night }),
      euros,
      updated(night + 9, { items: [item({ price: price({ id: 'price_b', unit_amount: 1500 }) })] }, items(item())),
    ]);
    expect(ledger.months().map((one) => [one.currency, one.month, one.closing])).toEqual([
      ['eur', '2026-02', 0],
      ['eur', '2026-03', 83],
      ['usd', '2026-02', 1500],
      ['usd', '2026-03', 1500],
    ]);
    expect(
      ledger
        .months('plan')
        .filter((one) => one.month === '2026-02')
        .map((one) => [one.plan, one.new, one.expansion, one.closing, one.customers]),
    ).toEqual([
      ['price_e', 0, 0, 0, 0],
      ['price_a', 1000, -1000, 0, 0],
      ['price_b', 0, 1500, 1500, 1],
    ]);
    expect(ledger.months('interval').map((one) => one.interval)).toEqual(['year', 'year', 'month', 'month']);
    expect(ledger.months('customer').map((one) => one.customer)).toEqual(['cus_e', 'cus_e', 'cus_a', 'cus_a']);
  });
});
