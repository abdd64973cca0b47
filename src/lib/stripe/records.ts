import { memberOf } from '../json-bytes.ts';
import type { JsonObject } from '../lines.ts';
import type { StripeApi } from './client.ts';
import { type Found, type Page, readPage } from './page.ts';
import type { Resource } from './resources.ts';
import type { List, Query } from './window.ts';

const pageSize = 100;

/** How the list of a resource is asked for; `more` are parameters of its own, as the parent of a child. */
export function listOf(api: StripeApi, resource: Resource, more: Readonly<Record<string, string>> = {}): List {
  return (query) => fetchPage(api, `/v1/${resource.name}`, resource, { ...resource.query, ...more }, query, resource.expand);
}

function fetchPage(
  api: StripeApi,
  path: string,
  { permission }: Resource,
  fixed: Readonly<Record<string, string>>,
  { gte, lt, ending_before, starting_after }: Query,
  expand: readonly string[] = [],
): Promise<Page> {
  const parameters = Object.entries({
    ...fixed,
    limit: pageSize,
    'created[gte]': gte,
    'created[lt]': lt,
    ending_before,
    starting_after,
  }).filter(([, value]) => value !== undefined);
  const words = [...parameters, ...expand.map((name) => ['expand[]', name] as const)];
  const text = words.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return api.get(`${path}${path.includes('?') ? '&' : '?'}${text}`, permission, (answer) =>
    readPage(answer, path, api.isOwnBase),
  );
}

/** An event as its line: its own bytes. One of a connected account that does not say so is given the account. */
export function eventLine({ value, raw }: Found, account: string | undefined): Buffer {
  if (account === undefined || value.account !== undefined) return raw;
  return Buffer.concat([Buffer.from(`{"account":${JSON.stringify(account)},`), raw.subarray(1)]);
}

/**
 * An object as it was found at `fetchedAtS`, in the envelope of an event: `snapshot.<its object>`, created when it was fetched. Lists inside
 * it are completed; everything else is its own bytes.
 */
export async function snapshotLine(
  api: StripeApi,
  resource: Resource,
  found: Found,
  page: Pick<Page, 'dateS' | 'version'>,
): Promise<Buffer> {
  const { id, value } = found;
  const { account, mode } = api.account;
  const envelope = JSON.stringify({
    id: `snap_${id}_${page.dateS}`,
    object: 'event',
    type: `snapshot.${typeof value.object === 'string' ? value.object : resource.name}`,
    created: page.dateS,
    api_version: page.version,
    account: account ?? null,
    livemode: typeof value.livemode === 'boolean' ? value.livemode : mode === 'live',
  });
  const raw = await completed(api, resource, found);
  return Buffer.concat([Buffer.from(`${envelope.slice(0, -1)},"data":{"object":`), raw, Buffer.from('}}')]);
}

/** The object's bytes, each list inside it that was cut put in whole. */
async function completed(api: StripeApi, resource: Resource, { id, value, raw }: Found): Promise<Buffer> {
  let whole = raw;
  for (const [name, path] of Object.entries(resource.nested ?? {})) {
    const list = value[name] as (JsonObject & { has_more?: unknown; url?: unknown }) | null | undefined;
    const range = list?.has_more === true ? memberOf(whole, 0, name) : undefined;
    if (range === undefined) continue;
    const entries: Buffer[] = [];
    const url = path.replace('{id}', encodeURIComponent(id));
    let page: Page | undefined;
    do {
      page = await fetchPage(api, url, resource, {}, { starting_after: page?.found.at(-1)?.id });
      for (const entry of page.found) entries.push(entry.raw);
    } while (page.hasMore && page.found.length > 0);
    const joined = entries.flatMap((entry, i) => (i === 0 ? [entry] : [Buffer.from(','), entry]));
    const rest = JSON.stringify({ has_more: false, url: list?.url });
    whole = Buffer.concat([
      whole.subarray(0, range.start),
      Buffer.from('{"object":"list","data":['),
      ...joined,
      Buffer.from(`],${rest.slice(1)}`),
      whole.subarray(range.end),
    ]);
  }
  return whole;
}
