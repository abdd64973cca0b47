import { afterEach, beforeEach, expect, it } from 'vitest';
import { resourceNames, resourceOf } from '../../src/lib/stripe/resources.ts';
import { testContext } from '../support/context.ts';
import { event, ListServer } from './server.ts';
import { crawl, idsOf } from './support.ts';

let server: ListServer;
let base: string;

beforeEach(async () => {
  server = new ListServer();
  base = await server.start();
});
afterEach(() => server.stop());

function thing(id: string, object: string, created: number, more = ''): { id: string; created: number; raw: string } {
  return { id, created, raw: `{\n  "id": "${id}",\n  "object": "${object}",\n  "created": ${created}${more}\n}` };
}

it('puts each object in the envelope of an event, its own bytes inside', async () => {
  server.add(
    'prices',
    thing('price_1', 'price', 1_600_000_000, ',\n  "livemode": false,\n  "unit_amount_decimal": "12.50",\n  "x": 1.0'),
  );
  const { lines } = await crawl({ base, plan: { names: ['prices'] } });
  expect(lines).toEqual([
    `{"id":"snap_price_1_${server.nowS}","object":"event","type":"snapshot.price","created":${server.nowS},"api_version":"2026-10-28.endive","account":null,"livemode":false,` +
      '"data":{"object":{"id":"price_1","object":"price","created":1600000000,"livemode":false,"unit_amount_decimal":"12.50","x":1.0}}}',
  ]);
  expect(server.asked.at(-1)).toContain('expand[]=data.tiers&expand[]=data.currency_options');
});

it('completes nested lists', async () => {
  const items = Array.from({ length: 230 }, (_, n) =>
    thing(`si_${n}`, 'subscription_item', 1, ',\n  "quantity": 1.0,\n  "subscription": "sub_1"'),
  );
  server.add('subscription_items', ...items);
  const first = JSON.stringify({
    object: 'list',
    data: items.slice(0, 10).map(({ raw }) => JSON.parse(raw)),
    has_more: true,
    url: '/v1/subscription_items?subscription=sub_1',
  });
  server.add('subscriptions', thing('sub_1', 'subscription', 1_600_000_000, `,\n  "items": ${first},\n  "status": "canceled"`));
  const { lines } = await crawl({ base, plan: { names: ['subscriptions'] } });
  const { items: whole, status } = JSON.parse(lines[0] as string).data.object;
  expect(new Set(whole.data.map(({ id }: { id: string }) => id)).size).toBe(230);
  expect(whole).toMatchObject({ object: 'list', has_more: false, url: '/v1/subscription_items?subscription=sub_1' });
  expect(status).toBe('canceled');
  expect(lines[0]).toContain('"quantity":1.0');
  expect(server.asked.find((path) => path.includes('status=all'))).toContain('expand[]=data.discounts.source.coupon');
});

it('completes the items of an event that Stripe cut at ten, by those that were there', async () => {
  const items = Array.from({ length: 14 }, (_, n) =>
    thing(`si_${n}`, 'subscription_item', n === 12 ? server.nowS : 1, ',\n  "quantity": 1.0,\n  "subscription": "sub_1"'),
  );
  server.add('subscription_items', ...items);
  const first = {
    object: 'list',
    data: items.slice(0, 10).map(({ raw }) => ({ ...JSON.parse(raw), was: 'then' })),
    has_more: true,
    total_count: 14,
  };
  server.add('events', event(1, server.nowS - 100, { id: 'sub_1', object: 'subscription', items: first }));
  const { lines } = await crawl({ base });
  const { data, has_more, total_count } = JSON.parse(lines[0] as string).data.object.items;
  expect(data.map(({ id }: { id: string }) => id).sort()).toEqual(
    items
      .filter((_, n) => n !== 12)
      .map(({ id }) => id)
      .sort(),
  );
  expect(data.filter(({ was }: { was?: string }) => was === 'then').length).toBe(10);
  expect({ has_more, total_count }).toEqual({ has_more: false, total_count: 14 });
  expect(lines[0]).toContain('"percent":12.50');
});

it('asks each parent for its children where a list needs one', async () => {
  for (let n = 0; n < 3; n++) server.add('setup_intents', thing(`seti_${n}`, 'setup_intent', 1_600_000_000 + n));
  for (let n = 0; n < 120; n++) server.add('setup_attempts', thing(`setatt_${n}`, 'setup_attempt', 1_600_000_000 + n));
  const { lines, marks } = await crawl({ base, app: 'a', plan: { names: ['setup_attempts'] } });
  expect(lines.length).toBe(360);
  expect(marks.length).toBe(2);
  expect(server.asked.some((path) => path.includes('setup_intent=seti_2'))).toBe(true);
});

it('backfills: events, lists, events again; resumes after a kill at any mark; and does nothing twice', async () => {
  const home = testContext().home;
  for (let n = 0; n < 150; n++) server.add('events', event(n, server.nowS - 100_000 + n * 10));
  for (const name of ['products', 'prices', 'coupons']) server.add(name, thing(`${name}_1`, name, 1_500_000_000));
  for (let n = 0; n < 250; n++) server.add('customers', thing(`cus_${n}`, 'customer', 1_500_000_000 + n * 1_000));
  for (let n = 0; n < 120; n++) server.add('subscriptions', thing(`sub_${n}`, 'subscription', 1_500_000_000 + n * 1_000));
  const lines: string[] = [];
  for (let runs = 0; runs < 16; runs++) {
    server.nowS += 30;
    server.add('events', event(1_000 + runs, server.nowS - 10));
    lines.push(...(await crawl({ base, app: 'a', home, breakAt: 5, plan: { isBackfill: true } })).lines);
  }
  const got = lines
    .map((line) => JSON.parse(line))
    .map(({ id, type, data }) => (type.startsWith('snapshot.') ? data.object.id : id) as string);
  const wanted = [
    ...Array.from({ length: 150 }, (_, n) => event(n, 0).id),
    ...Array.from({ length: 16 }, (_, n) => event(1_000 + n, 0).id),
    ...['products_1', 'prices_1', 'coupons_1'],
    ...Array.from({ length: 250 }, (_, n) => `cus_${n}`),
    ...Array.from({ length: 120 }, (_, n) => `sub_${n}`),
  ];
  expect([...got].sort()).toEqual(wanted.sort());
  expect(got.indexOf('evt_000000')).toBe(0);
});

it('goes on from an unfinished backfill only when told to, and says so', async () => {
  const home = testContext().home;
  for (let n = 0; n < 250; n++) server.add('customers', thing(`cus_${n}`, 'customer', 1_500_000_000 + n * 1_000));
  server.lists.set('events', []);
  const names = ['customers'];
  await crawl({ base, app: 'a', home, breakAt: 3, plan: { isBackfill: true, names } });
  const { context } = await crawl({ base, app: 'a', home });
  expect(context.said).toEqual(['the backfill of customers was not finished: go on with it by --backfill']);
  expect((await crawl({ base, app: 'a', home, plan: { isBackfill: true, names } })).lines.length).toBe(200);
});

it('reads a connected account: the header is sent, and every record carries it', async () => {
  server.add('events', event(1, server.nowS - 100));
  server.add('customers', thing('cus_1', 'customer', 1_500_000_000));
  const { lines } = await crawl({ base, account: 'acct_7', plan: { names: ['events', 'customers'] } });
  expect(
    server.headers.every(
      (headers) => headers['stripe-account'] === 'acct_7' && headers['stripe-version'] === '2026-10-28.endive',
    ),
  ).toBe(true);
  expect(lines.map((line) => JSON.parse(line).account)).toEqual(['acct_7', 'acct_7']);
});

it('follows: polls until it is told to stop, commits a quiet stream, waits out a fault for as long as it takes', async () => {
  const context = testContext();
  server.add('events', event(1, server.nowS - 100));
  server.before = (_, n) => {
    server.nowS += 1;
    if (n === 4) server.add('events', event(2, server.nowS - 1));
    if (n > 20 && n < 40) return { status: 500 };
    if (n > 60) context.stop();
    return undefined;
  };
  const { lines, marks, unmarked } = await crawl({ base, app: 'a', context, plan: { follow: true } });
  expect(idsOf(lines)).toEqual(['evt_000001', 'evt_000002']);
  expect(marks.length).toBeGreaterThan(20);
  expect(unmarked).toEqual([]);
});

it('follows until a time by the clock of the API', async () => {
  const untilS = server.nowS + 100;
  server.before = () => {
    server.nowS += 20;
    server.add('events', event(server.nowS, server.nowS - 1));
    return undefined;
  };
  const { marks, lines } = await crawl({ base, app: 'a', plan: { follow: true, until: () => untilS } });
  expect(marks.at(-1)).toBe(` test:${new Date(untilS * 1_000).toISOString().replace('.000', '')}`);
  expect(lines.every((line) => JSON.parse(line).created < untilS)).toBe(true);
});

it('knows every list once, and expands four levels at most', () => {
  expect(new Set(resourceNames).size).toBe(resourceNames.length);
  expect(resourceNames.length).toBe(44);
  for (const name of resourceNames)
    for (const path of resourceOf(name).expand ?? []) expect(path.split('.').length).toBeLessThanOrEqual(4);
});
