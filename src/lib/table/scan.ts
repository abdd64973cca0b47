import { isUtf8 } from 'node:buffer';
import { BadLine, type Batch, parseRecord } from '../lines.ts';
import { halfSurrogate, malformed, skipBlanks, skipNested, skipNumber, skipString, skipWord, tooDeep } from './json-text.ts';
import { kinds } from './kinds.ts';
import { isDouble, kindOfNumber } from './numbers.ts';
import { kindOfText } from './times.ts';

/** A top-level field of the records seen so far. */
export interface Field {
  readonly name: string;
  /** The kinds of its values since the last `clear`; 0 where it was only null. */
  seen: number;
  /** Whether a record had it since the last `clear`. */
  isPresent: boolean;
}

interface Known extends Field {
  /** The name as the records write it, with its quotes. */
  readonly token: Buffer;
  /** The line that had it last, and the kind of its value there. */
  line: number;
  kind: number;
}

interface ScanOptions {
  /** Fields that every record must have, with a value that is neither null nor nested. */
  keys: readonly string[];
  /** A field that must be a whole number where it is there. */
  revision?: string;
  /** A name that no field may have. */
  reserved: string;
}

/** A batch as a table reads it, and the lines of it that a table cannot take. */
export interface Scanned {
  pieces: Buffer[];
  count: number;
  rejected: { index: number; reason: string }[];
}

const maxFields = 1000;
const quoteBytes = Buffer.from('"');

/**
 * Reads lines as bytes, and knows afterwards which fields they have and of which kinds the values are: all of them, not a sample.
 * What it passes on is JSON that DuckDB reads without loss: a number that no column of numbers can hold is put in quotes, digit by digit
 * as it stood. Everything else stays as it came.
 */
export class Scanner {
  readonly #keys: readonly string[];
  readonly #revision: string | undefined;
  readonly #reserved: string;
  readonly #fields: Known[] = [];
  readonly #byToken = new Map<string, Known>();
  readonly #byName = new Map<string, Known>();
  readonly #byFoldedName = new Map<string, Known>();
  /** The fields of the keys, and the revision's, once a record has had them. */
  readonly #keyFields: (Known | undefined)[] = [];
  #revisionField: Known | undefined;
  /** The fields of the line at hand, and of the one before it: most lines have the same ones in the same order. */
  #order: Known[] = [];
  #line = 0;
  #longest = 0;
  #reason = '';
  #edits: [start: number, end: number][] = [];
  readonly #editNested = (bytes: Buffer) => (start: number, end: number) => {
    const text = bytes.toString('latin1', start, end);
    if (/[.eE]/.test(text) && !isDouble(text)) this.#edits.push([start, end]);
  };

  constructor({ keys, revision, reserved }: ScanOptions) {
    this.#keys = keys;
    this.#revision = revision;
    this.#reserved = reserved;
  }

  /** The fields since the last `clear`, in the order of their first appearance. */
  get fields(): readonly Field[] {
    return this.#fields.filter(({ isPresent }) => isPresent);
  }

  /** The length of the longest line that was passed on since the last `clear`, in bytes. */
  get longestBytes(): number {
    return this.#longest;
  }

  clear(): void {
    this.#longest = 0;
    for (const field of this.#fields) {
      field.seen = 0;
      field.isPresent = false;
    }
  }

  scan(batch: Batch): Scanned {
    const bytes = batch.bytes;
    const isText = isUtf8(bytes);
    const scanned: Scanned = { pieces: [], count: 0, rejected: [] };
    const onNumber = this.#editNested(bytes);
    let kept = 0;
    let index = 0;
    for (let start = 0; start < bytes.length; index++) {
      this.#edits.length = 0;
      let end = this.#scanLine(bytes, start, onNumber);
      if (end < 0 || (!isText && !isUtf8(bytes.subarray(start, end)))) {
        const close = bytes.indexOf(0x0a, start) + 1;
        scanned.rejected.push({ index, reason: this.#reasonFor(bytes.subarray(start, close - 1), end) });
        if (start > kept) scanned.pieces.push(bytes.subarray(kept, start));
        kept = end = close;
      } else {
        scanned.count++;
        this.#keep();
        if (end - start > this.#longest) this.#longest = end - start;
        // A quoted number is two bytes longer, and at least two bytes long.
        if (this.#edits.length > 0) this.#longest = Math.max(this.#longest, 2 * (end - start));
        for (const [from, to] of this.#edits) {
          scanned.pieces.push(bytes.subarray(kept, from), quoteBytes, bytes.subarray(from, to), quoteBytes);
          kept = to;
        }
      }
      start = end;
    }
    if (kept < bytes.length) scanned.pieces.push(kept === 0 ? bytes : bytes.subarray(kept));
    return scanned;
  }

  #fieldCount = 0;

  #keep(): void {
    const order = this.#order;
    for (let i = 0; i < this.#fieldCount; i++) {
      const field = order[i] as Known;
      field.seen |= field.kind;
      field.isPresent = true;
    }
  }

  /** The place behind the line's `\n`, or a negative number. */
  #scanLine(bytes: Buffer, start: number, onNumber: (start: number, end: number) => void): number {
    const line = ++this.#line;
    const order = this.#order;
    let count = 0;
    let at = skipBlanks(bytes, start + 1);
    if (bytes[at] === 0x7d) at++;
    else {
      for (;;) {
        if (bytes[at] !== 0x22) return malformed;
        let field = order[count];
        let next = field === undefined ? -1 : skipToken(bytes, at, field.token);
        if (next < 0) {
          next = skipString(bytes, at);
          if (next < 0) return next;
          field = this.#find(bytes, at, next);
          if (field === undefined) return refused;
          order[count] = field;
        }
        const known = field as Known;
        if (known.line === line) return this.#refuse(`the field ${JSON.stringify(known.name)} stands in it twice`);
        known.line = line;
        count++;
        at = skipBlanks(bytes, next);
        if (bytes[at] !== 0x3a) return malformed;
        at = skipBlanks(bytes, at + 1);

        const first = bytes[at] as number;
        let end: number;
        if (first === 0x22) {
          end = skipString(bytes, at);
          if (end < 0) return end;
          known.kind = (known.seen & kinds.text) === 0 ? kindOfText(bytes, at + 1, end - 1) : kinds.text;
        } else if (first === 0x7b || first === 0x5b) {
          end = skipNested(bytes, at, onNumber);
          known.kind = kinds.nested;
        } else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
          end = skipNumber(bytes, at);
          if (end < 0) return end;
          known.kind = kindOfNumber(bytes, at, end);
          if (known.kind === kinds.text) this.#edits.push([at, end]);
        } else {
          end = skipWord(bytes, at);
          known.kind = first === 0x6e ? 0 : kinds.boolean;
        }
        if (end < 0) return end;
        at = skipBlanks(bytes, end);
        const byte = bytes[at];
        if (byte === 0x7d) {
          at++;
          break;
        }
        if (byte !== 0x2c) return malformed;
        at = skipBlanks(bytes, at + 1);
      }
    }
    at = skipBlanks(bytes, at);
    if (bytes[at] !== 0x0a) return malformed;
    this.#fieldCount = count;
    return this.#lacks(line) ? refused : at + 1;
  }

  #lacks(line: number): boolean {
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys[i] as string;
      const field = (this.#keyFields[i] ??= this.#byName.get(key));
      const isThere = field !== undefined && field.line === line && field.kind !== 0;
      if (!isThere || field.kind === kinds.nested) {
        const what = isThere ? `its ${JSON.stringify(key)} is no text and no number` : `it has no ${JSON.stringify(key)}`;
        this.#refuse(`${what}, by which the table is merged: name another field by --key, or add every record by --append`);
        return true;
      }
    }
    if (this.#revision === undefined) return false;
    const revision = (this.#revisionField ??= this.#byName.get(this.#revision));
    if (revision === undefined || revision.line !== line || (revision.kind & ~(kinds.small | kinds.big)) === 0) return false;
    this.#refuse(`its ${JSON.stringify(this.#revision)} is no whole number`);
    return true;
  }

  /** The field whose name stands there; undefined where a table cannot have it. */
  #find(bytes: Buffer, start: number, end: number): Known | undefined {
    const token = bytes.toString('latin1', start, end);
    const known = this.#byToken.get(token);
    if (known !== undefined) return known;
    const name = JSON.parse(bytes.toString('utf8', start, end)) as string;
    let field = this.#byName.get(name);
    if (field === undefined) {
      const folded = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      const other = this.#byFoldedName.get(folded);
      const shown = JSON.stringify(name);
      if (other !== undefined) {
        this.#refuse(`the fields ${shown} and ${JSON.stringify(other.name)} differ in case alone, and a table cannot have both`);
        return undefined;
      }
      if (name === '' || name.includes('\0')) this.#refuse('a field has no name, or a NUL in it');
      else if (folded === this.#reserved) this.#refuse(`no field may be named ${shown}`);
      else if (this.#fields.length >= maxFields) this.#refuse(`with ${shown} there are more than ${maxFields} fields`);
      else {
        field = { name, token: Buffer.from(bytes.subarray(start, end)), seen: 0, isPresent: false, line: 0, kind: 0 };
        this.#fields.push(field);
        this.#byName.set(name, field);
        this.#byFoldedName.set(folded, field);
      }
      if (field === undefined) return undefined;
    }
    // Escapes can write one name in many ways: only so many are kept.
    if (this.#byToken.size < 4 * maxFields) this.#byToken.set(token, field);
    return field;
  }

  #refuse(reason: string): number {
    this.#reason = reason;
    return refused;
  }

  #reasonFor(line: Buffer, code: number): string {
    if (code === refused) return this.#reason;
    if (code === halfSurrogate) return 'a string in it holds half a surrogate pair, which is no character';
    if (code === tooDeep) return 'nested too deeply';
    try {
      parseRecord(line);
    } catch (error) {
      if (error instanceof BadLine) return error.message;
      throw error;
    }
    return 'not JSON';
  }
}

const refused = -4;

/** The place behind the token, -1 where something else stands there. */
function skipToken(bytes: Buffer, at: number, token: Buffer): number {
  const length = token.length;
  for (let i = 1; i < length; i++) if (bytes[at + i] !== token[i]) return -1;
  return at + length;
}
