import { Failure } from '../../errors.ts';
import { parseTimeMs } from '../../options.ts';

/** The position of a shard that was closed (by a split or a merge) and read to its end. Kinesis's own word. */
export const shardEnd = 'SHARD_END';

/** The position of a shard of which nothing has been read. Kinesis's own word. */
export const trimHorizon = 'TRIM_HORIZON';

/**
 * Where a shard is read from: a sequence number (everything up to it has been read), a time (nothing before it is to be read), TRIM_HORIZON or SHARD_END.
 * `readToMs` says up to when the shard has been read, which may be later: as long as that is within retention, nothing is gone unread.
 */
export interface Checkpoint {
  position: string;
  readToMs?: number | undefined;
}

/** As it stands in a mark: the position alone, or of a shard that is quiet `49612345…@2026-11-24T10:00:00.000Z`. */
export function formatCheckpoint({ position, readToMs }: Checkpoint): string {
  return readToMs === undefined ? position : `${position}@${new Date(readToMs).toISOString()}`;
}

/** Reads what formatCheckpoint wrote, and `beginning` for TRIM_HORIZON. Anything else is a Failure (65). */
export function parseCheckpoint(text: string, shard: string): Checkpoint {
  const [place = '', time] = text.split('@');
  const position = place === 'beginning' ? trimHorizon : place;
  const atMs = parseTimeMs(position);
  const readToMs = time === undefined ? atMs : parseTimeMs(time);
  const isPosition = /^\d+$/.test(position) || position === trimHorizon || position === shardEnd || atMs !== undefined;
  if (isPosition && (time === undefined || readToMs !== undefined)) return { position, readToMs };
  throw new Failure('badData', `the checkpoint of ${shard} is no position: ${text}`, 'put it right with buda state set');
}
