import { isUtf8 } from 'node:buffer';
import { compact, elementsOf, memberOf } from '../json-bytes.ts';
import type { JsonObject } from '../lines.ts';
import type { Answer } from './client.ts';
import { brokenAnswer } from './errors.ts';

/** One object of a list: parsed, and as it came, on one line. */
export interface Found {
  id: string;
  /** In seconds; 0 where the object has none. */
  created: number;
  value: JsonObject;
  raw: Buffer;
}

/** A page of a list, newest first as Stripe gives it. */
export interface Page {
  found: Found[];
  /** Whether there is more in the direction of the paging. */
  hasMore: boolean;
  dateS: number;
  version: string;
}

/** Reads the page of a list. What is none (an error page under status 200) is a StripeError that is tried again. */
export function readPage({ body, dateS, version }: Answer, path: string, isOwnBase: boolean): Page {
  const list = parseList(body);
  if (list === undefined) throw brokenAnswer(path, new Error('the answer is no list: perhaps an error page, or cut'), isOwnBase);
  const at = memberOf(body, body.indexOf('{'), 'data')?.start ?? 0;
  const ranges = elementsOf(body, at);
  const found = list.data.map((value, i) => {
    const { id, created } = value;
    const range = ranges[i];
    if (typeof id !== 'string' || range === undefined)
      throw brokenAnswer(path, new Error('the list holds what has no id'), isOwnBase);
    return { id, created: typeof created === 'number' ? created : 0, value, raw: compact(body.subarray(range.start, range.end)) };
  });
  return { found, hasMore: list.has_more === true, dateS, version };
}

function parseList(body: Buffer): { data: JsonObject[]; has_more: unknown } | undefined {
  if (!isUtf8(body)) return undefined;
  try {
    const list = JSON.parse(body.toString('utf8')) as { data?: unknown; has_more?: unknown } | null;
    const data = list?.data;
    if (!Array.isArray(data) || data.some((value) => typeof value !== 'object' || value === null)) return undefined;
    return { data, has_more: list?.has_more };
  } catch {
    return undefined;
  }
}
