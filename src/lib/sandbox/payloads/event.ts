import type { Event } from '../account.ts';
import type { Json } from './shape.ts';
import { shapeOf } from './shape.ts';

/** An event as Stripe rendered it when it happened: in the version of that time, which never changes. `account` is named only to a platform that asks for a connected account's. */
export function writeEvent({ id, created, type, version, request, object, before }: Event, account?: string): Json {
  const shape = shapeOf(version);
  const written = object(shape);
  return {
    id,
    object: 'event',
    ...(account !== undefined && { account }),
    api_version: version,
    created,
    data: { object: written, ...(before && { previous_attributes: difference(before(shape), written) }) },
    livemode: false,
    pending_webhooks: 0,
    request: shape.hasPlanOnly ? request : { id: request, idempotency_key: null },
    type,
  };
}

/** What has changed, as it was before: of hashes only the fields that differ, of arrays all; null for what was not there. */
export function difference(before: Json, after: Json): Json {
  const changed: Json = {};
  for (const key in before) {
    const [was, is] = [before[key], after[key]];
    if (!isEqual(was, is)) changed[key] = isHash(was) && isHash(is) ? difference(was, is) : was;
  }
  for (const key in after) if (!(key in before)) changed[key] = null;
  return changed;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, i) => isEqual(one, b[i]));
  if (!isHash(a) || !isHash(b)) return false;
  for (const key in a) if (!isEqual(a[key], b[key])) return false;
  for (const key in b) if (!(key in a)) return false;
  return true;
}

function isHash(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
