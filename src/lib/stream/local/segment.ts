import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf, Failure } from '../../errors.ts';
import { isThisBoot } from '../../identity.ts';
import { type Entry, type Header, type IndexLine, indexLineBytes, isEntry, isSeal, parseIndexLine } from './index-lines.ts';
import { formatSequence, parseSequence } from './sequence.ts';

const newline = 0x0a;

/** Where a shard is kept. */
export interface ShardPlace {
  /** The shard's folder: `<base>.ndjson` and `<base>.index` for each segment. */
  folder: string;
  shard: number;
  /** The boot that the machine is in. */
  boot: string;
}

/** The bases of a shard's segments, in order. A segment is there once its index is. */
export function basesIn({ folder }: ShardPlace): number[] {
  const bases: number[] = [];
  for (const name of readdirSync(folder)) {
    const base = name.endsWith('.index') ? parseSequence(name.slice(0, -'.index'.length)) : undefined;
    if (base !== undefined) bases.push(base.position);
  }
  return bases.sort((a, b) => a - b);
}

/** The file with the records of the segment that begins at `base`. */
export function dataPath({ folder, shard }: ShardPlace, base: number): string {
  return join(folder, `${formatSequence(shard, base)}.ndjson`);
}

/** The file with the index of the segment that begins at `base`. */
export function indexPath({ folder, shard }: ShardPlace, base: number): string {
  return join(folder, `${formatSequence(shard, base)}.index`);
}

/** One segment, open. What its index does not cover is not there. */
export class Segment {
  readonly base: number;
  readonly header: Header;
  readonly place: ShardPlace;
  /** The descriptors, for the one who appends. */
  readonly index: number;
  readonly data: number;
  /** Lines of the index that held after a restart of the machine; what stands behind them was not safe, until a seal says otherwise. */
  #trusted: number | undefined;

  private constructor(place: ShardPlace, base: number, index: number, data: number, header: Header) {
    this.place = place;
    this.base = base;
    this.index = index;
    this.data = data;
    this.header = header;
  }

  /** Undefined where there is no such segment (any more). */
  static open(place: ShardPlace, base: number, mode: 'r' | 'r+' = 'r'): Segment | undefined {
    let index: number | undefined;
    try {
      index = openSync(indexPath(place, base), mode);
      const [header] = readLines(index, 0, 1);
      if (header === undefined || !('buda' in header)) throw damaged(indexPath(place, base), 'has no header');
      const segment = new Segment(place, base, index, openSync(dataPath(place, base), mode), header);
      // What another boot wrote may be anything, up to a seal.
      if (!isThisBoot(header.boot, place.boot)) {
        const [last] = readLines(index, segment.countLines() - 1, 1);
        if (!isSeal(last)) segment.#trusted = segment.#checkTail();
      }
      return segment;
    } catch (error) {
      if (index !== undefined) closeSync(index);
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whether another boot wrote it and nobody has sealed it: then its tail was checked, and it must not be appended to. */
  get isOrphan(): boolean {
    return this.#trusted !== undefined;
  }

  /** Whole lines of the index, the header included. */
  countLines(): number {
    const count = Math.floor(fstatSync(this.index).size / indexLineBytes);
    if (this.#trusted === undefined || count <= this.#trusted) return Math.min(count, this.#trusted ?? count);
    const [line] = readLines(this.index, this.#trusted, 1);
    if (!isSeal(line)) return this.#trusted;
    this.#trusted = undefined;
    return count;
  }

  /** Up to `count` lines of the index from number `from` on. One that is none was damaged: no crash of a writer leaves such a one. A Failure (65). */
  readLines(from: number, count: number): IndexLine[] {
    return this.#read(from, Math.min(count, this.countLines() - from));
  }

  #read(from: number, count: number): IndexLine[] {
    return readLines(this.index, from, count, (number) => {
      throw damaged(indexPath(this.place, this.base), `is damaged in line ${number + 1}`);
    });
  }

  /** Where it ends: how many lines its index has, the last of them, and the last block; undefined where there is none yet. */
  tail(): { lines: number; last: IndexLine | undefined; entry: Entry | undefined } {
    const lines = this.countLines();
    // Only a seal stands behind the last block.
    const from = Math.max(0, lines - 2);
    const read = this.#read(from, lines - from);
    return { lines, last: read.at(-1), entry: read.findLast(isEntry) };
  }

  /** The position behind its last record. */
  get end(): number {
    return this.tail().entry?.end ?? this.base;
  }

  /** The number of the first line behind the header for which this holds; it must hold for all that follow. The seal counts as such a one. */
  find(holds: (entry: Entry) => boolean): number {
    let low = 1;
    let high = this.countLines();
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [line] = this.readLines(middle, 1);
      if (isEntry(line) && !holds(line)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The bytes between two positions. */
  read(from: number, to: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(to - from);
    for (let filled = 0; filled < bytes.length; ) {
      const read = readSync(this.data, bytes, filled, bytes.length - filled, from - this.base + filled);
      if (read === 0) throw damaged(dataPath(this.place, this.base), 'is shorter than its index says');
      filled += read;
    }
    return bytes;
  }

  /** Where its last record begins; there must be one. */
  lastRecord(): number {
    const number = this.find(() => false) - 1;
    const end = this.end;
    const before = number > 1 ? this.readLines(number - 1, 1)[0] : undefined;
    const start = isEntry(before) ? before.end : this.base;
    const block = this.read(start, end);
    return start + block.subarray(0, -1).lastIndexOf(newline) + 1;
  }

  /** Cuts whatever lies behind the last whole line of the index, and behind what it covers: so many bytes of data. Only under the shard's lock. */
  cut(): number {
    const indexBytes = this.countLines() * indexLineBytes;
    if (fstatSync(this.index).size > indexBytes) ftruncateSync(this.index, indexBytes);
    const dataBytes = this.end - this.base;
    const { size } = fstatSync(this.data);
    if (size < dataBytes) throw damaged(dataPath(this.place, this.base), 'is shorter than its index says');
    if (size > dataBytes) ftruncateSync(this.data, dataBytes);
    return size - dataBytes;
  }

  close(): void {
    closeSync(this.index);
    closeSync(this.data);
  }

  /**
   * How many lines of the index hold: each is whole, and its block is on the disk as it was written. All of the segment is looked at: the
   * one before was synced when it was sealed, and within one nothing that was acknowledged stands behind what was not synced.
   */
  #checkTail(): number {
    const count = Math.floor(fstatSync(this.index).size / indexLineBytes);
    const dataEnd = this.base + fstatSync(this.data).size;
    let end = this.base;
    for (let number = 1; number < count; number++) {
      const [entry] = readLines(this.index, number, 1);
      if (!isEntry(entry) || entry.end <= end || entry.end > dataEnd) return number;
      if (crc32(this.read(end, entry.end)) !== entry.crc) return number;
      end = entry.end;
    }
    return count;
  }
}

/** The lines that are whole; it ends at the first that is not, and tells its number. */
function readLines(index: number, from: number, count: number, broken: (number: number) => void = () => {}): IndexLine[] {
  if (count <= 0) return [];
  const bytes = Buffer.allocUnsafe(count * indexLineBytes);
  const read = readSync(index, bytes, 0, bytes.length, from * indexLineBytes);
  const lines: IndexLine[] = [];
  for (let at = 0; at + indexLineBytes <= read; at += indexLineBytes) {
    const line = parseIndexLine(bytes.toString('latin1', at, at + indexLineBytes));
    if (line === undefined) {
      broken(from + lines.length);
      break;
    }
    lines.push(line);
  }
  return lines;
}

function damaged(path: string, what: string): Failure {
  return new Failure('badData', `${path} ${what}`, 'put it back from a copy, or delete the stream: buda stream delete NAME');
}
