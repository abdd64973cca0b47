import { elementsOf, memberOf, type Range } from '../json-bytes.ts';
import type { JsonObject } from '../lines.ts';
import type { StripeApi } from './client.ts';
import { StripeError } from './errors.ts';
import { type Found, type Page, readPage } from './page.ts';
import { nestedOf, type Resource } from './resources.ts';
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

/**
 * An event as its line: its own bytes. Two things are added where they would be missing: the account of a connected account's event that does
 * not name it, and the entries of a list that Stripe cut at ten, as far as they were there when it happened.
 */
export async function eventLine(api: StripeApi, { value, raw, created }: Found): Promise<Buffer> {
  const { account } = api.account;
  const object = (value.data as JsonObject | undefined)?.object as JsonObject | undefined;
  const resource = typeof object?.object === 'string' ? nestedOf(object.object) : undefined;
  const isCut = resource !== undefined && Object.keys(resource.nested ?? {}).some((name) => isCutList(object?.[name]));
  const whole = isCut && object !== undefined ? await complete(api, resource, raw, ['data', 'object'], object, created) : raw;
  if (account === undefined || value.account !== undefined) return whole;
  return Buffer.concat([Buffer.from(`{"account":${JSON.stringify(account)},`), whole.subarray(1)]);
}

/**
 * An object as it was found when the page was given, in the envelope of an event: `snapshot.<its object>`, created when it was fetched. Lists
 * inside it are completed; everything else is its own bytes.
 */
export async function snapshotLine(
  api: StripeApi,
  resource: Resource,
  { id, value, raw }: Found,
  page: Pick<Page, 'dateS' | 'version'>,
) {
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
  const whole = await complete(api, resource, raw, [], value, Number.POSITIVE_INFINITY);
  return Buffer.concat([Buffer.from(`${envelope.slice(0, -1)},"data":{"object":`), whole, Buffer.from('}}')]);
}

function isCutList(value: unknown): boolean {
  return (value as { has_more?: unknown } | null | undefined)?.has_more === true;
}

/** The bytes in which each cut list of the object at `path` is whole: what it holds, and behind it what the API has besides, created by `asOfS`. */
async function complete(
  api: StripeApi,
  resource: Resource,
  raw: Buffer,
  path: readonly string[],
  object: JsonObject,
  asOfS: number,
) {
  let whole = raw;
  for (const [name, template] of Object.entries(resource.nested ?? {})) {
    if (!isCutList(object[name])) continue;
    const data = rangeOf(whole, [...path, name, 'data']);
    const hasMore = rangeOf(whole, [...path, name, 'has_more']);
    if (data === undefined || hasMore === undefined) continue;
    const all = await entriesOf(api, resource, template.replace('{id}', encodeURIComponent(String(object.id))));
    if (all === undefined) continue;
    const held = (object[name] as { data: { id?: unknown }[] }).data;
    const known = new Set(held.map(({ id }) => id));
    const entries = elementsOf(whole, data.start).map(({ start, end }) => whole.subarray(start, end));
    for (const { id, created, raw: bytes } of all) if (!known.has(id) && created <= asOfS) entries.push(bytes);
    const joined = entries.flatMap((entry, i) => (i === 0 ? [entry] : [Buffer.from(','), entry]));
    const edits = [
      { range: data, bytes: Buffer.concat([Buffer.from('['), ...joined, Buffer.from(']')]) },
      { range: hasMore, bytes: Buffer.from('false') },
    ];
    // From the back, so that the places before stay right.
    for (const { range, bytes } of edits.sort((a, b) => b.range.start - a.range.start))
      whole = Buffer.concat([whole.subarray(0, range.start), bytes, whole.subarray(range.end)]);
  }
  return whole;
}

const maxBeginnings = 5;

/** All entries of a list inside an object; undefined where there is no such list any more. An entry that was deleted while it served as a cursor means to begin again. */
async function entriesOf(api: StripeApi, resource: Resource, path: string): Promise<Found[] | undefined> {
  for (let beginnings = 1; ; beginnings++) {
    const entries: Found[] = [];
    try {
      let page: Page | undefined;
      do {
        page = await fetchPage(api, path, resource, {}, { starting_after: page?.found.at(-1)?.id });
        entries.push(...page.found);
      } while (page.hasMore && page.found.length > 0);
      return entries;
    } catch (error) {
      if (!(error instanceof StripeError) || error.kind !== 'missing' || beginnings === maxBeginnings) throw error;
      if (entries.length === 0) return undefined;
    }
  }
}

function rangeOf(bytes: Buffer, path: readonly string[]): Range | undefined {
  let range: Range | undefined = { start: 0, end: bytes.length };
  for (const name of path) range = range && memberOf(bytes, range.start, name);
  return range;
}
