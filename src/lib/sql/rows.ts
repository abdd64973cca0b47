import { closeSync, openSync, writeSync } from 'node:fs';
import { BadLine } from '../lines.ts';
import type { Fixed } from './columns.ts';
import { AllFields, Fields, nameOf, writtenName } from './fields.ts';
import { bits, bitsOf, refuseHalfSurrogate } from './values.ts';

/** What a query needs of the records. */
export interface Wanted {
  /** The fields by name. */
  names: readonly string[];
  /** Those of them that are used as values, and not only passed on as they are written. */
  typed: ReadonlySet<string>;
  /** Those whose type is given. */
  fixed: ReadonlyMap<string, Fixed>;
  /** Whether every other field is needed too, as values. */
  all: boolean;
  /** Whether the whole record is needed; `json` where something in it may be looked at. */
  record: 'no' | 'text' | 'json';
}

/** A field of the records, as a column of the file: what its values were. */
export interface Column {
  name: string;
  seen: number;
  /** Whether a record had it. */
  isMet: boolean;
}

interface Filled extends Column {
  /** What the value in the row at hand is: a record that is rejected tells nothing of the column. */
  now: number;
}

const separator = 0x1f;
const carriageReturn = 0x0d;
const backslash = 0x5c;
/** Stands for a carriage return, which would end a row. No JSON holds this byte. */
const returnMark = 0x1e;
const blockBytes = 256 * 1024;
const maxFields = 1000;
const nullBytes = Buffer.from('null');

/**
 * The records of one table on their way to DuckDB: a file of rows (mode 0600) that hold the values that are needed, as they stand in the records.
 * JSON holds no control characters, so that nothing has to be quoted.
 */
export class Rows {
  readonly path: string;
  count = 0;
  /** The fields, in the order in which they stand in a row; behind the record, where that is wanted. */
  readonly columns: Filled[] = [];
  /** Whether the records hold carriage returns, which are written as \x1e. */
  hasReturns = false;
  /** The longest row, in bytes. */
  longestBytes = 0;
  readonly #wanted: Wanted;
  readonly #typed: boolean[];
  readonly #fixed: (Fixed | undefined)[];
  readonly #fields: Fields;
  readonly #all = new AllFields();
  readonly #places = new Map<string, number>();
  readonly #folded = new Map<string, string>();
  readonly #file: number;
  #block = Buffer.allocUnsafe(blockBytes);
  #filled = 0;
  #isOpen = true;

  constructor(path: string, wanted: Wanted) {
    this.path = path;
    this.#wanted = wanted;
    this.#typed = wanted.names.map((name) => wanted.typed.has(name));
    this.#fixed = wanted.names.map((name) => wanted.fixed.get(name));
    this.#fields = new Fields(wanted.all ? [] : wanted.names);
    for (const name of wanted.names) this.#addColumn(name, writtenName(name));
    this.#file = openSync(path, 'wx', 0o600);
  }

  /** Adds the record from `start` up to `end`. Throws BadLine for what is none, or does not fit. */
  add(block: Buffer, start: number, end: number): void {
    const rowStart = this.#filled;
    const most = 2 * (end - start) + 5 * (this.columns.length + 2);
    if (this.#block.length - rowStart < most) {
      this.#write();
      if (this.#block.length < most) this.#block = Buffer.allocUnsafe(2 * most);
      return this.add(block, start, end);
    }
    try {
      if (this.#wanted.all) this.#addAll(block, start, end);
      else this.#addWanted(block, start, end);
    } catch (error) {
      this.#filled = rowStart;
      for (const column of this.columns) column.now = 0;
      throw error;
    }
    this.#block[this.#filled - 1] = 0x0a;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i] as Filled;
      column.seen |= column.now;
      column.now = 0;
    }
    this.longestBytes = Math.max(this.longestBytes, this.#filled - rowStart);
    this.count++;
  }

  /** All is written. */
  finish(): void {
    this.#write();
    this.close();
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }

  #addWanted(block: Buffer, start: number, end: number): void {
    const fields = this.#fields;
    fields.find(block, start);
    this.#addRecord(block, start, end);
    const { starts, ends } = fields;
    for (let i = 0; i < this.columns.length; i++) {
      const at = starts[i] as number;
      if (at < 0) this.#copy(nullBytes, 0, 4);
      else this.#addValue(i, block, at, ends[i] as number);
    }
    if (this.columns.length === 0 && this.#wanted.record === 'no') this.#copy(nullBytes, 0, 4);
  }

  #addAll(block: Buffer, start: number, end: number): void {
    const places: [start: number, end: number][] = [];
    this.#all.find(block, start, end, (written, from, to) => {
      places[this.#places.get(written) ?? this.#addColumn(nameOf(written), written)] = [from, to];
    });
    this.#addRecord(block, start, end);
    for (let i = 0; i < this.columns.length; i++) {
      const place = places[i];
      if (place === undefined) this.#copy(nullBytes, 0, 4);
      else this.#addValue(i, block, place[0], place[1]);
    }
    if (this.columns.length === 0 && this.#wanted.record === 'no') this.#copy(nullBytes, 0, 4);
  }

  /** A column more, and its place. */
  #addColumn(name: string, written: string): number {
    const folded = name.toLowerCase();
    const other = this.#folded.get(folded);
    const shown = JSON.stringify(name);
    if (other !== undefined)
      throw new BadLine(`the fields ${shown} and ${JSON.stringify(other)} differ in case alone, and a table cannot have both`);
    if (name === '' || name.includes('\0')) throw new BadLine('a field has no name, or a NUL in it');
    if (this.columns.length >= maxFields) throw new BadLine(`with ${shown} there are more than ${maxFields} fields`);
    this.#folded.set(folded, name);
    this.#places.set(written, this.columns.length);
    return this.columns.push({ name, seen: 0, isMet: false, now: 0 }) - 1;
  }

  #addRecord(block: Buffer, start: number, end: number): void {
    if (this.#wanted.record === 'no') return;
    const from = this.#filled;
    const isEscaped = this.#copy(block, start, end);
    if (isEscaped && this.#wanted.record === 'json') refuseHalfSurrogate(block.toString('latin1', start, end));
    const row = this.#block;
    for (let at = row.indexOf(carriageReturn, from); at >= 0 && at < this.#filled; at = row.indexOf(carriageReturn, at)) {
      row[at] = returnMark;
      this.hasReturns = true;
    }
  }

  #addValue(i: number, block: Buffer, start: number, end: number): void {
    const from = this.#filled;
    const isEscaped = this.#copy(block, start, end);
    const first = block[start];
    if (first === 0x7b || first === 0x5b) {
      const row = this.#block;
      for (let at = from; at < this.#filled; at++) if (row[at] === carriageReturn) row[at] = 0x20;
    }
    const column = this.columns[i] as Filled;
    column.isMet = true;
    if (!(this.#wanted.all || this.#typed[i])) return;
    const seen = bitsOf(block, start, end);
    const fixed = this.#wanted.all ? this.#wanted.fixed.get(column.name) : this.#fixed[i];
    if (fixed !== undefined && seen !== 0 && !fixed.fits(seen, block, start, end))
      throw new BadLine(`its ${JSON.stringify(column.name)} is no ${fixed.type} (--columns)`);
    column.now = seen;
    if (isEscaped) {
      refuseHalfSurrogate(block.toString('latin1', start, end));
      column.now |= bits.escaped;
    }
  }

  /** Copies a value and a separator into the row. True where it holds a backslash. */
  #copy(from: Buffer, start: number, end: number): boolean {
    const row = this.#block;
    let at = this.#filled;
    let isEscaped = false;
    if (end - start > 64) {
      at += from.copy(row, at, start, end);
      isEscaped = row.subarray(this.#filled, at).includes(backslash);
    } else {
      for (let i = start; i < end; i++) {
        const byte = from[i] as number;
        if (byte === backslash) isEscaped = true;
        row[at++] = byte;
      }
    }
    row[at] = separator;
    this.#filled = at + 1;
    return isEscaped;
  }

  #write(): void {
    for (let at = 0; at < this.#filled; ) at += writeSync(this.#file, this.#block, at, this.#filled - at);
    this.#filled = 0;
  }
}
