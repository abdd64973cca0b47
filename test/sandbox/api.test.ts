import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKeys } from '../../src/lib/sandbox/api/keys.ts';
import { type Client, client, type Json, opens, story } from './support.ts';

const account = story();
const keys = makeKeys(42);
let open: Client;
beforeAll(async () => {
  open = await client(account);
});
afterAll(() => open.sandbox.close());

const ids = (objects: readonly Json[]): string[] => objects.map(({ id }) => id);
const newestFirst = <T extends { id: string }>(things: readonly T[]): string[] => ids(things).reverse();
const month = account.events.filter(({ created }) => created >= opens - 30 * 86_400);

describe('a list', () => {
  it('comes in pages of 10, newest first, with has_more and its url', async () => {
    const { body, headers } = await open.get('events');
    expect(ids(body.data)).toEqual(newestFirst(account.events).slice(0, 10));
    expect(body).toMatchObject({ object: 'list', has_more: true, url: '/v1/events' });
    expect(headers.get('request-id')).toMatch(/^req_/);
    expect(headers.get('stripe-version')).toBe('2026-10-28.endive');
  });

  it('is whole by starting_after, and by ending_before from the oldest end', async () => {
    expect(ids(await open.all('events'))).toEqual(newestFirst(month));
    const seen = [month[0]!.id];
    for (let more = true; more; ) {
      const { body } = await open.get(`events?limit=7&ending_before=${seen.at(-1)}`);
      seen.push(...ids(body.data).reverse());
      more = body.has_more;
    }
    expect(seen).toEqual(ids(month));
  });

  it('ends exactly at its end', async () => {
    expect((await open.get('coupons?limit=10')).body).toMatchObject({ has_more: false, data: { length: 10 } });
    const customers = newestFirst(account.customers.filter(({ state }) => !state.isDeleted));
    const last = await open.get(`customers?limit=5&starting_after=${customers.at(-6)}`);
    expect([ids(last.body.data), last.body.has_more]).toEqual([customers.slice(-5), false]);
    expect((await open.get(`customers?starting_after=${customers.at(-1)}`)).body.data).toEqual([]);
    expect((await open.get(`customers?ending_before=${customers[0]}`)).body).toMatchObject({ data: [], has_more: false });
  });

  it('takes created ranges in whole seconds, ties on neither side lost', async () => {
    const tied = month.find(({ created }, i) => created === month[i + 1]?.created)!.created;
    const inside = (test: (created: number) => boolean): string[] => newestFirst(month.filter(({ created }) => test(created)));
    const ranges: [string, (created: number) => boolean][] = [
      [`created[gte]=${tied}`, (at) => at >= tied],
      [`created[gt]=${tied}`, (at) => at > tied],
      [`created[lt]=${tied}`, (at) => at < tied],
      [`created[lte]=${tied}`, (at) => at <= tied],
      [`created[gte]=${tied - 86_400}&created[lt]=${tied}`, (at) => at >= tied - 86_400 && at < tied],
      [`created=${tied}`, (at) => at === tied],
    ];
    for (const [range, test] of ranges) expect(ids(await open.all(`events?${range}`))).toEqual(inside(test));
    const from = month.find(({ created }) => created > tied)!;
    const { body } = await open.get(`events?limit=100&created[lte]=${tied}&starting_after=${from.id}`);
    expect(ids(body.data)).toEqual(inside((at) => at <= tied).slice(0, 100));
  });

  it('filters events by type, wildcard and types', async () => {
    const types = async (query: string) => new Set((await open.all(`events?${query}`)).map(({ type }) => type));
    expect(await types('type=customer.created')).toEqual(new Set(['customer.created']));
    expect([...(await types('type=customer.subscription.*'))].every((type) => type.startsWith('customer.subscription.'))).toBe(
      true,
    );
    expect(await types('types[]=customer.created&types[1]=customer.updated')).toEqual(
      new Set(['customer.created', 'customer.updated']),
    );
    expect((await open.get('events?type=a&types[]=b')).status).toBe(400);
  });

  it('leaves canceled subscriptions out unless a status is asked for', async () => {
    const all = await open.all('subscriptions?status=all');
    expect(all).toHaveLength(account.subscriptions.length);
    const living = await open.all('subscriptions');
    expect(living.length).toBe(all.filter(({ status }) => status !== 'canceled').length);
    expect(living.length).toBeLessThan(all.length);
    expect((await open.all('subscriptions?status=canceled')).every(({ status }) => status === 'canceled')).toBe(true);
    const [{ customer }] = all as [Json];
    expect((await open.all(`subscriptions?status=all&customer=${customer}`)).every((one) => one.customer === customer)).toBe(
      true,
    );
  });

  it('is empty where the story has nothing, and unknown where Stripe has no such list', async () => {
    for (const path of ['charges', 'checkout/sessions', 'issuing/cards', 'setup_attempts?setup_intent=seti_1'])
      expect((await open.get(path)).body).toMatchObject({ object: 'list', data: [], has_more: false });
    const { status, body } = await open.get('nonsense');
    expect([status, body.error.type]).toEqual([404, 'invalid_request_error']);
  });
});

describe('a bad parameter', () => {
  it.each([
    ['events?colour=red', 'parameter_unknown', 'colour'],
    ['events?created[near]=1', 'parameter_unknown', 'created[near]'],
    ['events?limit=101', 'parameter_invalid_integer', 'limit'],
    ['events?limit=0', 'parameter_invalid_integer', 'limit'],
    ['events?limit=ten', 'parameter_invalid_integer', 'limit'],
    ['events?created[gte]=yesterday', 'parameter_invalid_integer', 'created[gte]'],
    ['events?starting_after=evt_nobody', 'resource_missing', 'starting_after'],
    ['subscription_items', 'parameter_missing', 'subscription'],
  ])('%s is refused', async (path, code, param) => {
    const { status, body } = await open.get(path);
    expect([status, body.error.code, body.error.param]).toEqual([400, code, param]);
  });

  it('is one that expands too deep, or what is not there', async () => {
    expect((await open.get('subscriptions?expand[]=data.items.data.price.tiers')).body.error.message).toMatch(/4 levels/);
    expect((await open.get('prices?expand[]=data.colour')).body.error.message).toMatch(/cannot be expanded \(data.colour\)/);
  });
});

describe('expansions', () => {
  it('put objects in the place of ids, four levels deep', async () => {
    const plain = await open.all('subscriptions?status=all');
    const discounted = plain.find(({ discounts }) => discounts.length > 0)!;
    expect(discounted.discounts[0]).toMatch(/^di_/);
    const all = await open.all('subscriptions?status=all&expand[]=data.discounts.source.coupon&expand[0]=data.customer');
    const same = all.find(({ id }) => id === discounted.id)!;
    expect(same.discounts[0]).toMatchObject({ id: discounted.discounts[0], source: { coupon: { object: 'coupon' } } });
    expect(same.customer).toMatchObject({ id: discounted.customer, object: 'customer' });
    const one = await open.get(`subscriptions/${discounted.id}?expand[]=latest_invoice`);
    expect(one.body.latest_invoice.object).toBe('invoice');
  });

  it('show tiers, currencies and products only when they are asked for', async () => {
    const plain = await open.all('prices');
    expect(plain.some((price) => 'tiers' in price || 'currency_options' in price)).toBe(false);
    const prices = await open.all('prices?expand[]=data.tiers&expand[]=data.currency_options');
    const tiered = prices.filter(({ billing_scheme }) => billing_scheme === 'tiered');
    expect(tiered.length).toBeGreaterThan(0);
    for (const { tiers } of tiered) expect(tiers.at(-1).up_to).toBeNull();
    expect(prices.find(({ nickname }) => nickname === 'workspace monthly')!.currency_options.jpy.unit_amount).toBe(3750);
    const coupons = await open.all('coupons?expand[]=data.applies_to&expand[]=data.currency_options');
    expect(coupons.find(({ id }) => id === 'TEAM25')!.applies_to.products).toHaveLength(1);
    expect(coupons.find(({ id }) => id === 'FIVEOFF')!.currency_options.eur).toEqual({ amount_off: 450 });
  });
});

describe('a subscription with many items', () => {
  it('shows ten, and the others in pages', async () => {
    const all = await open.all('subscriptions?status=all');
    const large = all.find(({ items }) => items.has_more)!;
    expect(large.items.data).toHaveLength(10);
    const { body } = await open.get(`subscription_items?subscription=${large.id}&starting_after=${large.items.data.at(-1).id}`);
    expect([...ids(large.items.data), ...ids(body.data)]).toHaveLength(large.items.total_count);
    expect(ids(await open.all(`subscription_items?subscription=${large.id}`)).slice(0, 10)).toEqual(ids(large.items.data));
    const [invoice] = await open.all(`invoices?subscription=${large.id}`);
    expect(await open.all(`invoices/${invoice!.id}/lines`)).toHaveLength(invoice!.lines.total_count);
  });
});

describe('events', () => {
  it('go back 30 days and no more', async () => {
    const old = account.events.findLast(({ created }) => created < opens - 30 * 86_400)!;
    expect((await open.all('events')).at(-1)!.id).toBe(month[0]!.id);
    expect((await open.get(`events/${old.id}`)).body.error.code).toBe('resource_missing');
    expect((await open.get(`events/${month[0]!.id}`)).body.id).toBe(month[0]!.id);
  });

  it('keep their version, while lists come in the one asked for', async () => {
    const asked = { 'Stripe-Version': '2018-02-28' };
    const { data } = (await open.get('subscriptions?limit=1', asked)).body;
    expect(data[0]).toHaveProperty('billing');
    const versions = new Set((await open.all('events')).map(({ api_version }) => api_version));
    expect(versions.size).toBe(4);
    expect((await open.get('events', { 'Stripe-Version': 'newest' })).status).toBe(400);
  });

  it('go on happening with the clock, which every answer tells', async () => {
    const live = await client(story({ customers: 50, months: 6 }), { pace: 2_000_000 });
    const at = async (): Promise<[number, string]> => {
      const { headers, body } = await live.get('events?limit=1');
      return [Date.parse(headers.get('date')!) / 1000, body.data[0].id];
    };
    const [first, before] = await at();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [second, after] = await at();
    await live.sandbox.close();
    expect(first).toBeGreaterThanOrEqual(opens);
    expect(second - first).toBeGreaterThan(400_000);
    expect(after).not.toBe(before);
    expect((await open.get('events?limit=1')).headers.get('date')).toBe('Sun, 01 Nov 2026 00:00:00 GMT');
  });
});

describe('who may ask', () => {
  const as = (authorization: string, more = {}) => open.get('invoices?limit=1', { Authorization: authorization, ...more });

  it('is who has the key, as a bearer or by basic authentication', async () => {
    expect((await as(`Basic ${Buffer.from(`${keys.secret}:`).toString('base64')}`)).status).toBe(200);
    expect((await as('Bearer sk_test_wrong')).status).toBe(401);
    expect((await as('')).body.error.message).toMatch(/^You did not provide an API key/);
  });

  it('is not the restricted key where a permission is missing, which is named', async () => {
    const { status, body } = await as(`Bearer ${keys.restricted}`);
    expect([status, body.error.message]).toEqual([403, expect.stringContaining("'rak_invoice_read' permission")]);
    expect((await open.get('events', { Authorization: `Bearer ${keys.restricted}` })).status).toBe(200);
  });

  it('names a connected account, whose events then carry it, or is refused', async () => {
    const { body } = await open.get('events?limit=1', { 'Stripe-Account': keys.connected });
    expect(body.data[0].account).toBe(keys.connected);
    expect((await open.get('events', { 'Stripe-Account': 'acct_other' })).body.error.code).toBe('account_invalid');
  });
});

describe('what goes wrong', () => {
  it('is a limit by list and one for all', async () => {
    const limited = await client(account, { ratePerSecond: 8 });
    const burst = async (paths: string[]) => {
      const answers = await Promise.all(paths.map((path) => limited.get(path)));
      return answers.map(({ status, headers }) => `${status} ${headers.get('stripe-rate-limited-reason')}`);
    };
    const lists = ['events', 'coupons', 'prices', 'products', 'customers'];
    const reasons = await burst(lists.flatMap((path) => [path, path]));
    const more = await burst(['events', 'events', 'events']);
    await limited.sandbox.close();
    expect(reasons.filter((reason) => reason.startsWith('200')).length).toBeLessThanOrEqual(9);
    expect(reasons).toContain('429 global-rate');
    expect(more).toContain('429 endpoint-rate');
  });

  it('is the same for the same seed: refusals, resets, cut bodies, late answers', async () => {
    const outcomes = async (): Promise<string[]> => {
      const failing = await client(account, { failRate: 0.7 });
      const seen: string[] = [];
      for (let i = 0; i < 40; i++) {
        const outcome = await failing.get('coupons').then(
          ({ status }) => String(status),
          (error: Error) => (error instanceof SyntaxError ? 'cut' : 'reset'),
        );
        seen.push(outcome);
      }
      await failing.sandbox.close();
      return seen;
    };
    const [first, second] = await Promise.all([outcomes(), outcomes()]);
    expect(first).toEqual(second);
    expect(new Set(first)).toEqual(new Set(['200', '429', '500', '409', 'reset']));
  });
});

describe("Stripe's own client", () => {
  it('pages through a list and reads its errors', async () => {
    const { hostname, port } = new URL(open.sandbox.url);
    const stripe = new Stripe(keys.secret, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
    const found: string[] = [];
    for await (const one of stripe.subscriptions.list({ status: 'all', limit: 50, expand: ['data.discounts.source.coupon'] }))
      found.push(one.id);
    expect(found).toEqual(newestFirst(account.subscriptions));
    await expect(stripe.customers.retrieve('cus_nobody')).rejects.toMatchObject({ statusCode: 404, code: 'resource_missing' });
    const restricted = new Stripe(keys.restricted, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
    await expect(restricted.invoices.list()).rejects.toMatchObject({ type: 'StripePermissionError' });
  });
});
