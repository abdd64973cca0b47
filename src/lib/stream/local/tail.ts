import { fdatasync, fdatasyncSync, fstatSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { Failure } from '../../errors.ts';
import { atOnceBytes, writePieces } from '../../pieces.ts';
import { createSegment, type StreamFolder, shardPlace } from './folder.ts';
import { formatIndexLine, indexLineBytes, isSeal } from './index-lines.ts';
import { basesIn, indexPath, Segment, type ShardPlace } from './segment.ts';
import { afterGap } from './sequence.ts';

const syncAsync = promisify(fdatasync);

/** A segment is sealed by age too, so that retention finds something to drop where little is written. */
const segmentsARetention = 8;

/** Whole lines, `count` of them. */
export interface Block {
  bytes: Buffer;
  count: number;
}

/** What a tail needs of the world. */
export interface TailWorld {
  now: () => number;
  say: (message: string) => void;
  /** Drops what the shard need not keep; called when a segment was sealed. */
  trim: (place: ShardPlace) => Promise<void>;
}

/** The end of a shard, where records are appended. All of it but `sync` and `close` happens under the shard's lock. */
export class ShardTail {
  readonly #place: ShardPlace;
  readonly #stream: StreamFolder;
  readonly #world: TailWorld;
  #segment: Segment | undefined;
  #inode = 0;
  /** What the segment's index says: its lines, where the shard ends, its records, the time of the last one, where it goes on. */
  #known = { lines: 0, end: 0, n: 0, at: 0, next: undefined as number | undefined };
  /** So much was appended, and not synced yet. */
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;

  constructor(stream: StreamFolder, shard: number, world: TailWorld) {
    this.#place = shardPlace(stream, shard);
    this.#stream = stream;
    this.#world = world;
  }

  get folder(): string {
    return this.#place.folder;
  }

  /** The segment holds what was not synced yet. */
  get isDirty(): boolean {
    return this.#unsyncedBytes > 0;
  }

  /** Writes these records behind the last ones; readers see them then, but they are not synced. A failure leaves the shard as it was. */
  async append(blocks: readonly Block[]): Promise<void> {
    const segment = await this.#current();
    const at = Math.max(this.#world.now(), this.#known.at);
    let { end, n } = this.#known;
    const lines: string[] = [];
    for (const { bytes, count } of blocks) {
      end += bytes.length;
      n += count;
      lines.push(formatIndexLine({ at, end, n, crc: crc32(bytes) }));
    }
    try {
      const pieces = blocks.map(({ bytes }) => bytes);
      await writePieces(segment.data, pieces, this.#known.end - segment.base);
      await this.#extend(segment, lines);
    } catch (error) {
      // Half of it may stand there: nobody reads it, but `cat` would show it.
      segment.cut();
      throw error;
    }
    this.#unsyncedBytes += end - this.#known.end;
    this.#known = { ...this.#known, end, n, at };
  }

  /** Makes what was appended so far durable, behind whatever sync is under way. */
  sync(): Promise<void> {
    const syncing = this.#syncAfter(this.#syncing).finally(() => {
      if (this.#syncing === syncing) this.#syncing = undefined;
    });
    this.#syncing = syncing;
    return syncing;
  }

  async #syncAfter(before: Promise<void> | undefined): Promise<void> {
    await before;
    const segment = this.#segment;
    const bytes = this.#unsyncedBytes;
    if (bytes === 0 || segment === undefined) return;
    this.#unsyncedBytes = 0;
    await syncBoth(segment, bytes <= atOnceBytes && this.#stream.settings.shards === 1);
  }

  async close(): Promise<void> {
    await this.#settle();
    this.#segment?.close();
    this.#segment = undefined;
  }

  /** Waits for the syncs under way, whatever they come to: a file must not be closed under them. */
  async #settle(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing.catch(() => {});
  }

  /** The segment to append to, with all that others have done meanwhile. */
  async #current(): Promise<Segment> {
    const known = this.#segment;
    let segment = known ?? this.#openLast();
    const found = statSync(indexPath(this.#place, segment.base), { throwIfNoEntry: false });
    // Retention drops only what was sealed: anything else that is not there, or another file, is a stream that was deleted.
    if (found?.ino !== this.#inode && !isSeal(segment.tail().last)) throw deleted(this.#stream);
    if (known === undefined || found?.size !== this.#known.lines * indexLineBytes) this.#learn(segment);
    for (;;) {
      if (this.#known.next !== undefined) segment = await this.#goOn(segment, this.#known.next);
      // What an earlier boot of the machine left is not appended to: its last blocks may have been read, and then lost.
      else if (segment.isOrphan) await this.#seal(segment, afterGap(this.#known.end));
      else if (this.#isFull(segment)) await this.#seal(segment, this.#known.end);
      else break;
    }
    // A killed writer may have left something.
    if (fstatSync(segment.data).size !== this.#known.end - segment.base) segment.cut();
    return segment;
  }

  #openLast(): Segment {
    const base = basesIn(this.#place).at(-1);
    const segment = base === undefined ? undefined : Segment.open(this.#place, base, 'r+');
    if (segment === undefined) throw deleted(this.#stream);
    this.#take(segment);
    return segment;
  }

  #take(segment: Segment): void {
    this.#segment = segment;
    this.#inode = fstatSync(segment.index).ino;
  }

  /** Reads where the segment stands. What a machine that was stopped has left behind that is cut, and told. */
  #learn(segment: Segment): void {
    const bytes = segment.isOrphan ? segment.cut() : 0;
    if (bytes > 0)
      this.#world.say(`${bytes} bytes at the end of ${this.folder} were not safe when the machine stopped: they are cut`);
    const { lines, last, entry } = segment.tail();
    this.#known = {
      lines,
      end: entry?.end ?? segment.base,
      n: entry?.n ?? segment.header.n,
      at: entry?.at ?? segment.header.at,
      next: isSeal(last) ? last.next : undefined,
    };
  }

  #isFull(segment: Segment): boolean {
    const { segment_bytes, retention_ms } = this.#stream.settings;
    const bytes = this.#known.end - segment.base;
    return bytes >= segment_bytes || (bytes > 0 && this.#world.now() - segment.header.at >= retention_ms / segmentsARetention);
  }

  /** Ends a segment: all of it is on the disk, then its last line says where the shard goes on. */
  async #seal(segment: Segment, next: number): Promise<void> {
    segment.cut();
    await syncBoth(segment);
    await this.#extend(segment, [formatIndexLine({ at: this.#known.at, next })]);
    await syncAsync(segment.index);
    this.#known.next = next;
  }

  /** Opens the segment behind a sealed one, and makes it where whoever sealed that one has not come to it. */
  async #goOn(sealed: Segment, next: number): Promise<Segment> {
    const { end: after, n, at } = this.#known;
    let isNew = false;
    if (!basesIn(this.#place).some((base) => base >= next)) {
      await createSegment(this.#place, next, { at: Math.max(at, this.#world.now()), after, n });
      isNew = true;
    }
    // Whoever sealed it has synced what we had appended to it.
    await this.#settle();
    this.#unsyncedBytes = 0;
    sealed.close();
    const segment = this.#openLast();
    this.#learn(segment);
    if (isNew) await this.#world.trim(this.#place);
    return segment;
  }

  async #extend(segment: Segment, lines: readonly string[]): Promise<void> {
    await writePieces(segment.index, [Buffer.from(lines.join(''), 'latin1')], this.#known.lines * indexLineBytes);
    this.#known.lines += lines.length;
  }
}

/** In whatever order they reach the disk: after a restart of the machine a line whose block is not there is seen by its crc. */
async function syncBoth({ data, index }: Segment, isLittle = false): Promise<void> {
  // Little is soon there, and with one shard the thread has nothing else to do meanwhile: it syncs one of the two itself.
  const synced = await Promise.allSettled([syncAsync(data), isLittle ? syncHere(index) : syncAsync(index)]);
  // Not before both have ended: a file must not be closed under one.
  for (const one of synced) if (one.status === 'rejected') throw one.reason;
}

async function syncHere(file: number): Promise<void> {
  fdatasyncSync(file);
}

/** The stream was deleted while it was open. */
export function deleted({ name }: StreamFolder): Failure {
  return new Failure('misconfigured', `local:${name} was deleted while it was written`, 'run the pipe again');
}
