import { afterEach, beforeEach, expect, it } from 'vitest';
import { accountOf } from '../../src/lib/stripe/client.ts';
import { testContext } from '../support/context.ts';
import { errorBody, event, type Fault, ListServer } from './server.ts';
import { crawl, idsOf } from './support.ts';

let server: ListServer;
let base: string;

beforeEach(async () => {
  server = new ListServer();
  base = await server.start();
  for (let n = 0; n < 250; n++) server.add('events', event(n, server.nowS - 4_000 + n));
});
afterEach(() => server.stop());

const all = Array.from({ length: 250 }, (_, n) => event(n, 0).id);

it('comes through throttles, locks, faults, resets, cut bodies, error pages and slow answers: nothing lost, nothing doubled', async () => {
  const html = '<html><body>502 Bad Gateway</body></html>';
  const faults: Fault[] = [
    {
      status: 429,
      body: errorBody('invalid_request_error', 'slow down', 'rate_limit'),
      headers: { 'Stripe-Rate-Limited-Reason': 'endpoint-concurrency' },
    },
    { status: 429, body: errorBody('invalid_request_error', 'locked', 'lock_timeout') },
    { status: 500 },
    { status: 409 },
    'reset',
    'truncated',
    { status: 502, body: html },
    { status: 200, body: html },
    { status: 200, body: '{"object":"list","data":[{"id":' },
    { slowMs: 50 },
    { status: 503, headers: { 'Retry-After': '1' } },
    // Not what it says, but what it asks for.
    { status: 400, headers: { 'Stripe-Should-Retry': 'true' } },
  ];
  server.before = (_, n) => (n % 2 === 0 ? faults.shift() : undefined);
  const { lines } = await crawl({ base });
  expect(idsOf(lines)).toEqual(all);
  // The faults that the crawl did not come to.
  expect(faults.length).toBeLessThan(6);
  faults.push(...faults.splice(0));
  while (faults.length > 0) expect(idsOf((await crawl({ base })).lines)).toEqual(all);
});

it('waits as long as Retry-After and the reason say', async () => {
  let isFirst = true;
  server.before = () => {
    if (!isFirst) return undefined;
    isFirst = false;
    return { status: 429, headers: { 'Stripe-Rate-Limited-Reason': 'global-concurrency', 'Retry-After': '1' } };
  };
  const began = performance.now();
  await crawl({ base });
  expect(performance.now() - began).toBeGreaterThan(990);
});

it.each<[string, () => Fault]>([
  ['500', () => ({ status: 500 })],
  ['reset', () => 'reset'],
  ['an error page with 200', () => ({ status: 200, body: '<html>' })],
  ['truncated', () => 'truncated'],
])('gives up on %s after a bounded number of tries, with 75', async (_, fault) => {
  server.before = fault;
  await expect(crawl({ base, tuning: { tries: 4 } })).rejects.toMatchObject({ exit: 75 });
  expect(server.asked.length).toBe(4);
});

it('does not try again what Stripe says not to', async () => {
  server.before = () => ({ status: 500, headers: { 'Stripe-Should-Retry': 'false' } });
  await expect(crawl({ base })).rejects.toMatchObject({ exit: 75 });
  expect(server.asked.length).toBe(1);
});

it('no network: 75, soon', async () => {
  await server.stop();
  await expect(crawl({ base })).rejects.toMatchObject({ exit: 75, message: '/v1/events: ECONNREFUSED' });
  await server.start();
});

it('no answer in time: 75', async () => {
  server.before = () => ({ slowMs: 2_000 });
  await expect(crawl({ base, tuning: { tries: 2, timeoutMs: 100 } })).rejects.toMatchObject({
    exit: 75,
    message: '/v1/events: ETIMEDOUT',
  });
});

it('a wrong key is 77 at once, and is not in the message', async () => {
  const failed = await crawl({ base, key: 'sk_test_wrong9876543210' }).catch((error) => error);
  expect(failed).toMatchObject({ exit: 77 });
  expect(failed.message).not.toContain('9876543210');
  expect(server.asked.length).toBe(1);
});

it('a missing permission is 77 and named, by Stripe or by us', async () => {
  const said =
    "The provided key 'rk_test_*********abc' does not have the required permissions for this endpoint. Having the 'rak_event_read' permission would allow this request to continue.";
  server.before = () => ({ status: 403, body: errorBody('invalid_request_error', said) });
  await expect(crawl({ base })).rejects.toMatchObject({ exit: 77, remedy: expect.stringContaining('rak_event_read') });
  server.before = () => ({ status: 403, body: errorBody('invalid_request_error', 'no') });
  await expect(crawl({ base, plan: { names: ['credit_notes'] } })).rejects.toMatchObject({
    exit: 77,
    remedy: expect.stringContaining('read access to Credit Notes'),
  });
});

it('a request that is refused for good is 69, a wrong base 78', async () => {
  server.before = () => ({ status: 400, body: errorBody('invalid_request_error', 'Received unknown parameter: expand') });
  await expect(crawl({ base })).rejects.toMatchObject({ exit: 69, message: expect.stringContaining('unknown parameter') });
  server.before = () => undefined;
  await expect(crawl({ base, plan: { names: ['topups'] } })).rejects.toMatchObject({ exit: 78 });
});

it('keeps to the rate', async () => {
  const began = performance.now();
  await crawl({ base, plan: { ratePerSecond: 20 } });
  // The bucket holds two.
  expect(performance.now() - began).toBeGreaterThan(((server.asked.length - 2) / 20) * 1_000 - 30);
});

it('names the request and its id under -v', async () => {
  const details: string[] = [];
  await crawl({ base, context: { ...testContext(), detail: (message: string) => void details.push(message) } });
  expect(details[0]).toMatch(/^200 req_1 GET \/v1\/events\?limit=1 \d+ ms$/);
});

it('takes the key from the environment alone, and http for this machine only', () => {
  expect(() => accountOf({}, undefined, undefined)).toThrow(expect.objectContaining({ exit: 77 }));
  expect(() => accountOf({ STRIPE_API_KEY: 'pk_test_1' }, undefined, undefined)).toThrow(expect.objectContaining({ exit: 77 }));
  const env = { STRIPE_API_KEY: 'rk_live_123456' };
  expect(accountOf(env, undefined, undefined)).toMatchObject({ mode: 'live', base: new URL('https://api.stripe.com') });
  expect(accountOf(env, 'http://[::1]:12111', undefined).base.port).toBe('12111');
  for (const wrong of ['http://example.com', 'https://example.com/v1', 'ftp://127.0.0.1', 'nonsense', 'https://u@h']) {
    expect(() => accountOf(env, wrong, undefined)).toThrow(expect.objectContaining({ exit: 2 }));
  }
});
