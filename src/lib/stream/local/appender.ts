import { fdatasync, fstatSync, statSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { Context } from '../../context.ts';
import { codeOf, explain, Failure } from '../../errors.ts';
import { LockFile } from '../../locks.ts';
import { createSegment, type StreamFolder, shardLockPath, shardPlace } from './folder.ts';
import { formatIndexLine, indexLineBytes, isSeal } from './index-lines.ts';
import { basesIn, indexPath, Segment, type ShardPlace } from './segment.ts';
import { afterGap } from './sequence.ts';

const writevAsync = promisify(writev);
const syncAsync = promisify(fdatasync);

/** What may wait for the append that is under way. */
const maxPendingBytes = 8 * 1024 ** 2;
/** The others append in milliseconds; one that was stopped in the midst of it holds the lock until it goes on. */
const lockWaitMs = 30_000;
/** How long what was appended may wait to be synced, where nobody asks for it. */
const syncMs = 100;
/** A segment is sealed by age too, so that retention finds something to drop where little is written. */
const segmentsARetention = 8;

interface Block {
  bytes: Buffer;
  count: number;
}

/** Drops what a shard need not keep. It is called under the shard's lock, when a segment was sealed. */
export type Trim = (place: ShardPlace) => Promise<void>;

/**
 * Appends to one shard, beside any number of other processes. While one append is under way the next one gathers: a trickle is written
 * record by record, a flood in larger pieces. Readers see it then; it is synced before a flush resolves, and ten times a second anyway.
 */
export class ShardAppender {
  readonly #place: ShardPlace;
  readonly #stream: StreamFolder;
  readonly #context: Pick<Context, 'host' | 'say'>;
  readonly #trim: Trim;
  readonly #now: () => number;
  readonly #lock: LockFile;
  #segment: Segment | undefined;
  #inode = 0;
  /** What the segment's index says: its lines, where the shard ends, its records, the time of the last one, where it goes on. */
  #known: { lines: number; end: number; n: number; at: number; next: number | undefined } = { ...newKnown };
  #pending: Block[] = [];
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  /** The segment holds what was not synced yet. */
  #isDirty = false;
  #syncing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(stream: StreamFolder, shard: number, context: Pick<Context, 'host' | 'say'>, trim: Trim, now: () => number) {
    this.#place = shardPlace(stream, shard);
    this.#stream = stream;
    this.#context = context;
    this.#trim = trim;
    this.#now = now;
    this.#lock = new LockFile(shardLockPath(stream, shard), context.host);
  }

  /** Takes whole lines; they are not safe until `flush`. */
  add(bytes: Buffer, count: number): void {
    this.#throwFailure();
    this.#pending.push({ bytes, count });
    this.#pendingBytes += bytes.length;
    this.#running ??= this.#run();
  }

  /** Waits while too much is pending. */
  async room(): Promise<void> {
    while (this.#pendingBytes > maxPendingBytes && this.#running !== undefined) await this.#running;
    this.#throwFailure();
  }

  /** Resolves once everything that was added is on the disk. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    // One that is under way may have begun before the last append.
    await this.#syncing;
    await this.#sync();
    this.#throwFailure();
  }

  /** Waits for what is under way; what is pending beyond it is given up. */
  async close(): Promise<void> {
    this.#pending = [];
    await this.#running;
    clearTimeout(this.#timer);
    await this.#syncing;
    this.#segment?.close();
    this.#segment = undefined;
    this.#lock.close();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Appends what is pending, then what came meanwhile. */
  async #run(): Promise<void> {
    const blocks = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      await this.#append(blocks);
    } catch (error) {
      this.#failure ??= explained(error, this.#place, this.#stream);
    }
    this.#running = this.#failure === undefined && this.#pending.length > 0 ? this.#run() : undefined;
    if (this.#isDirty) this.#timer ??= setTimeout(() => void this.#sync(), syncMs);
  }

  /** Makes what was appended to the segment durable: the blocks first, then the lines that speak of them. */
  #sync(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const segment = this.#segment;
    if (!this.#isDirty || segment === undefined) return Promise.resolve();
    this.#isDirty = false;
    this.#syncing = syncBoth(segment)
      .catch((error) => {
        this.#failure ??= explained(error, this.#place, this.#stream);
      })
      .finally(() => {
        this.#syncing = undefined;
      });
    return this.#syncing;
  }

  async #append(blocks: readonly Block[]): Promise<void> {
    const lock = await this.#lock.acquire(lockWaitMs);
    try {
      const segment = await this.#current();
      const at = Math.max(this.#now(), this.#known.at);
      let { end, n } = this.#known;
      const lines: string[] = [];
      for (const { bytes, count } of blocks) {
        end += bytes.length;
        n += count;
        lines.push(formatIndexLine({ at, end, n, crc: crc32(bytes) }));
      }
      try {
        const pieces = blocks.map(({ bytes }) => bytes);
        await writeAll(segment.data, pieces, this.#known.end - segment.base);
        await this.#extend(segment, lines);
        this.#isDirty = true;
      } catch (error) {
        // Half of it may stand there: nobody reads it, but `cat` would show it.
        segment.cut();
        throw error;
      }
      this.#known = { ...this.#known, end, n, at };
    } finally {
      lock.release();
    }
  }

  /** The segment to append to, with all that others have done meanwhile. Under the shard's lock. */
  async #current(): Promise<Segment> {
    const known = this.#segment;
    let segment = known ?? (await this.#openLast());
    const found = statSync(indexPath(this.#place, segment.base), { throwIfNoEntry: false });
    // Retention drops only what was sealed: anything else that is not there, or another file, is a stream that was deleted.
    if (found?.ino !== this.#inode && !isSeal(segment.lastLine())) throw gone(this.#place, this.#stream);
    if (known === undefined || found?.size !== this.#known.lines * indexLineBytes) this.#learn(segment);
    for (;;) {
      if (this.#known.next !== undefined) segment = await this.#goOn(segment, this.#known.next);
      // What an earlier boot of the machine left is not appended to: its last blocks may have been read, and then lost.
      else if (segment.isOrphan) await this.#seal(segment, afterGap(this.#known.end));
      else if (this.#isFull(segment)) await this.#seal(segment, this.#known.end);
      else break;
    }
    if (fstatSync(segment.data).size !== this.#known.end - segment.base) segment.cut();
    return segment;
  }

  async #openLast(): Promise<Segment> {
    if (this.#segment !== undefined) await this.#leave(this.#segment);
    const base = basesIn(this.#place).at(-1);
    const segment = base === undefined ? undefined : Segment.open(this.#place, base, 'r+');
    if (segment === undefined) throw gone(this.#place, this.#stream);
    this.#take(segment);
    return segment;
  }

  /** Closes a segment that is sealed: whoever sealed it has synced what we had appended too. */
  async #leave(segment: Segment): Promise<void> {
    await this.#syncing;
    this.#isDirty = false;
    this.#segment = undefined;
    segment.close();
  }

  #take(segment: Segment): void {
    this.#segment = segment;
    this.#inode = fstatSync(segment.index).ino;
  }

  /** Reads where the segment stands, and cuts what a killed writer has left behind it. */
  #learn(segment: Segment): void {
    segment.cut();
    const entry = segment.lastEntry();
    const last = segment.lastLine();
    this.#known = {
      lines: segment.countLines(),
      end: entry?.end ?? segment.base,
      n: entry?.n ?? segment.header.n,
      at: entry?.at ?? segment.header.at,
      next: isSeal(last) ? last.next : undefined,
    };
  }

  #isFull(segment: Segment): boolean {
    const { segment_bytes, retention_ms } = this.#stream.settings;
    const { end } = this.#known;
    if (end === segment.base) return false;
    return end - segment.base >= segment_bytes || this.#now() - segment.header.at >= retention_ms / segmentsARetention;
  }

  /** Ends a segment: all of it is on the disk, then its last line says where the shard goes on. */
  async #seal(segment: Segment, next: number): Promise<void> {
    segment.cut();
    await syncBoth(segment);
    await this.#extend(segment, [formatIndexLine({ at: this.#known.at, next })]);
    await syncAsync(segment.index);
    this.#known.next = next;
  }

  /** Opens the segment behind a sealed one; whoever sealed it may not have come to make it. */
  async #goOn(sealed: Segment, next: number): Promise<Segment> {
    const { end: after, n, at } = this.#known;
    let segment = Segment.open(this.#place, next, 'r+');
    const isNew = segment === undefined;
    if (segment === undefined) {
      if (basesIn(this.#place).some((base) => base > next)) return this.#openAgain();
      await createSegment(this.#place, next, { at: Math.max(at, this.#now()), after, n });
      segment = Segment.open(this.#place, next, 'r+');
    }
    if (segment === undefined) throw gone(this.#place, this.#stream);
    await this.#leave(sealed);
    this.#take(segment);
    this.#learn(segment);
    if (isNew) await this.#trim(this.#place);
    return segment;
  }

  /** The others have gone on by more than one segment, and retention has dropped what lies between. */
  async #openAgain(): Promise<Segment> {
    const segment = await this.#openLast();
    this.#learn(segment);
    return segment;
  }

  async #extend(segment: Segment, lines: readonly string[]): Promise<void> {
    await writeAll(segment.index, [Buffer.from(lines.join(''), 'latin1')], this.#known.lines * indexLineBytes);
    this.#known.lines += lines.length;
  }
}

const newKnown = { lines: 0, end: 0, n: 0, at: 0, next: undefined };

async function syncBoth({ data, index }: Segment): Promise<void> {
  await syncAsync(data);
  await syncAsync(index);
}

/** Writes all of it at a place in a file. */
async function writeAll(file: number, pieces: readonly Buffer[], position: number): Promise<void> {
  let at = position;
  for (let rest = pieces; rest.length > 0; ) {
    const { bytesWritten } = await writevAsync(file, rest as Buffer[], at);
    if (bytesWritten === 0) throw new Error('nothing could be written');
    at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

/** The pieces without their first bytes: a write may be short. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = [];
  let skip = bytes;
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return rest;
}

function gone({ folder }: ShardPlace, { name }: StreamFolder): Failure {
  return new Failure('misconfigured', `local:${name} was deleted while it was written (${folder})`, 'run the pipe again');
}

function explained(error: unknown, place: ShardPlace, stream: StreamFolder): unknown {
  if (error instanceof Failure) return error;
  if (codeOf(error) === 'ENOENT') return gone(place, stream);
  const message = `appending to local:${stream.name} (${place.folder}): ${explain(error)}`;
  return codeOf(error) === '' ? error : new Failure('failed', message, 'make room, or put it right, and run the pipe again', error);
}
