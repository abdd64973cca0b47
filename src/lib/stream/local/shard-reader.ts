import { statSync } from 'node:fs';
import { Failure } from '../../errors.ts';
import { type StreamFolder, shardPlace } from './folder.ts';
import { type Entry, type IndexLine, isEntry, isSeal } from './index-lines.ts';
import { basesIn, indexPath, Segment, type ShardPlace } from './segment.ts';
import { formatSequence } from './sequence.ts';

/** How much is handed on as one piece, where it does not come in larger blocks: more takes as long, and waits for the collector. */
const pieceBytes = 64 * 1024;
const linesARead = 256;
const newline = 0x0a;

/** Records that stand together: whole lines, and the position behind them. */
export interface Piece {
  bytes: Buffer;
  count: number;
  to: number;
  /** When the last of them arrived. */
  atMs: number;
}

/** Where a piece has to end at the latest. */
export interface Bounds {
  maxRecords: number;
  /** The record that reaches this is the last one. */
  maxBytes: number;
  /** Records that arrived at this time or later are left. */
  beforeMs: number;
  /** Records that begin here or behind are left. */
  end: number;
}

/** Reads one shard from a position on, through all its segments, as far as it is acknowledged. */
export class ShardReader {
  readonly place: ShardPlace;
  readonly #stream: StreamFolder;
  readonly #say: (message: string) => void;
  #segment: Segment;
  #position: number;
  /** Records of the shard before the position. */
  #n: number;
  /** Lines of the index that were read and not used up; the number of the next one to read. */
  #lines: IndexLine[] = [];
  #next = 1;

  /** Begins at the oldest record that is kept. */
  constructor(stream: StreamFolder, shard: number, say: (message: string) => void) {
    this.place = shardPlace(stream, shard);
    this.#stream = stream;
    this.#say = say;
    this.#segment = this.#openAt(0);
    this.#position = this.#segment.base;
    this.#n = this.#segment.header.n;
  }

  get position(): number {
    return this.#position;
  }

  /** Records of the shard before the position, those that were dropped included. */
  get recordsBefore(): number {
    return this.#n;
  }

  /** What changes when there is more: the segment's index, or the folder where the next segment is still to come. */
  get watched(): string {
    return isSeal(this.#lines[0]) ? this.place.folder : this.#index;
  }

  get #index(): string {
    return indexPath(this.place, this.#segment.base);
  }

  /** Goes to a position at which a record begins, or to the end. What was dropped, or never was, is a Failure (65). */
  seek(position: number): void {
    this.#enter(this.#openAt(position));
    const { base, header } = this.#segment;
    if (position < header.after && position < base) throw this.#trimmed(position, base);
    if (position <= base) return;
    const end = this.#segment.end;
    if (position > end) return this.#seekBehind(position, end);
    const number = this.#segment.find((entry) => entry.end > position);
    const before = number > 1 ? this.#segment.readLines(number - 1, 1)[0] : undefined;
    const start = isEntry(before) ? before.end : base;
    this.#n = isEntry(before) ? before.n : header.n;
    if (position > start) {
      const skipped = this.#segment.read(start, position);
      if (skipped.at(-1) !== newline) throw this.#noRecord(position);
      this.#n += countLines(skipped);
    }
    this.#next = number;
    this.#position = position;
  }

  /** A position behind the end of a segment: in the gap that a restart of the machine left, or one that never was. */
  #seekBehind(position: number, end: number): void {
    const isSealed = isSeal(this.#segment.tail().last);
    if (!isSealed && !this.#segment.isOrphan) throw this.#noRecord(position);
    this.#say(
      `what was read up to ${this.#name(position)} was lost behind ${this.#name(end)} when the machine stopped; going on`,
    );
    this.#next = this.#segment.countLines() - (isSealed ? 1 : 0);
    this.#position = end;
    const entry = this.#segment.tail().entry;
    if (entry !== undefined) this.#n = entry.n;
  }

  /** Goes to the first record that arrived at this time or later. */
  seekTime(atMs: number): void {
    const bases = basesIn(this.place);
    let low = 0;
    let high = bases.length - 1;
    // The first segment of which the last record is that late.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = Segment.open(this.place, bases[middle] as number);
      const lastAt = segment?.tail().entry?.at ?? 0;
      segment?.close();
      if (lastAt >= atMs) high = middle;
      else low = middle + 1;
    }
    this.#enter(this.#openAt(bases[low] ?? 0));
    const number = this.#segment.find((entry) => entry.at >= atMs);
    const before = number > 1 ? this.#segment.readLines(number - 1, 1)[0] : undefined;
    this.seek(isEntry(before) ? before.end : this.#segment.base);
  }

  /** Goes behind the last record. */
  seekEnd(): void {
    this.seek(this.end());
  }

  /** The position behind the last record that there is now. */
  end(): number {
    const base = basesIn(this.place).at(-1) ?? 0;
    const segment = Segment.open(this.place, base);
    try {
      return segment?.end ?? base;
    } finally {
      segment?.close();
    }
  }

  /** When the next record arrived; undefined at the tip. */
  nextAtMs(): number | undefined {
    return this.#entry()?.at;
  }

  /** The next records; undefined where there are none within the bounds. */
  take({ maxRecords, maxBytes, beforeMs, end }: Bounds): Piece | undefined {
    // Looking for the next block may open the next segment.
    if (this.#entry() === undefined) return undefined;
    const from = this.#position;
    const segment = this.#segment;
    let to = from;
    let count = 0;
    let atMs = 0;
    for (let entry = this.#lines[0]; isEntry(entry); entry = this.#lines[0]) {
      if (entry.at >= beforeMs || to >= end || count >= maxRecords || to - from >= maxBytes) break;
      const records = entry.n - this.#n;
      const isWhole = count + records <= maxRecords && entry.end - from <= maxBytes && entry.end <= end;
      if (count > 0 && (!isWhole || entry.end - from > pieceBytes)) break;
      if (!isWhole && records > 1) return this.#takePart(from, entry, { maxRecords, maxBytes, beforeMs, end });
      to = entry.end;
      atMs = entry.at;
      count += records;
      this.#n = entry.n;
      this.#position = to;
      this.#lines.shift();
    }
    return count === 0 ? undefined : { bytes: segment.read(from, to), count, to, atMs };
  }

  /** The first records of a block. */
  #takePart(from: number, entry: Entry, { maxRecords, maxBytes, end }: Bounds): Piece {
    const block = this.#segment.read(from, entry.end);
    let at = 0;
    let count = 0;
    while (count < maxRecords && at < maxBytes && from + at < end && at < block.length) {
      at = block.indexOf(newline, at) + 1;
      count++;
    }
    if (at === block.length) this.#lines.shift();
    this.#n += count;
    this.#position = from + at;
    return { bytes: block.subarray(0, at), count, to: this.#position, atMs: entry.at };
  }

  /** Whether the segment at the tip is still there: it is not once the stream was deleted. */
  checkIsThere(): void {
    if (statSync(this.#index, { throwIfNoEntry: false }) !== undefined || isSeal(this.#segment.tail().last)) return;
    throw new Failure('misconfigured', `local:${this.#stream.name} was deleted while it was read`, 'see: buda stream list');
  }

  close(): void {
    this.#segment.close();
  }

  /** The block that holds the next record. */
  #entry(): Entry | undefined {
    for (;;) {
      const line = this.#lines[0];
      if (isEntry(line)) return line;
      if (isSeal(line)) {
        const segment = this.#openNext(line.next);
        if (segment === undefined) return undefined;
        this.#enter(segment);
        continue;
      }
      this.#lines = this.#segment.readLines(this.#next, linesARead);
      this.#next += this.#lines.length;
      if (this.#lines.length === 0) return undefined;
    }
  }

  #enter(segment: Segment): void {
    if (this.#segment !== segment) this.#segment.close();
    this.#segment = segment;
    this.#position = segment.base;
    this.#n = segment.header.n;
    this.#lines = [];
    this.#next = 1;
  }

  /** The segment in which a position lies, or the oldest one. */
  #openAt(position: number): Segment {
    // Retention may drop one between its listing and its opening.
    for (let tries = 0; tries < 10; tries++) {
      const bases = basesIn(this.place);
      const base = bases.findLast((one) => one <= position) ?? bases[0];
      const segment = base === undefined ? undefined : Segment.open(this.place, base);
      if (segment !== undefined) return segment;
    }
    throw new Failure('misconfigured', `there is no shard ${this.place.folder}`, 'see: buda stream list');
  }

  /** The segment behind a sealed one; undefined until somebody has made it. */
  #openNext(next: number): Segment | undefined {
    const segment = Segment.open(this.place, next);
    if (segment !== undefined) return segment;
    const later = basesIn(this.place).find((base) => base > next);
    if (later !== undefined) throw this.#trimmed(this.#position, later);
    return undefined;
  }

  #name(position: number): string {
    return formatSequence(this.place.shard, position);
  }

  #trimmed(from: number, to: number): Failure {
    return new Failure(
      'badData',
      `local:${this.#stream.name}: the records from ${this.#name(from)} up to ${this.#name(to)} are past retention`,
      `go on without them: an app by buda state set APP ${this.#name(to)} --source local:${this.#stream.name}, else by --position`,
    );
  }

  #noRecord(position: number): Failure {
    return new Failure(
      'badData',
      `local:${this.#stream.name}: no record begins at ${this.#name(position)}`,
      'give a time, beginning or end; an app is put right by buda state set',
    );
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}
