import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/lib/mrr/ledger.ts';
import { archiveOf } from '../../src/lib/sandbox/archive.ts';
import type { Item, Price, Product, SubscriptionState } from '../../src/lib/sandbox/entities.ts';
import { worthOf } from '../../src/lib/sandbox/worth.ts';
import { client, crawl, type Json, opens, story } from './support.ts';

const product: Product = { id: 'prod_a', name: 'A', created: 0 };
const price = (more: Partial<Price> = {}): Price => ({
  id: 'price_a',
  nickname: 'a',
  product,
  currency: 'usd',
  interval: 'month',
  intervalCount: 1,
  unit: '1000',
  created: 0,
  isActive: true,
  ...more,
});
const item = (of: Price, quantity: number | null = 1, more: Partial<Item> = {}): Item => ({
  id: 'si_a',
  price: of,
  quantity,
  created: 0,
  discounts: [],
  trial: null,
  ...more,
});
const state = (items: readonly Item[], more: Partial<SubscriptionState> = {}): SubscriptionState => ({
  ...({ status: 'active', discounts: [], taxRates: [] } as unknown as SubscriptionState),
  items,
  ...more,
});
const off = (more: Json, times: Json = {}): any => ({
  coupon: { id: 'C', duration: 'forever', ...more },
  start: 0,
  end: null,
  ...times,
});
const worth = (...items: Item[]): number => worthOf(state(items), 'usd', 100, null);

describe('what a subscription is worth', () => {
  it('is counted a month, whatever the interval', () => {
    expect(worth(item(price({ interval: 'year', unit: '120000' })))).toBe(10_000);
    expect(worth(item(price({ interval: 'week', intervalCount: 2, unit: '600' })))).toBe(1300);
    expect(worth(item(price({ interval: 'day', intervalCount: 10, unit: '250' })))).toBe(760); // 250 x 365/120 = 760.4
    expect(worth(item(price({ intervalCount: 3, unit: '1000.50' }), 3))).toBe(1001); // 1000.5, half up
  });

  it('knows packages, tiers and meters', () => {
    const tiers = [
      { upTo: 5, flat: 1000, unit: '0' },
      { upTo: 20, flat: null, unit: '300' },
      { upTo: null, flat: 500, unit: '200' },
    ];
    expect(worth(item(price({ unit: '500', packageOf: 100 }), 250))).toBe(1500);
    expect(worth(item(price({ unit: null, tiers, tiersMode: 'graduated' }), 23))).toBe(1000 + 15 * 300 + 500 + 3 * 200);
    expect(worth(item(price({ unit: null, tiers, tiersMode: 'volume' }), 23))).toBe(500 + 23 * 200);
    expect(worth(item(price({ unit: null, tiers, tiersMode: 'graduated' }), 0))).toBe(0);
    expect(worth(item(price({ isMetered: true }), null))).toBe(0);
    expect(worthOf(state([item(price({ options: { eur: '900' } }))]), 'eur', 0, null)).toBe(900);
  });

  it('takes discounts off while they are in force, never those for once', () => {
    const one = [item(price({ unit: '1000' }))];
    const withDiscount = (discount: any, at = 100) => worthOf(state(one, { discounts: [discount] }), 'usd', at, null);
    expect(withDiscount(off({ percentOff: 33.3 }))).toBe(667);
    expect(withDiscount(off({ percentOff: 50 }, { end: 100 }))).toBe(1000);
    expect(withDiscount(off({ percentOff: 50 }, { end: 101 }))).toBe(500);
    expect(withDiscount(off({ percentOff: 50, duration: 'once' }))).toBe(1000);
    expect(withDiscount(off({ amountOff: 1500, currency: 'usd' }))).toBe(0);
    expect(withDiscount(off({ percentOff: 50, products: [{ ...product, id: 'prod_b' }] }))).toBe(1000);
    expect(worthOf(state(one), 'usd', 100, off({ percentOff: 10 }))).toBe(900);
    expect(worthOf(state(one, { discounts: [off({ percentOff: 50 }, { end: 1 })] }), 'usd', 100, off({ percentOff: 10 }))).toBe(
      1000,
    );
  });

  it('counts an amount as often as the shortest interval comes', () => {
    const items = [item(price({ unit: '2000' })), item(price({ interval: 'year', unit: '12000' }))];
    const discounts = [off({ amountOff: 400, currency: 'usd' })];
    expect(worthOf(state(items, { discounts }), 'usd', 100, null)).toBe(2600);
    expect(worthOf(state(items.slice(1), { discounts }), 'usd', 100, null)).toBe(967); // 1000 - 400/12
  });

  it('leaves out trials, those who do not pay, and inclusive tax', () => {
    const trial = { start: 0, end: 200 };
    expect(worth(item(price(), 1, { trial }), item(price({ unit: '500' })))).toBe(500);
    expect(worthOf(state([item(price(), 1, { trial })]), 'usd', 200, null)).toBe(1000);
    const taxed = (isInclusive: boolean) =>
      worthOf(state([item(price())], { taxRates: [{ percentage: 8.25, isInclusive } as any] }), 'usd', 0, null);
    expect([taxed(true), taxed(false)]).toEqual([924, 1000]); // 1000 / 1.0825 = 923.8
    for (const status of ['trialing', 'unpaid', 'paused', 'canceled', 'incomplete', 'incomplete_expired'] as const)
      expect(worthOf(state([item(price())], { status }), 'usd', 0, null)).toBe(0);
    expect(worthOf(state([item(price())], { status: 'past_due' }), 'usd', 0, null)).toBe(1000);
  });
});

describe('the truth', () => {
  const account = story();
  const truth = [...account.books.monthEnds()];
  const archive = [...archiveOf(account)].map((event) => JSON.parse(JSON.stringify(event)) as Json);

  it('has a line for every month and currency', () => {
    const months = [...new Set(truth.map(({ month }) => month))];
    expect(months).toHaveLength(12);
    expect(months.at(-1)).toBe('2026-10');
    expect(truth).toHaveLength(12 * 5);
  });

  it('is what the transform makes of the archive and a crawl, to the unit', async () => {
    const one = await client(account);
    const ledger = new Ledger();
    for (const record of [...archive, ...(await crawl(one))]) ledger.add(record);
    await one.sandbox.close();
    ledger.flush();
    expect(ledger.months().map(({ month, currency, closing }) => ({ month, currency, closing }))).toEqual(truth);
    expect([...ledger.warnings().keys()].filter((warning) => !/^(truncated_items|gap):/.test(warning))).toEqual([]);
  });

  it('agrees with the lists and the last 30 days of events alone in those days, and at their end', async () => {
    const one = await client(account);
    const ledger = new Ledger();
    const events = await one.all('events');
    const records = await crawl(one);
    for (const record of [...events.reverse(), ...records]) ledger.add(record);
    await one.sandbox.close();
    ledger.flush();
    const whole = new Ledger();
    for (const record of [...archive, ...records]) whole.add(record);
    whole.flush();
    const lastMonth = (of: Ledger) =>
      of
        .movements()
        .filter(({ occurred_at }) => occurred_at >= opens - 30 * 86_400)
        .map(({ subscription, occurred_at, currency, amount, mrr_after }) => [
          subscription,
          occurred_at,
          currency,
          amount,
          mrr_after,
        ]);
    expect(lastMonth(ledger)).toEqual(lastMonth(whole));
    const closing = ledger.months().filter(({ month }) => month === '2026-10');
    expect(closing.map(({ month, currency, closing }) => ({ month, currency, closing }))).toEqual(
      truth.filter(({ month }) => month === '2026-10'),
    );
    expect(events.at(-1)!.created).toBeLessThanOrEqual(opens);
  });
});
