import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testContext } from '../support/context.ts';
import { event, ListServer } from './server.ts';
import { crawl, idsOf, storeOf } from './support.ts';

let server: ListServer;
let base: string;

beforeEach(async () => {
  server = new ListServer();
  base = await server.start();
});
afterEach(() => server.stop());

const day = 86_400;

function ids(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => event(from + n, 0).id);
}

it('reads events oldest first, each on one line, its own bytes, by few requests', async () => {
  for (let n = 0; n < 2_345; n++) server.add('events', event(n, server.nowS - 29 * day + n * 1_000));
  const { lines } = await crawl({ base });
  expect(idsOf(lines)).toEqual(ids(2_345));
  expect(lines[7]).toBe(
    event(7, server.nowS - 29 * day + 7_000)
      .raw.replace(/\n */g, '')
      .replaceAll('": ', '":'),
  );
  expect(lines[7]).toContain('"percent":12.50,"note":"a \\"b\\" {\\\\"');
  // 24 pages, and the search for the oldest.
  expect(server.asked.length).toBeLessThan(24 + 26);
});

it('reads a second of 350 ties, before and behind others', async () => {
  const tie = server.nowS - 5_000;
  for (let n = 0; n < 40; n++) server.add('events', event(n, tie - 1));
  for (let n = 40; n < 390; n++) server.add('events', event(n, tie));
  for (let n = 390; n < 600; n++) server.add('events', event(n, tie + 1));
  expect(idsOf((await crawl({ base })).lines)).toEqual(ids(600));
  expect(idsOf((await crawl({ base, plan: { from: () => tie, until: () => tie + 1 } })).lines)).toEqual(ids(350, 40));
});

it('reads up to five seconds ago by the Date of the API, and then only what is new', async () => {
  const home = testContext().home;
  for (let n = 0; n < 20; n++) server.add('events', event(n, server.nowS - 20 + n));
  const first = await crawl({ base, app: 'a', home });
  expect(idsOf(first.lines)).toEqual(ids(15));
  expect(first.marks.at(-1)).toBe(` test:${new Date((server.nowS - 5) * 1_000).toISOString().replace('.000', '')}`);
  server.nowS += 10;
  const second = await crawl({ base, app: 'a', home });
  expect(idsOf(second.lines)).toEqual(ids(5, 15));
  expect((await crawl({ base, app: 'a', home })).lines).toEqual([]);
});

it('finds what shows up late within the overlap, and nothing twice', async () => {
  const home = testContext().home;
  for (let n = 0; n < 250; n++) server.add('events', event(n, server.nowS - 6_000 + n * 20));
  await crawl({ base, app: 'a', home });
  server.nowS += 60;
  server.add('events', event(900, server.nowS - 3_000), event(901, server.nowS - 65), event(902, server.nowS - 30));
  expect(idsOf((await crawl({ base, app: 'a', home })).lines)).toEqual(['evt_000900', 'evt_000901', 'evt_000902']);
  expect((await crawl({ base, app: 'a', home })).lines).toEqual([]);
});

it('under --follow reads the whole overlap again now and then, and a minute at each poll', async () => {
  const context = testContext();
  for (let n = 0; n < 50; n++) server.add('events', event(n, server.nowS - 3_500 + n * 70));
  server.before = (_, n) => {
    server.nowS += 10;
    if (n === 10) server.add('events', event(900, server.nowS - 3_000), event(901, server.nowS - 40));
    if (n > 90) context.stop();
    return undefined;
  };
  const { lines } = await crawl({ base, app: 'a', context, plan: { follow: true } });
  expect(idsOf(lines)).toEqual([...ids(50), 'evt_000901', 'evt_000900']);
});

it('takes an event that appears while its window is walked: ahead at once, behind on the next run', async () => {
  const home = testContext().home;
  for (let n = 0; n < 600; n++) server.add('events', event(n, server.nowS - 3_000 + n * 4));
  let added = false;
  server.before = (_, n) => {
    if (n === 14 && !added) {
      added = true;
      server.add('events', event(900, server.nowS - 2_999), event(901, server.nowS - 600));
    }
    return undefined;
  };
  const { lines } = await crawl({ base, app: 'a', home });
  expect(idsOf(lines)).toContain('evt_000901');
  expect(lines.length).toBe(601);
  expect(idsOf((await crawl({ base, app: 'a', home })).lines)).toEqual(['evt_000900']);
});

it('goes on where the object at the cursor was deleted', async () => {
  for (let n = 0; n < 500; n++) server.add('coupons', { ...event(n, server.nowS - 10_000 + Math.floor(n / 7)), id: `co_${n}` });
  for (const thing of server.lists.get('coupons') ?? [])
    thing.raw = JSON.stringify({ id: thing.id, object: 'coupon', created: thing.created });
  server.before = (path, n) => {
    if (n === 9 && path === '/v1/coupons') {
      const list = server.lists.get('coupons') ?? [];
      // The newest of the page that was given last.
      const cursor = new URLSearchParams(server.asked.at(-1)?.replace(/.*\?/, '')).get('ending_before');
      const at = list.findIndex(({ id }) => id === cursor);
      if (at >= 0) list.splice(at, 1);
    }
    return undefined;
  };
  const { lines } = await crawl({ base, plan: { names: ['coupons'] } });
  const got = lines.map((line) => JSON.parse(line).data.object.id as string);
  expect(got).toEqual(Array.from({ length: 500 }, (_, n) => `co_${n}`));
});

it('resumes an interrupted window at the page', async () => {
  const home = testContext().home;
  for (let n = 0; n < 1_000; n++) server.add('events', event(n, server.nowS - 9 * day + Math.floor(n / 3)));
  const lines: string[] = [];
  for (let breaks = 0; breaks < 20; breaks++) {
    server.nowS += 7;
    lines.push(...(await crawl({ base, app: 'a', home, breakAt: 3 })).lines);
  }
  expect(idsOf(lines)).toEqual(ids(1_000));
});

it('ends after -n records, and goes on behind them', async () => {
  const home = testContext().home;
  for (let n = 0; n < 300; n++) server.add('events', event(n, server.nowS - 4_000 + Math.floor(n / 30)));
  const lines: string[] = [];
  for (const count of [10, 95, 150]) lines.push(...(await crawl({ base, app: 'a', home, plan: { count } })).lines);
  expect(idsOf(lines)).toEqual(ids(255));
  lines.push(...(await crawl({ base, app: 'a', home })).lines);
  expect(idsOf(lines)).toEqual(ids(300));
});

it('refuses a checkpoint older than the 30 days, with the command that heals it; --backfill heals it', async () => {
  const home = testContext().home;
  server.add('events', event(1, server.nowS - 100));
  for (const name of ['products', 'prices', 'coupons', 'customers', 'subscriptions']) server.lists.set(name, []);
  server.add('customers', {
    id: 'cus_1',
    created: 1_600_000_000,
    raw: '{"id":"cus_1","object":"customer","created":1600000000}',
  });
  await crawl({ base, app: 'a', home });
  server.nowS += 31 * day;
  server.add('events', event(2, server.nowS - 100));
  await expect(crawl({ base, app: 'a', home })).rejects.toMatchObject({
    exit: 65,
    remedy: 'read the objects themselves again, then go on: buda produce stripe --app a --backfill',
  });
  const healed = await crawl({ base, app: 'a', home, plan: { isBackfill: true } });
  expect(idsOf(healed.lines)).toEqual(['evt_000002', `snap_cus_1_${server.nowS}`]);
  expect(healed.context.said.join()).toContain('listed again');
  server.nowS += 100;
  server.add('events', event(3, server.nowS - 10));
  expect(idsOf((await crawl({ base, app: 'a', home, plan: { isBackfill: true } })).lines)).toEqual(['evt_000003']);
});

it('brings records again where the checkpoint was moved back by hand', async () => {
  const home = testContext().home;
  for (let n = 0; n < 30; n++) server.add('events', event(n, server.nowS - 300 + n * 5));
  await crawl({ base, app: 'a', home });
  await storeOf(home).set('a', 'stripe:events', '', new Date((server.nowS - 200) * 1_000).toISOString());
  expect(idsOf((await crawl({ base, app: 'a', home })).lines)).toEqual(ids(10, 20));
  await storeOf(home).set('a', 'stripe:events', '', 'evt_000025');
  expect(idsOf((await crawl({ base, app: 'a', home })).lines)).toEqual(ids(4, 26));
  await storeOf(home).set('a', 'stripe:events', '', 'evt_1');
  await expect(crawl({ base, app: 'a', home })).rejects.toMatchObject({ exit: 65 });
});

it('never mixes live and test', async () => {
  const home = testContext().home;
  server.add('events', event(1, server.nowS - 100));
  await crawl({ base, app: 'a', home });
  server.key = 'rk_live_1234567890';
  await expect(crawl({ base, app: 'a', home, key: server.key })).rejects.toMatchObject({ exit: 78 });
});

it('property: whatever the history, the clock and the interruptions, every event comes once, and in order unless it was late', {
  timeout: 60_000,
}, async () => {
  const stories = fc.record({
    // Seconds after the one before; mostly ties and small gaps.
    gaps: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 4, arbitrary: fc.nat(20) }, fc.nat(2_000)), {
      minLength: 1,
      maxLength: 300,
    }),
    // How late each shows up, in turn.
    lags: fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(4) }, fc.nat(3_500)), { minLength: 1, maxLength: 50 }),
    steps: fc.array(fc.integer({ min: 700, max: 9_000 }), { minLength: 1, maxLength: 12 }),
    breaks: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
    tick: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(stories, async ({ gaps, lags, steps, breaks, tick }) => {
      const home = testContext().home;
      const beginS = 1_800_000_000;
      let atS = beginS;
      const history = gaps.map((gap, n) => ({ thing: event(n, (atS += gap)), visibleS: atS + (lags[n % lags.length] ?? 0) }));
      server.lists.set('events', []);
      server.maxPage = 20;
      server.nowS = beginS + 10;
      const waiting = [...history].sort((a, b) => a.visibleS - b.visibleS);
      const show = () => {
        while ((waiting[0]?.visibleS ?? Number.POSITIVE_INFINITY) <= server.nowS) server.add('events', waiting.shift()!.thing);
      };
      server.before = () => {
        server.nowS += tick;
        show();
        return undefined;
      };
      const delivered: string[] = [];
      for (let round = 0; server.nowS < atS + 3_600 + 10; round++) {
        server.nowS += (steps[round % steps.length] ?? 0) + 1;
        show();
        delivered.push(...idsOf((await crawl({ base, app: 'p', home, breakAt: breaks[round % breaks.length] })).lines));
      }
      for (let last = 0; last < 3; last++) delivered.push(...idsOf((await crawl({ base, app: 'p', home })).lines));
      expect([...delivered].sort()).toEqual(history.map(({ thing }) => thing.id));
      const onTime = new Set(history.filter(({ thing, visibleS }) => visibleS - thing.created < 5).map(({ thing }) => thing.id));
      const inOrder = delivered.filter((id) => onTime.has(id));
      const created = new Map(history.map(({ thing }) => [thing.id, thing.created]));
      for (let i = 1; i < inOrder.length; i++)
        expect(created.get(inOrder[i]!)).toBeGreaterThanOrEqual(created.get(inOrder[i - 1]!)!);
    }),
    { seed: 20_261_124, numRuns: 25 },
  );
});
