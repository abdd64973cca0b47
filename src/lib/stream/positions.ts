import { Failure } from '../errors.ts';
import { parseDurationMs, parseTimeMs } from '../options.ts';

/** A place in a stream, as a person says it. A sequence number stands for its moment too, in the other shards. */
export type Place =
  | { kind: 'beginning' }
  | { kind: 'end' }
  | { kind: 'time'; atMs: number }
  | { kind: 'sequence'; sequenceNumber: string };

/** What is taken as a place, for the help. */
const placeWords = 'beginning, end, a sequence number, a time like 2026-11-24T10:00:00Z, or -15m';

/**
 * Reads a place: `beginning` or TRIM_HORIZON, `end` or LATEST, a sequence number, a time of RFC 3339, or `-15m` before now. Anything
 * else is a Failure (2) that names the option.
 */
export function parsePlace(flag: string, text: string, nowMs: number): Place {
  if (text === 'beginning' || text === 'TRIM_HORIZON') return { kind: 'beginning' };
  if (text === 'end' || text === 'LATEST') return { kind: 'end' };
  if (/^\d{5,}$/.test(text) || text === '0') return { kind: 'sequence', sequenceNumber: text };
  const agoMs = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined;
  if (agoMs !== undefined) return { kind: 'time', atMs: nowMs - agoMs };
  const atMs = parseTimeMs(text);
  if (atMs !== undefined) return { kind: 'time', atMs };
  throw new Failure('usage', `${flag} takes ${placeWords}; not ${JSON.stringify(text.slice(0, 60))}`);
}
