import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { makeFolderDurably, syncFolder, writeDurably } from '../../durable.ts';
import { codeOf, Failure } from '../../errors.ts';
import { identityOf } from '../../identity.ts';
import { formatIndexLine, type Header } from './index-lines.ts';
import { dataPath, indexPath, type ShardPlace } from './segment.ts';
import { afterGap, shardId } from './sequence.ts';

/** What a stream was made with, and how long it keeps what it holds: `stream.json` in its folder. */
export interface Settings {
  buda: 1;
  shards: number;
  retention_ms: number;
  /** null: no limit. */
  max_bytes: number | null;
  /** A segment that holds so much is sealed, and the next one begins. */
  segment_bytes: number;
  created_at: string;
}

/** A stream of the local log: `$BUDA_HOME/streams/NAME`, in which each shard has a folder of segments and a lock. */
export interface StreamFolder {
  name: string;
  path: string;
  settings: Settings;
  boot: string;
}

/** What a stream is made with where nothing else is said; null is no limit. */
export const defaults = { shards: 1, retention_ms: 86_400_000, max_bytes: null, segment_bytes: 64 * 1024 ** 2 };

const settingsFile = 'stream.json';
/** Making a stream takes milliseconds. */
const leftoverMs = 60_000;

function streamsPath({ home }: Pick<Context, 'home'>): string {
  return join(home, 'streams');
}

/** Undefined where there is no such stream. */
export function openStream(context: Pick<Context, 'home' | 'host'>, name: string): StreamFolder | undefined {
  const path = join(streamsPath(context), name);
  let text: string;
  try {
    text = readFileSync(join(path, settingsFile), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  return { name, path, settings: parseSettings(text, join(path, settingsFile)), boot: identityOf(context.host).boot };
}

/** As `openStream`; a Failure (78) where there is none. */
export function existingStream(context: Pick<Context, 'home' | 'host'>, name: string): StreamFolder {
  const stream = openStream(context, name);
  if (stream !== undefined) return stream;
  throw new Failure(
    'misconfigured',
    `there is no stream local:${name} in ${streamsPath(context)}`,
    'put-stream makes it; see: buda stream list',
  );
}

function parseSettings(text: string, path: string): Settings {
  let settings: Partial<Settings> = {};
  try {
    settings = JSON.parse(text) as Partial<Settings>;
  } catch {}
  const { buda, shards, retention_ms, max_bytes, segment_bytes } = settings;
  const isGood = [shards, retention_ms, segment_bytes, max_bytes ?? 1].every((value) => Number.isSafeInteger(value));
  if (buda === 1 && isGood) return settings as Settings;
  throw new Failure('badData', `${path} is damaged, or of a later version of buda`, 'put a good copy in its place');
}

/** The names of all streams, in order. */
export function streamNames(context: Pick<Context, 'home' | 'host'>): string[] {
  try {
    const folder = streamsPath(context);
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.') && existsSync(join(folder, name, settingsFile)))
      .sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Makes a stream, whole or not at all; one that another process has made meanwhile is taken instead. */
export async function createStream(
  context: Pick<Context, 'home' | 'host'>,
  name: string,
  settings: Omit<Settings, 'buda' | 'created_at'>,
  now: Date,
): Promise<StreamFolder> {
  const all = streamsPath(context);
  await makeFolderDurably(all);
  const temporary = join(all, `.${name}.${randomBytes(6).toString('hex')}.new`);
  removeLeftovers(all, name, now);
  const { boot } = identityOf(context.host);
  const starts = startsOf(context, name);
  try {
    mkdirSync(temporary, { mode: 0o700 });
    for (let shard = 0; shard < settings.shards; shard++) {
      const place = { folder: join(temporary, shardId(shard)), shard, boot };
      mkdirSync(place.folder, { mode: 0o700 });
      await createSegment(place, starts.base, { at: now.getTime(), after: starts.ends[shard] ?? starts.base, n: 0 });
    }
    const text = `${JSON.stringify({ buda: 1, ...settings, created_at: now.toISOString() }, null, 2)}\n`;
    await writeDurably(join(temporary, settingsFile), text);
    renameSync(temporary, join(all, name));
    await syncFolder(all);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw error;
  }
  return existingStream(context, name);
}

/** Removes what killed processes had begun to make. */
function removeLeftovers(all: string, name: string, now: Date): void {
  for (const leftover of readdirSync(all)) {
    if (!leftover.startsWith(`.${name}.`) || !leftover.endsWith('.new')) continue;
    const path = join(all, leftover);
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (now.getTime() - madeMs > leftoverMs) rmSync(path, { recursive: true, force: true });
  }
}

/** Changes what may be changed later. */
export async function changeSettings(
  stream: StreamFolder,
  change: Partial<Pick<Settings, 'retention_ms' | 'max_bytes'>>,
): Promise<StreamFolder> {
  const settings = { ...stream.settings, ...change };
  await writeDurably(join(stream.path, settingsFile), `${JSON.stringify(settings, null, 2)}\n`);
  return { ...stream, settings };
}

/** Makes an empty segment, durable. */
export async function createSegment(place: ShardPlace, base: number, header: Omit<Header, 'buda' | 'boot'>): Promise<void> {
  writeFileSync(dataPath(place, base), '', { mode: 0o600 });
  // The name of the index is made durable last: with it the segment is there.
  await writeDurably(indexPath(place, base), formatIndexLine({ buda: 1, ...header, boot: place.boot }));
}

/** Where the segments of a shard lie, by the shard's number; whether they are there is not asked. */
export function shardPlace({ path, boot }: StreamFolder, shard: number): ShardPlace {
  return { folder: join(path, shardId(shard)), shard, boot };
}

/** The lock of a shard: whoever appends to it or deletes it holds this. */
export function shardLockPath({ path }: StreamFolder, shard: number): string {
  return join(path, `${shardId(shard)}.lock`);
}

/** Where the numbers of a deleted stream ended: one of the same name goes on behind them, so that a checkpoint never means two things. */
interface Starts {
  /** Where each shard of the next one begins. */
  base: number;
  /** Where the shards of the last one ended. */
  ends: readonly number[];
}

function startsPath(context: Pick<Context, 'home'>, name: string): string {
  return join(streamsPath(context), '.deleted', `${name}.json`);
}

function startsOf(context: Pick<Context, 'home'>, name: string): Starts {
  try {
    return JSON.parse(readFileSync(startsPath(context, name), 'utf8')) as Starts;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { base: 0, ends: [] };
    throw error;
  }
}

/** Deletes a stream of which the shards end there; their locks are held. */
export async function deleteStream(context: Pick<Context, 'home'>, stream: StreamFolder, ends: readonly number[]): Promise<void> {
  const path = startsPath(context, stream.name);
  const base = afterGap(Math.max(startsOf(context, stream.name).base, ...ends));
  await makeFolderDurably(dirname(path));
  await writeDurably(path, `${JSON.stringify({ base, ends } satisfies Starts)}\n`);
  const aside = join(streamsPath(context), `.${stream.name}.${randomBytes(6).toString('hex')}.deleted`);
  renameSync(stream.path, aside);
  await syncFolder(streamsPath(context));
  rmSync(aside, { recursive: true, force: true });
}
