import type { KinesisShard } from '../../aws/kinesis.ts';
import { Failure } from '../../errors.ts';
import { parseCheckpoint, shardEnd } from './checkpoint.ts';
import type { ReaderWorld } from './shard-reader.ts';
import { retryAws } from './tuning.ts';

/** A stream keeps its records for a day at least: what is younger is there, without asking. Source: the API reference of Kinesis, IncreaseStreamRetentionPeriod. */
const leastRetentionMs = 24 * 3_600_000;

/** Whether records that arrived at this time may be gone. Asks the stream for its retention where that decides it. */
export async function isPastRetention(atMs: number, nowMs: number, world: ReaderWorld): Promise<boolean> {
  if (nowMs - atMs < leastRetentionMs) return false;
  const { retentionHours } = await retryAws(world, () => world.kinesis.summary(world.stream));
  return nowMs - atMs >= retentionHours * 3_600_000;
}

/**
 * Refuses (65) checkpoints behind which records may be past retention: a shard that has been read up to a time that is too old, and one that is no
 * longer there though it was not read to its end. A sequence number without a time is proven by its record, when the shard is read.
 */
export async function checkRetention(
  from: Readonly<Record<string, string>>,
  listed: readonly KinesisShard[],
  world: ReaderWorld,
  nowMs: number,
): Promise<void> {
  for (const [shard, checkpoint] of Object.entries(from)) {
    const { position, readToMs } = parseCheckpoint(checkpoint, shard);
    if (position === shardEnd) continue;
    if (shard === '') throw shardless(world.stream, checkpoint);
    if (!listed.some(({ id }) => id === shard)) throw world.trimmed(shard, checkpoint, shardEnd);
    if (readToMs !== undefined && (await isPastRetention(readToMs, nowMs, world)))
      throw world.trimmed(shard, checkpoint, 'beginning');
  }
}

/** Somebody set a checkpoint of the stream, and said no shard. */
function shardless(stream: string, checkpoint: string): Failure {
  return new Failure(
    'badData',
    `kinesis:${stream}: the checkpoint ${checkpoint} belongs to no shard`,
    `set it again with --shard, and this one to nothing: buda state set APP ${shardEnd} --source kinesis:${stream}`,
  );
}

/** The failure of a shard of which records behind the checkpoint may be past retention; `remedy` is the position that goes on without them. */
export function trimmed(app: string, stream: string, shard: string, checkpoint: string, remedy: string): Failure {
  return new Failure(
    'badData',
    `kinesis:${stream}: ${shard} is past retention at the checkpoint ${checkpoint}: what came behind it may be gone unread`,
    `go on without it: buda state set ${app} ${remedy} --source kinesis:${stream} --shard ${shard}; where the app loads a table, by a new --app`,
  );
}
