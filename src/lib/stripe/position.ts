import { Failure } from '../errors.ts';
import type { Mode } from './client.ts';

/**
 * A place in a list, by the API's clock. As text, in the state:
 *
 *     test:2026-11-24T10:05:00Z            everything created before this second has been read
 *     test:2026-11-24T10:01:02Z/evt_1QxN   read up to this second; this object was the last, the window behind it is open
 *     test:beginning                       nothing has been read, but it is to be
 *
 * Which objects of that second (and of the overlap before it) have been read is no part of the position: the source saves their ids.
 * A person may write the moment alone, `beginning`, or the id of an event.
 */
export interface Position {
  mode: Mode | undefined;
  /** In seconds. */
  atS: number;
  /** The last object; undefined where a window was closed. */
  id: string | undefined;
}

/** The position of a list that is yet to be read. */
export const beginningS = 0;

/** The position as text; `parsePosition` reads it. */
export function formatPosition({ mode, atS, id }: Position): string {
  const moment = atS === beginningS ? 'beginning' : momentOf(atS);
  return `${mode === undefined ? '' : `${mode}:`}${moment}${id === undefined ? '' : `/${id}`}`;
}

/** Reads a position; one that is none is a Failure (65). */
export function parsePosition(text: string): Position {
  const match = /^(?:(live|test):)?([^/]+)(?:\/(.+))?$/.exec(text);
  const moment = match?.[2] ?? '';
  const atS = moment === 'beginning' ? beginningS : Math.floor(Date.parse(moment) / 1_000);
  if (match === null || Number.isNaN(atS)) {
    throw new Failure(
      'badData',
      `the checkpoint is no position: ${text}`,
      'put it right with buda state set; a moment will do: 2026-11-24T10:00:00Z',
    );
  }
  return { mode: match[1] as Mode | undefined, atS, id: match[3] };
}

/** Whether a place is written as the id of an event, whose second has to be asked for. */
export function isEventId(text: string): boolean {
  return /^evt_[A-Za-z0-9_]+$/.test(text);
}

/** `2026-11-24T10:05:00Z` */
export function momentOf(atS: number): string {
  return new Date(atS * 1_000).toISOString().replace('.000Z', 'Z');
}
