import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AppState } from '../../checkpoints.ts';
import type { Context } from '../../context.ts';
import { Failure } from '../../errors.ts';
import { acquireLock, type Lock } from '../../locks.ts';
import type { Streams } from '../streams.ts';
import { deleteStream, existingStream, type StreamFolder, shardLockPath, shardPlace, streamNames } from './folder.ts';
import { checkpointIn, readersOf } from './retention.ts';
import { basesIn, Segment } from './segment.ts';
import { formatSequence, shardId } from './sequence.ts';
import { ShardReader } from './shard-reader.ts';

/** The others append in milliseconds. */
const lockWaitMs = 10_000;

/** Looks after the streams of the local log; `apps` is what the state store knows. */
export function localStreams(context: Context, apps: () => Promise<readonly AppState[]>): Streams {
  return {
    async list(onFailure) {
      const rowOf = (name: string) => {
        const stream = existingStream(context, name);
        const shards = shardsOf(stream);
        return {
          name: `local:${name}`,
          shards: shards.length,
          records: sum(shards, ({ records }) => records),
          bytes: sum(shards, ({ bytes }) => bytes),
          last_record_at: newest(shards),
        };
      };
      return streamNames(context).flatMap((name) => {
        try {
          return [rowOf(name)];
        } catch (error) {
          onFailure(error);
          return [];
        }
      });
    },

    async describe(name) {
      const stream = existingStream(context, name);
      const { retention_ms, max_bytes, created_at } = stream.settings;
      const shards = shardsOf(stream);
      return {
        name: `local:${name}`,
        folder: stream.path,
        created_at,
        retention_ms,
        max_bytes,
        records: sum(shards, ({ records }) => records),
        bytes: sum(shards, ({ bytes }) => bytes),
        shards,
        apps: readersOf(await apps(), stream).map((app) => ({ app: app.app, ...lagOf(app, stream) })),
      };
    },

    async delete(name) {
      const stream = existingStream(context, name);
      const locks: Lock[] = [];
      try {
        for (let shard = 0; shard < stream.settings.shards; shard++)
          locks.push(await acquireLock(shardLockPath(stream, shard), context.host, { waitMs: lockWaitMs }));
        const ends = Array.from({ length: stream.settings.shards }, (_, shard) =>
          withReader(stream, shard, (reader) => reader.end()),
        );
        await deleteStream(context, stream, ends);
      } finally {
        for (const lock of locks) lock.release();
      }
    },

    close() {},
  };
}

interface ShardSummary {
  id: string;
  /** The sequence numbers of the oldest and the newest record; null where there is none. */
  first: string | null;
  last: string | null;
  records: number;
  bytes: number;
  segments: number;
  first_record_at: string | null;
  last_record_at: string | null;
}

function shardsOf(stream: StreamFolder): ShardSummary[] {
  return Array.from({ length: stream.settings.shards }, (_, shard) => summaryOf(stream, shard));
}

function summaryOf(stream: StreamFolder, shard: number): ShardSummary {
  return withReader(stream, shard, (reader) => {
    const firstAtMs = reader.nextAtMs();
    const first = reader.position;
    const before = reader.recordsBefore;
    const place = shardPlace(stream, shard);
    const last = lastOf(stream, shard);
    return {
      id: shardId(shard),
      first: last === undefined ? null : formatSequence(shard, first),
      last: last === undefined ? null : formatSequence(shard, last.position),
      records: last === undefined ? 0 : last.n - before,
      bytes: bytesIn(place.folder),
      segments: basesIn(place).length,
      first_record_at: firstAtMs === undefined ? null : new Date(firstAtMs).toISOString(),
      last_record_at: last === undefined ? null : new Date(last.at).toISOString(),
    };
  });
}

/** The newest record of a shard: where it begins, when it came, and how many there were with it. */
function lastOf(stream: StreamFolder, shard: number): { position: number; at: number; n: number } | undefined {
  const place = shardPlace(stream, shard);
  for (const base of basesIn(place).reverse()) {
    const segment = Segment.open(place, base);
    try {
      const entry = segment?.tail().entry;
      if (segment === undefined || entry === undefined) continue;
      return { position: segment.lastRecord(), at: entry.at, n: entry.n };
    } finally {
      segment?.close();
    }
  }
  return undefined;
}

function newest(shards: readonly ShardSummary[]): string | null {
  return shards.reduce(
    (newest: string | null, { last_record_at: at }) => (at !== null && at > (newest ?? '') ? at : newest),
    null,
  );
}

function bytesIn(folder: string): number {
  const sizes = readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((total, size) => total + size, 0);
}

/** What an app has yet to commit. */
function lagOf(app: AppState & { running?: boolean }, stream: StreamFolder) {
  const lag = { records: 0, bytes: 0, ms: 0 };
  for (let shard = 0; shard < stream.settings.shards; shard++) {
    const checkpoint = checkpointIn(app, stream, shard);
    const last = lastOf(stream, shard);
    if (last === undefined) continue;
    withReader(stream, shard, (reader) => {
      if (checkpoint !== undefined) seekOr(reader, checkpoint);
      lag.records += last.n - reader.recordsBefore;
      lag.bytes += reader.end() - reader.position;
      const atMs = reader.nextAtMs();
      if (atMs !== undefined) lag.ms = Math.max(lag.ms, Date.now() - atMs);
    });
  }
  return { running: app.running === true, committed_at: app.sources[`local:${stream.name}`]?.committed_at ?? null, lag };
}

/** Where what comes next was dropped, all that is kept is behind. */
function seekOr(reader: ShardReader, checkpoint: number): void {
  try {
    reader.seek(checkpoint);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

function withReader<T>(stream: StreamFolder, shard: number, use: (reader: ShardReader) => T): T {
  const reader = new ShardReader(stream, shard, () => {});
  try {
    return use(reader);
  } finally {
    reader.close();
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
