import type { Account } from '../account.ts';
import type { Invoice, Item, Subscription } from '../entities.ts';
import { writeLine } from '../payloads/invoice.ts';
import { currentVersion, type Json, type Shape, shapeOf } from '../payloads/shape.ts';
import { writeItem } from '../payloads/subscription.ts';
import { Expander } from './expand.ts';
import type { Allow } from './keys.ts';
import { cutPage, inOrder } from './listing.ts';
import { type Query, readExpandQuery, readListQuery } from './query.ts';
import { missing, Refusal } from './refusal.ts';
import { emptyLists, type Resource, resourcesOf } from './resources.ts';

interface Request {
  readonly method: string;
  readonly url: URL;
  /** The version asked for, if any. */
  readonly version: string | undefined;
  /** The connected account that was named, if any. */
  readonly connected: string | undefined;
  /** What the key allows. */
  readonly allow: Allow;
  /** The second by the sandbox's clock. */
  readonly now: number;
}

/** Answers requests to one account out of its story. */
export class Routes {
  readonly #account: Account;
  readonly #resources: ReadonlyMap<string, Resource>;
  readonly #id: string;

  /** `id` is the account's own. */
  constructor(account: Account, id: string) {
    this.#account = account;
    this.#id = id;
    this.#resources = resourcesOf(account);
  }

  /** The body of the answer. A Refusal says why there is none. */
  answer(request: Request): Json {
    const { method, url } = request;
    const path = url.pathname.replace(/^\/v1\//, '').replace(/\/$/, '');
    const resource = this.#resources.get(path);
    const [name = '', id = '', child, ...more] = path.split('/');
    const version = request.version ?? currentVersion;
    if (!/^20\d\d-\d\d-\d\d(\.[a-z]+)?$/.test(version)) throw new Refusal(400, `Invalid Stripe API version: ${version}`);
    const shape = shapeOf(version);
    if (method === 'GET' && url.pathname.startsWith('/v1/')) {
      this.#account.tellUntil(request.now);
      if (resource !== undefined) return this.#list(path, resource, request, shape);
      if (path === 'subscription_items') return this.#items(request, shape);
      if (path === 'account') return { id: this.#id, object: 'account', country: 'US', default_currency: 'usd' };
      const required = emptyLists.get(path);
      if (required !== undefined) return this.#nothing(path, request, required);
      const parent = this.#resources.get(name);
      if (parent !== undefined && id !== '' && child === undefined) return this.#one(parent, id, request, shape);
      if (name === 'invoices' && child === 'lines' && more.length === 0) return this.#lines(id, request, shape);
    }
    throw new Refusal(
      404,
      `Unrecognized request URL (${method}: ${url.pathname}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    );
  }

  #list(path: string, resource: Resource, { url, now, connected, allow }: Request, shape: Shape): Json {
    allow(resource.permission);
    const { filters: known, createdOf, isVisible, isListed, write, listing, object } = resource;
    const query = readListQuery(url.searchParams, Object.keys(known), true);
    const { filters } = query;
    if (filters.has('type') && filters.has('types'))
      throw new Refusal(400, 'You cannot specify both type and types.', { param: 'type' });
    if ((filters.get('types')?.length ?? 0) > 20) throw new Refusal(400, 'You may specify up to 20 types.', { param: 'types' });
    const matches = (thing: unknown): boolean =>
      isVisible?.(thing, now) !== false &&
      isListed?.(thing, filters) !== false &&
      [...filters].every(([name, values]) => known[name]!(thing, values));
    const { page, hasMore } = cutPage(listing, query, object, createdOf, matches);
    return this.#listed(
      `/v1/${path}`,
      page.map((thing) => write(thing, shape, connected)),
      hasMore,
      query,
      shape,
    );
  }

  #one(resource: Resource, id: string, { url, now, connected, allow }: Request, shape: Shape): Json {
    allow(resource.permission);
    const expand = readExpandQuery(url.searchParams);
    const thing = this.#find(resource, id);
    if (resource.isVisible?.(thing, now) === false) throw missing(resource.object, id);
    const body = resource.write(thing, shape, connected);
    new Expander(this.#account, this.#resources, shape).expand(body, expand);
    return body;
  }

  // All items of one subscription, which shows only its first ten.
  #items({ url, allow }: Request, shape: Shape): Json {
    const resource = this.#resources.get('subscriptions')!;
    allow(resource.permission);
    const query = readListQuery(url.searchParams, ['subscription'], false);
    const id = required(query, 'subscription');
    const { state } = this.#find(resource, id, 'subscription') as Subscription;
    const { page, hasMore } = cutPage<Item>(
      inOrder(state.items),
      query,
      'subscription_item',
      () => 0,
      () => true,
    );
    const written = page.map((item) => writeItem(item, this.#find(resource, id) as Subscription, state, shape));
    return this.#listed(`/v1/subscription_items?subscription=${id}`, written, hasMore, query, shape);
  }

  #lines(id: string, { url, allow }: Request, shape: Shape): Json {
    const resource = this.#resources.get('invoices')!;
    allow(resource.permission);
    const query = readListQuery(url.searchParams, [], false);
    const invoice = this.#find(resource, id) as Invoice;
    const lines = invoice.state.items.map((item, place) => writeLine(invoice, item, place, shape) as Json & { id: string });
    const { page, hasMore } = cutPage(
      inOrder(lines),
      query,
      'line_item',
      () => 0,
      () => true,
    );
    return this.#listed(`/v1/invoices/${id}/lines`, page, hasMore, query, shape);
  }

  #nothing(path: string, { url }: Request, needed: readonly string[]): Json {
    const query = readListQuery(url.searchParams, needed, true);
    for (const name of needed) required(query, name);
    return { object: 'list', data: [], has_more: false, url: `/v1/${path}` };
  }

  #listed(url: string, data: Json[], hasMore: boolean, { expand }: Query, shape: Shape): Json {
    const body = { object: 'list', data, has_more: hasMore, url };
    new Expander(this.#account, this.#resources, shape).expand(body, expand);
    return body;
  }

  #find({ listing, object }: Resource, id: string, param = 'id'): unknown {
    const place = listing.placeOf(id);
    if (place === undefined) throw missing(object, id, param);
    return listing.at(place);
  }
}

function required({ filters }: Query, param: string): string {
  const value = filters.get(param)?.at(-1);
  if (value === undefined) throw new Refusal(400, `Missing required param: ${param}.`, { code: 'parameter_missing', param });
  return value;
}
