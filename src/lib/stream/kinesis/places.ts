import { AwsError } from '../../aws/errors.ts';
import type { KinesisRecord, KinesisShard } from '../../aws/kinesis.ts';
import { retryAws } from '../../aws/pace.ts';
import { Failure } from '../../errors.ts';
import { parseTimeMs } from '../../options.ts';
import type { Place } from '../positions.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { isPastRetention } from './retention.ts';
import type { ReaderWorld, ShardStart } from './shard-reader.ts';

/** A sequence number, found: its shard, and when it arrived. */
export interface Landmark {
  sequenceNumber: string;
  shard: string;
  arrivedAtMs: number;
}

/** Finds a sequence number: Kinesis refuses it in every shard but its own. Not there: a Failure (65). */
export async function findLandmark(
  sequenceNumber: string,
  shards: readonly KinesisShard[],
  world: ReaderWorld,
): Promise<Landmark> {
  for (const { id } of shards) {
    const record = await retryAws(world, () => firstRecordFrom(sequenceNumber, id, world));
    if (record?.sequenceNumber === sequenceNumber) return { sequenceNumber, shard: id, arrivedAtMs: record.arrivedAtMs };
  }
  throw new Failure(
    'badData',
    `kinesis:${world.stream} holds no record with the sequence number ${sequenceNumber}`,
    'it may be past retention: give a time, or beginning',
  );
}

async function firstRecordFrom(
  sequenceNumber: string,
  shard: string,
  { kinesis, stream, signal }: ReaderWorld,
): Promise<KinesisRecord | undefined> {
  try {
    let iterator: string | undefined = await kinesis.iterator(
      stream,
      shard,
      { type: 'AT_SEQUENCE_NUMBER', sequenceNumber },
      signal,
    );
    // An answer may be empty though there is more.
    while (iterator !== undefined) {
      const { records, next, lagMs } = await kinesis.read(stream, shard, iterator, 1, signal);
      if (records.length > 0 || lagMs === 0) return records[0];
      iterator = next;
    }
  } catch (error) {
    if (!(error instanceof AwsError) || error.kind !== 'argument') throw error;
  }
  return undefined;
}

/** Where a shard begins, and as which moment that is committed before anything is read; undefined where a restart begins at the same place anyway. */
interface Placed {
  start: ShardStart;
  atMs?: number;
}

/**
 * Where each listed shard begins. One that a running app does not know yet was opened since: it is read from its beginning, as where the time that was
 * asked for is past retention. Under an app the end is a moment, which a restart knows.
 */
export async function placeShards(
  from: Readonly<Record<string, string>>,
  position: Place,
  listed: readonly KinesisShard[],
  world: ReaderWorld,
  hasApp: boolean,
): Promise<Map<string, Placed>> {
  const known = Object.entries(from).filter(([shard]) => shard !== '');
  const isFirst = known.length === 0;
  const landmark =
    isFirst && position.kind === 'sequence' ? await findLandmark(position.sequenceNumber, listed, world) : undefined;
  const isAll = isFirst && position.kind === 'time' && (await isPastRetention(position.atMs, world));
  const endMs = world.now();
  // The first run was stopped before all shards had a moment: the others begin at the same one.
  const moments = known.map(([, checkpoint]) => parseTimeMs(checkpoint) ?? Number.NaN);
  const firstMs = isFirst ? Number.NaN : Math.min(...moments);
  const place = ({ id, parents }: KinesisShard): Placed => {
    const checkpoint = from[id];
    if (checkpoint !== undefined) return { start: startOf(parseCheckpoint(checkpoint, id)) };
    if (!Number.isNaN(firstMs) && !parents.some((parent) => from[parent] !== undefined)) return at(firstMs);
    if (!isFirst || isAll || position.kind === 'beginning') return { start: { type: 'TRIM_HORIZON' } };
    if (landmark?.shard === id)
      return { ...at(landmark.arrivedAtMs), start: { type: 'AT_SEQUENCE_NUMBER', sequenceNumber: landmark.sequenceNumber } };
    if (landmark !== undefined) return at(landmark.arrivedAtMs);
    if (position.kind === 'time') return at(position.atMs);
    return hasApp ? at(endMs) : { start: { type: 'LATEST' } };
  };
  return new Map(listed.map((shard) => [shard.id, place(shard)]));
}

function at(atMs: number): Placed {
  return { start: { type: 'AT_TIMESTAMP', atMs }, atMs };
}

function startOf({ position, readToMs }: Checkpoint): ShardStart {
  if (/^\d+$/.test(position)) return { type: 'CHECKPOINT', sequenceNumber: position, readToMs };
  const atMs = parseTimeMs(position);
  return atMs === undefined ? { type: 'TRIM_HORIZON' } : { type: 'AT_TIMESTAMP', atMs };
}

/** Whether a record lies behind the place up to which is read: that sequence number, or the moment before that time. */
export function isPast(record: KinesisRecord, shard: string, until: Place | undefined, landmark: Landmark | undefined): boolean {
  if (landmark === undefined) return until?.kind === 'time' && record.arrivedAtMs >= until.atMs;
  if (shard === landmark.shard) return BigInt(record.sequenceNumber) > BigInt(landmark.sequenceNumber);
  return record.arrivedAtMs > landmark.arrivedAtMs;
}
