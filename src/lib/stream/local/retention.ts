import { rmSync, statSync } from 'node:fs';
import type { AppState } from '../../checkpoints.ts';
import type { StreamFolder } from './folder.ts';
import { isSeal } from './index-lines.ts';
import { basesIn, dataPath, indexPath, Segment, type ShardPlace } from './segment.ts';
import { parseSequence, shardId } from './sequence.ts';

/** The position of an app in a shard of a stream: everything before it is committed; undefined where nothing is yet. */
export function checkpointIn(app: AppState, { name, settings }: StreamFolder, shard: number): number | undefined {
  const checkpoints = app.sources[`local:${name}`]?.checkpoints ?? {};
  const text = checkpoints[settings.shards === 1 ? '' : shardId(shard)];
  return text === undefined ? undefined : parseSequence(text)?.position;
}

/** Those of these apps that have this stream as a source. */
export function readersOf(apps: readonly AppState[], { name }: Pick<StreamFolder, 'name'>): AppState[] {
  return apps.filter(({ sources }) => Object.hasOwn(sources, `local:${name}`));
}

/**
 * Drops sealed segments, the oldest first: those whose last record is older than the stream keeps, unless an app has yet to commit one of
 * theirs; and, whoever still needs them, those that make the shard larger than its part of the limit. Under the shard's lock.
 */
export function trim(place: ShardPlace, stream: StreamFolder, apps: readonly AppState[], nowMs: number): void {
  const { retention_ms, max_bytes, shards } = stream.settings;
  const needed = Math.min(...readersOf(apps, stream).map((app) => checkpointIn(app, stream, place.shard) ?? 0));
  const bases = basesIn(place);
  let bytes = max_bytes === null ? 0 : bases.reduce((sum, base) => sum + statSync(dataPath(place, base)).size, 0);
  const maxBytes = max_bytes === null ? Number.POSITIVE_INFINITY : max_bytes / shards;
  for (const base of bases.slice(0, -1)) {
    const segment = Segment.open(place, base);
    if (segment === undefined) continue;
    const seal = segment.tail().last;
    const end = segment.end;
    segment.close();
    if (!isSeal(seal)) return;
    const isOld = nowMs - seal.at >= retention_ms && needed >= end;
    if (!isOld && bytes <= maxBytes) return;
    bytes -= end - base;
    // Without its index a segment is not there any more.
    rmSync(indexPath(place, base), { force: true });
    rmSync(dataPath(place, base), { force: true });
  }
}
