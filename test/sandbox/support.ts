import type { Account } from '../../src/lib/sandbox/account.ts';
import { makeKeys } from '../../src/lib/sandbox/api/keys.ts';
import { type Sandbox, type ServerOptions, serve } from '../../src/lib/sandbox/api/server.ts';
import { type StoryOptions, tellStory } from '../../src/lib/sandbox/story/tell.ts';

export type Json = Record<string, any>;

/** The second at which these sandboxes open: 2026-11-01. */
export const opens = Date.UTC(2026, 10, 1) / 1000;

export function story(given: Partial<StoryOptions> = {}): Account {
  return tellStory({ seed: 42, customers: 200, months: 12, opens, ...given });
}

export interface Client {
  readonly sandbox: Sandbox;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Every object of a list, page by page, in the order of the list. */
  all(path: string): Promise<Json[]>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Json;
}

/** A running sandbox without a rate limit, whose clock stands still, and what is asked of it with the secret key. */
export async function client(account: Account, given: Partial<ServerOptions> = {}): Promise<Client> {
  const keys = makeKeys(account.seed);
  const sandbox = await serve(account, { port: 0, keys, ratePerSecond: 0, failRate: 0, pace: 0, ...given });
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`${sandbox.url}/v1/${path}`, {
      headers: { Authorization: `Bearer ${keys.secret}`, ...headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Json };
  };
  const all = async (path: string): Promise<Json[]> => {
    const found: Json[] = [];
    for (let after = ''; ; after = `&starting_after=${found.at(-1)!.id}`) {
      const { body, status, text } = await get(`${path}${path.includes('?') ? '&' : '?'}limit=100${after}`);
      if (status !== 200) throw new Error(text);
      found.push(...body.data);
      if (!body.has_more) return found;
    }
  };
  return { sandbox, get, all };
}

/** Everything that the lists say now, as `produce stripe` puts it before the transform: snapshots, nested lists completed. */
export async function crawl({ get, all }: Client): Promise<Json[]> {
  const fetchedAt = Date.parse((await get('events?limit=1')).headers.get('date')!) / 1000;
  const snapshot = (type: string) => (object: Json) => ({
    id: `snap_${object.id}_${fetchedAt}`,
    object: 'event',
    type: `snapshot.${type}`,
    created: fetchedAt,
    api_version: '2026-10-28.endive',
    account: null,
    livemode: false,
    data: { object },
  });
  const subscriptions = await all(
    'subscriptions?status=all&expand[]=data.discounts.source.coupon&expand[]=data.items.data.discounts',
  );
  for (const one of subscriptions) {
    if (one.items.has_more)
      one.items = {
        ...one.items,
        data: await all(`subscription_items?subscription=${one.id}&expand[]=data.discounts`),
        has_more: false,
      };
  }
  return [
    ...subscriptions.map(snapshot('subscription')),
    ...(await all('customers?expand[]=data.discount.source.coupon')).map(snapshot('customer')),
    ...(await all('prices?expand[]=data.tiers&expand[]=data.currency_options')).map(snapshot('price')),
    ...(await all('coupons?expand[]=data.applies_to&expand[]=data.currency_options')).map(snapshot('coupon')),
  ];
}
