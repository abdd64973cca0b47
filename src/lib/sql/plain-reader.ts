import { BadLine, Batch } from '../lines.ts';
import { Fields } from './fields.ts';
import type { Comparison, Plain, Test } from './plain.ts';
import { bits, bitsOf, hasHalfSurrogate } from './values.ts';

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
  readonly #outputs: { place: number; before: Buffer }[];
  /** What stands round the values of a record in the answer. */
  readonly #frameBytes: number;
  readonly #isMet: boolean[];
  #block = Buffer.allocUnsafe(blockBytes);
  #start = 0;
  #filled = 0;
  #count = 0;

  constructor(plain: Plain) {
    this.#plain = plain;
    this.names = [...new Set([...plain.tests, ...plain.outputs].map(({ field }) => field))];
    this.#fields = new Fields(this.names);
    this.#tests = plain.tests.map((test) => ({ place: this.names.indexOf(test.field), test }));
    this.#outputs = plain.outputs.map(({ field, name }, i) => ({
      place: this.names.indexOf(field),
      before: Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    }));
    this.#frameBytes = this.#outputs.reduce((sum, { before }) => sum + before.length + nullBytes.length, 2);
    this.#isMet = this.names.map(() => false);
  }

  /** False where a record's value makes the answer depend on the whole table: then DuckDB has to be asked, from its first record on. */
  add(batch: Batch): boolean {
    const { bytes } = batch;
    let index = 0;
    for (let start = 0; start < bytes.length; index++) {
      try {
        this.#fields.find(bytes, start);
        const isWanted = this.#judge(bytes);
        if (isWanted === undefined) return false;
        if (isWanted) this.#write(bytes, start, this.#fields.end);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.bad.push({ batch, index, reason: error.message });
      }
      start = this.#fields.end + 1;
    }
    return true;
  }

  /**
   * Whether what a record comes to stands, whatever comes behind it: text makes text of a whole column, so that it compares with text for good,
   * but a number may come to be compared as text.
   */
  get isFinal(): boolean {
    return this.#tests.every(({ test: { literals } }) => typeof literals[0] !== 'number');
  }

  /** The answer since this was last asked, and what could not be read. */
  take(): { batches: Batch[]; bad: Bad[] } {
    this.#close();
    for (const [i, isMet] of this.#isMet.entries()) if (isMet) this.met.add(this.names[i] as string);
    const { batches, bad } = this;
    this.batches = [];
    this.bad = [];
    return { batches, bad };
  }

  #judge(block: Buffer): boolean | undefined {
    const { starts, ends } = this.#fields;
    for (let i = 0; i < starts.length; i++) if ((starts[i] as number) >= 0) this.#isMet[i] = true;
    let isWanted = true;
    for (const { place, test } of this.#tests) {
      const start = starts[place] as number;
      const holds = start < 0 ? test.how === 'is null' : judge(test, block, start, ends[place] as number);
      // All are looked at: each may find what only the whole table can decide.
      if (holds === undefined) return undefined;
      if (!holds) isWanted = false;
    }
    return isWanted;
  }

  #write(block: Buffer, start: number, end: number): void {
    const most = (end + 1 - start) * Math.max(1, this.#outputs.length) + this.#frameBytes;
    if (this.#block.length - this.#filled < most) {
      this.#close();
      this.#block = Buffer.allocUnsafe(Math.max(blockBytes, most));
      this.#start = 0;
      this.#filled = 0;
    }
    this.#count++;
    if (this.#plain.isRecord) {
      this.#copy(block, start, end + 1);
      return;
    }
    const { starts, ends } = this.#fields;
    for (const { place, before } of this.#outputs) {
      this.#copy(before, 0, before.length);
      const at = starts[place] as number;
      if (at < 0) this.#copy(nullBytes, 0, 4);
      else {
        const from = this.#filled;
        this.#copy(block, at, ends[place] as number);
        const first = block[at];
        if (first === 0x7b || first === 0x5b)
          for (let i = from; i < this.#filled; i++) if (this.#block[i] === 0x0d) this.#block[i] = 0x20;
      }
    }
    this.#block[this.#filled++] = 0x7d;
    this.#block[this.#filled++] = 0x0a;
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

/** Whether a value passes the test; undefined where that is not for one record alone to say. */
function judge({ how, isNegated, literals }: Test, block: Buffer, start: number, end: number): boolean | undefined {
  const first = block[start];
  const isNull = first === 0x6e;
  if (how === 'is null' || how === 'is not null') {
    if ((first === 0x22 || first === 0x7b || first === 0x5b) && hasHalfSurrogate(block.toString('latin1', start, end)))
      return undefined;
    return isNull === (how === 'is null');
  }
  if (isNull) return false;
  let isFound = false;
  if (how !== 'like' && typeof literals[0] === 'number') {
    const kind = first === 0x22 ? bits.text : bitsOf(block, start, end);
    if (kind !== bits.small && kind !== bits.double) return undefined;
    const value = Number(block.toString('latin1', start, end));
    for (const literal of literals) if (passes(how, value - (literal as number))) isFound = true;
  } else {
    if (first !== 0x22) return undefined;
    let text = block;
    let [from, to] = [start + 1, end - 1];
    for (let i = from; i < to; i++) {
      if (block[i] !== 0x5c) continue;
      const json = block.toString('utf8', start, end);
      if (hasHalfSurrogate(json)) return undefined;
      text = Buffer.from(JSON.parse(json) as string);
      [from, to] = [0, text.length];
      break;
    }
    if (how === 'like') isFound = isLike(text, from, to, literals as readonly Buffer[]);
    else for (const literal of literals) if (passes(how, compare(text, from, to, literal as Buffer))) isFound = true;
  }
  return isFound !== isNegated;
}

/** Whether text begins with the first of some texts, ends with the last, and has the others in between, in their order. */
function isLike(text: Buffer, start: number, end: number, texts: readonly Buffer[]): boolean {
  const [first, last] = [texts[0] as Buffer, texts[texts.length - 1] as Buffer];
  if (texts.length === 1) return compare(text, start, end, first) === 0;
  let at = start + first.length;
  const behind = end - last.length;
  if (at > behind || !stands(text, start, first) || !stands(text, behind, last)) return false;
  for (let i = 1; i < texts.length - 1; i++) {
    const one = texts[i] as Buffer;
    while (at + one.length <= behind && !stands(text, at, one)) at++;
    at += one.length;
    if (at > behind) return false;
  }
  return true;
}

function stands(text: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (text[at + i] !== wanted[i]) return false;
  return true;
}

function passes(how: Comparison, difference: number): boolean {
  switch (how) {
    case '=':
      return difference === 0;
    case '<':
      return difference < 0;
    case '>':
      return difference > 0;
    case '<=':
      return difference <= 0;
    case '>=':
      return difference >= 0;
  }
}

function compare(text: Buffer, start: number, end: number, literal: Buffer): number {
  const length = Math.min(end - start, literal.length);
  for (let i = 0; i < length; i++) {
    const difference = (text[start + i] as number) - (literal[i] as number);
    if (difference !== 0) return difference;
  }
  return end - start - literal.length;
}
