import { Failure } from '../errors.ts';
import { parseDurationMs, parseTimeMs } from '../options.ts';
import { beginningS } from './position.ts';
import { settleS } from './window.ts';

/** A place in time as a person says it; the API's clock (in seconds) tells which second that is. */
export type Place = (nowS: number) => number;

/** Reads `beginning`, `checkpoint` (the beginning, where there is none), `end`, `-15m`, or a time of RFC 3339. Anything else is a Failure (2). */
export function readPlace(flag: string, text: string): Place {
  if (text === 'beginning' || text === 'checkpoint') return () => beginningS;
  if (text === 'end') return (nowS) => nowS - settleS;
  const agoMs = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined;
  if (agoMs !== undefined) return (nowS) => nowS - Math.ceil(agoMs / 1_000);
  const atMs = parseTimeMs(text);
  if (atMs === undefined) {
    throw new Failure(
      'usage',
      `${flag} takes a time like 2026-11-24T10:00:00Z, or -15m, beginning or end; not ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  // A window is made of whole seconds: what lies inside one begins with the next.
  return () => Math.ceil(atMs / 1_000);
}
