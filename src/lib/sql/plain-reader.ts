import { BadLine, Batch } from '../lines.ts';
import { Fields } from './fields.ts';
import { isOwnScalar, judge, ownText } from './judge.ts';
import type { Plain, Test, Value } from './plain.ts';
import { hasHalfSurrogate } from './values.ts';

/** A record that cannot be read, by its place in the table. */
export interface Bad {
  batch: Batch;
  index: number;
  reason: string;
}

const blockBytes = 256 * 1024;
const nullBytes = Buffer.from('null');

/** Answers a plain query record by record. */
export class PlainReader {
  /** What the records so far come to. */
  batches: Batch[] = [];
  bad: Bad[] = [];
  readonly met = new Set<string>();
  readonly names: readonly string[];
  readonly #plain: Plain;
  readonly #fields: Fields;
  readonly #tests: { place: number; test: Test }[];
  readonly #outputs: { place: number; as: Value['as']; before: Buffer }[];
  /** The fields that something is wanted of inside. */
  readonly #parents: number[];
  /** What stands round the values of a record in the answer. */
  readonly #frameBytes: number;
  /** The fields, by place, that no record had so far. */
  #unmet: number[];
  #block = Buffer.allocUnsafe(blockBytes);
  #start = 0;
  #filled = 0;
  #count = 0;
  /** Records that follow one another and are wanted as they are, still to be copied: where they begin (-1: none) and end, and how many they are. */
  #run = { start: -1, end: -1, count: 0 };
  /** The first backslash at or behind the record at hand. */
  #escapeAt = -1;

  constructor(plain: Plain) {
    this.#plain = plain;
    const isNested = ({ as }: Value) => as !== 'written';
    // In the order in which DuckDB asks for them.
    const values: readonly Value[] = [...plain.tests, ...plain.outputs.filter(isNested), ...plain.outputs];
    this.names = [...new Set(values.map(({ field }) => field))];
    const paths = [...new Set(values.filter(isNested).map(({ path }) => path))];
    const places = [...this.names, ...paths];
    this.#fields = new Fields(this.names, paths);
    this.#parents = [...new Set(values.filter(isNested).map(({ field }) => places.indexOf(field)))];
    this.#tests = plain.tests.map((test) => ({ place: places.indexOf(test.path), test }));
    this.#outputs = plain.outputs.map(({ path, as, name }, i) => ({
      place: places.indexOf(path),
      as,
      before: Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    }));
    this.#frameBytes = this.#outputs.reduce((sum, { before }) => sum + before.length + nullBytes.length + 2, 2);
    this.#unmet = this.names.map((_, place) => place);
  }

  /** False where a record's value makes the answer depend on the whole table: then DuckDB has to be asked, from its first record on. */
  add(batch: Batch): boolean {
    const { bytes } = batch;
    let index = 0;
    this.#escapeAt = -1;
    this.#run = { start: -1, end: -1, count: 0 };
    for (let start = 0; start < bytes.length; index++) {
      try {
        if (!this.#fields.find(bytes, start)) return false;
        const isWanted = this.#judge(bytes, start);
        if (isWanted === undefined) return false;
        if (isWanted && this.#plain.isRecord) this.#keep(bytes, start, this.#fields.end + 1);
        else if (isWanted && !this.#write(bytes, start, this.#fields.end)) return false;
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.bad.push({ batch, index, reason: error.message });
      }
      start = this.#fields.end + 1;
    }
    this.#copyRun(bytes);
    return true;
  }

  /**
   * Whether what a record comes to stands, whatever comes behind it: text makes text of a whole column, so that it compares with text for good,
   * but a number may come to be compared as text. Something beside objects leaves no answer to a field's inside.
   */
  get isFinal(): boolean {
    return this.#parents.length === 0 && this.#tests.every(({ test: { literals } }) => typeof literals[0] !== 'number');
  }

  /** The answer since this was last asked, and what could not be read. */
  take(): { batches: Batch[]; bad: Bad[] } {
    this.#close();
    const { batches, bad } = this;
    this.batches = [];
    this.bad = [];
    return { batches, bad };
  }

  #judge(block: Buffer, lineStart: number): boolean | undefined {
    const { starts, ends, escaped } = this.#fields;
    for (const place of this.#parents) {
      if (!this.#isObject(block, lineStart, starts[place] as number, ends[place] as number)) return undefined;
    }
    let isWanted = true;
    for (const { place, test } of this.#tests) {
      const start = starts[place] as number;
      const holds = start < 0 ? test.how === 'is null' : judge(test, block, start, ends[place] as number, escaped[place] !== 0);
      // All are looked at: each may find what only the whole table can decide.
      if (holds === undefined) return undefined;
      if (!holds) isWanted = false;
    }
    if (this.#unmet.length > 0) this.#meet(starts);
    return isWanted;
  }

  #meet(starts: Int32Array): void {
    const isMet = (place: number) => (starts[place] as number) >= 0;
    for (const place of this.#unmet) if (isMet(place)) this.met.add(this.names[place] as string);
    this.#unmet = this.#unmet.filter((place) => !isMet(place));
  }

  /** Whether a value is an object, and such as DuckDB's reader takes, or nothing at all: beside anything else an object may be text. */
  #isObject(block: Buffer, lineStart: number, start: number, end: number): boolean {
    if (start < 0 || block[start] === 0x6e) return true;
    if (block[start] !== 0x7b) return false;
    if (this.#escapeAt < lineStart) {
      const at = block.indexOf(0x5c, lineStart);
      this.#escapeAt = at < 0 ? Number.POSITIVE_INFINITY : at;
    }
    return this.#escapeAt >= end || !hasHalfSurrogate(block.toString('latin1', start, end));
  }

  /** A record that goes out as it is, up to `end`, its newline included. */
  #keep(block: Buffer, start: number, end: number): void {
    const run = this.#run;
    if (run.end !== start) this.#copyRun(block);
    if (run.start < 0) run.start = start;
    run.end = end;
    run.count++;
  }

  #copyRun(block: Buffer): void {
    const { start, end, count } = this.#run;
    this.#run.start = this.#run.end = -1;
    this.#run.count = 0;
    if (count === 0) return;
    this.#reserve(end - start);
    this.#filled += block.copy(this.#block, this.#filled, start, end);
    this.#count += count;
  }

  #reserve(bytes: number): void {
    if (this.#block.length - this.#filled >= bytes) return;
    this.#close();
    this.#block = Buffer.allocUnsafe(Math.max(blockBytes, bytes));
    this.#start = 0;
    this.#filled = 0;
  }

  /** False where only DuckDB knows how a value is written. */
  #write(block: Buffer, start: number, end: number): boolean {
    this.#reserve((end + 1 - start) * this.#outputs.length + this.#frameBytes);
    this.#count++;
    const { starts, ends } = this.#fields;
    for (const { place, as, before } of this.#outputs) {
      this.#copy(before, 0, before.length);
      const at = starts[place] as number;
      if (at < 0) this.#copy(nullBytes, 0, 4);
      else if (as !== 'written') {
        if (!this.#writeNested(as === 'text', block, at, ends[place] as number)) return false;
      } else {
        const from = this.#filled;
        this.#copy(block, at, ends[place] as number);
        const first = block[at];
        if (first === 0x7b || first === 0x5b)
          for (let i = from; i < this.#filled; i++) if (this.#block[i] === 0x0d) this.#block[i] = 0x20;
      }
    }
    this.#block[this.#filled++] = 0x7d;
    this.#block[this.#filled++] = 0x0a;
    return true;
  }

  /** A value from inside a field, or its text, as DuckDB writes it; false where that is not certain. */
  #writeNested(isText: boolean, block: Buffer, start: number, end: number): boolean {
    if (block[start] === 0x22) {
      if (this.#escapeAt >= end) this.#copy(block, start, end);
      else {
        const own = ownText(block.toString('utf8', start, end));
        if (own === undefined) return false;
        this.#filled += this.#block.write(own, this.#filled);
      }
      return true;
    }
    if (!isOwnScalar(block, start, end)) return false;
    const isQuoted = isText && block[start] !== 0x6e;
    if (isQuoted) this.#block[this.#filled++] = 0x22;
    this.#copy(block, start, end);
    if (isQuoted) this.#block[this.#filled++] = 0x22;
    return true;
  }

  #copy(from: Buffer, start: number, end: number): void {
    if (end - start > 48) {
      this.#filled += from.copy(this.#block, this.#filled, start, end);
      return;
    }
    let at = this.#filled;
    for (let i = start; i < end; i++) this.#block[at++] = from[i] as number;
    this.#filled = at;
  }

  #close(): void {
    if (this.#count > 0)
      this.batches.push(Batch.ofBytes(this.#block.subarray(this.#start, this.#filled), this.#count, undefined, 0, 0));
    this.#start = this.#filled;
    this.#count = 0;
  }
}
