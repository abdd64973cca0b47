import type { KinesisShard } from '../../aws/kinesis.ts';
import { retryAws } from '../../aws/pace.ts';
import { Failure } from '../../errors.ts';
import { parseCheckpoint, shardEnd } from './checkpoint.ts';
import type { ReaderWorld } from './shard-reader.ts';

/** A stream keeps its records for a day at least: what is younger is there, without asking. Source: the API reference of Kinesis, IncreaseStreamRetentionPeriod. */
const leastRetentionMs = 24 * 3_600_000;
/** The list of shards may be a little late: a shard that has just been closed is looked for again before anything is made of it. */
const relists = 3;

/** Whether records that arrived at this time may be gone. Asks the stream for its retention where that decides it. */
export async function isPastRetention(atMs: number, world: ReaderWorld): Promise<boolean> {
  const ageMs = world.now() - atMs;
  if (ageMs < leastRetentionMs) return false;
  const { retentionHours } = await retryAws(world, () => world.kinesis.summary(world.stream));
  return ageMs >= retentionHours * 3_600_000;
}

/**
 * Refuses (65) checkpoints behind which records may be past retention: a shard that has been read up to a time that is too old, and one that is no
 * longer there though it was not read to its end. A sequence number without a time is proven by its record, when the shard is read. Refuses
 * those of another stream of the same name, too: a shard that was read to its end is open there.
 */
export async function checkRetention(
  from: Readonly<Record<string, string>>,
  first: readonly KinesisShard[],
  world: ReaderWorld,
  list: () => Promise<readonly KinesisShard[]>,
): Promise<void> {
  const checkpoints = Object.entries(from).map(([shard, text]) => ({ shard, text, ...parseCheckpoint(text, shard) }));
  const shardless = checkpoints.find(({ shard, position }) => shard === '' && position !== shardEnd);
  if (shardless !== undefined) throw withoutShard(world, shardless.text);
  const reopened = (shards: readonly KinesisShard[]) =>
    shards.find(({ id, isClosed }) => !isClosed && checkpoints.some((one) => one.shard === id && one.position === shardEnd));
  let listed = first;
  for (let i = 0; i < relists && reopened(listed) !== undefined; i++) {
    await world.tuning.sleep(world.tuning.pollMs, world.signal);
    listed = await list();
  }
  const open = reopened(listed);
  if (open !== undefined) throw madeAgain(world, open.id);

  const lost: Lost[] = [];
  for (const { shard, text, position, readToMs } of checkpoints) {
    if (position === shardEnd) continue;
    const isThere = listed.some(({ id }) => id === shard);
    const isOld = isThere && readToMs !== undefined && (await isPastRetention(readToMs, world));
    if (!isThere || isOld) lost.push({ shard, checkpoint: text, goOn: isThere ? 'beginning' : shardEnd });
  }
  if (lost.length > 0) throw trimmed(world, lost);
}

/** A shard of which records behind its checkpoint may be past retention, and the position that goes on without them. */
export interface Lost {
  shard: string;
  checkpoint: string;
  goOn: string;
}

/** The failure (65) of shards that were read too late. */
export function trimmed({ app, stream }: Pick<ReaderWorld, 'app' | 'stream'>, [first, ...others]: readonly Lost[]): Failure {
  const { shard, checkpoint, goOn } = first as Lost;
  const more = others.length === 0 ? '' : `, and so for ${others.map((one) => `${one.shard} (${one.goOn})`).join(', ')}`;
  return new Failure(
    'badData',
    `kinesis:${stream}: ${shard} is past retention at the checkpoint ${checkpoint}: what came behind it may be gone unread${others.length === 0 ? '' : `; so are ${others.length} other shards`}`,
    `go on without it: buda state set ${app} ${goOn} --source kinesis:${stream} --shard ${shard}${more}; where the app loads a table, by a new --app. A stream has to keep records for longer than the app is away: aws kinesis increase-stream-retention-period`,
  );
}

function madeAgain({ app, stream }: ReaderWorld, shard: string): Failure {
  return new Failure(
    'badData',
    `kinesis:${stream} is another stream of that name: ${shard} was read to its end, and is open`,
    `read it from its beginning: by a new --app, or after buda state remove ${app}`,
  );
}

/** Somebody set a checkpoint of the stream, and said no shard. */
function withoutShard({ app, stream }: ReaderWorld, checkpoint: string): Failure {
  return new Failure(
    'badData',
    `kinesis:${stream}: the checkpoint ${checkpoint} belongs to no shard`,
    `set it again with --shard, and this one to nothing: buda state set ${app} ${shardEnd} --source kinesis:${stream}`,
  );
}
