import { endOfValue, isBlank, membersOf, type Range, skipBlanks } from '../json-bytes.ts';
import { Line } from '../lines.ts';
import { kindOf } from '../scan.ts';
import { copyBytes, LineWriter } from '../splice/writer.ts';

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** How deep values are compared; what lies deeper, or goes in circles, JSON.stringify writes. */
const deepest = 100;
/** Digits that a double holds for certain. */
const safeDigits = 15;
/** Beyond so many names that are not found by looking on, all names are looked up. */
const mostMisses = 3;
/** Room for whatever is short: a number, a literal, what stands between. */
const roomBytes = 64;

/** An object of the language has names that for…in finds: then those of a record cannot be told from them. */
export function isPolluted(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

/** A field of a record, as it is to be: where the line has its value (-1: nowhere), and what it is now. */
export interface Field {
  readonly name: string;
  readonly nameBytes: number;
  start: number;
  end: number;
  value: unknown;
}

/**
 * Writes records that were made of a line, as JSON.stringify would; but a value that is what the line has in the same place stays as it is written
 * there: a whole number of twenty digits, `1.0`, an escape. Each value is compared with the line's bytes, so that it does not matter how the record
 * came about. Where all of it is what the line has, it is the line's own bytes.
 */
export class RecordWriter {
  readonly #writer = new LineWriter();
  #source: Buffer = Buffer.alloc(0);
  #out: Buffer = Buffer.alloc(0);
  /** Up to where it is written. */
  #to = 0;
  /** What comes next stands so in the line, from here (-1: nothing does) up to there: it is copied once something else comes. */
  #run = -1;
  #runEnd = -1;

  /** The record as a line; undefined where JSON has nothing for it. Throws what JSON.stringify throws. */
  write(record: object, origin: Line): Line | undefined {
    const { block, start, end } = origin;
    this.#begin(origin);
    if (isPolluted() ? !this.#other(record) : !this.#value(record, skipBlanks(this.#source, start), 0)) return undefined;
    // Anew: the function may do what it likes with the record that the line has parsed.
    if (this.#to === this.#writer.filled && block !== undefined) return new Line(origin.number, block, start, end);
    return this.#end();
  }

  /**
   * The line with these fields as they are now, and all else as it is; itself where that makes no difference. The fields that it has come first, in
   * its order. It was read, begins with its brace and has no escapes in its names. Throws what JSON.stringify throws.
   */
  replace(origin: Line, fields: readonly Field[]): Line {
    this.#begin(origin);
    const source = this.#source;
    /** The line has been seen to as far as here. */
    let at = origin.start;
    for (const { nameBytes, start, end, value } of fields) {
      if (start < 0) break;
      const seen = at;
      this.#pass(seen, start);
      at = end;
      if (this.#field(value, start)) continue;
      // Left out with the comma before it; the first one with the comma behind it.
      const name = startOfName(source, start, nameBytes);
      const before = placeBefore(source, name);
      if (source[before] === comma && before >= seen) this.#runEnd = before;
      else {
        this.#runEnd = Math.max(seen, before + 1);
        const behind = skipBlanks(source, end);
        at = source[behind] === comma ? behindSign(source, behind) : behind;
      }
    }
    const close = placeBefore(source, origin.end);
    if ((fields[fields.length - 1]?.start ?? 0) < 0) {
      const last = placeBefore(source, close) + 1;
      if (last > at) this.#pass(at, last);
      at = close;
      this.#append(fields);
    }
    this.#pass(at, close + 1);
    return this.#to === this.#writer.filled ? origin : this.#end();
  }

  /** Writes the fields that the line has not, behind what has been written of it. */
  #append(fields: readonly Field[]): void {
    this.#flush();
    let isFirst = this.#out[this.#to - 1] === openBrace;
    for (const { name, start, value } of fields) {
      if (start >= 0) continue;
      const written = this.#to - this.#writer.filled;
      if (!isFirst) this.#byte(comma);
      this.#string(name);
      this.#byte(colon);
      if (this.#field(value, -1)) isFirst = false;
      else this.#to = this.#writer.filled + written;
    }
  }

  #field(value: unknown, at: number): boolean {
    return isPolluted() ? this.#other(value) : this.#value(value, at, 1);
  }

  #begin(origin: Line): void {
    const { block, start, end } = origin;
    this.#source = block ?? origin.bytes;
    this.#writer.reserve((block === undefined ? this.#source.length : end - start) + roomBytes);
    this.#out = this.#writer.block;
    this.#to = this.#writer.filled;
    this.#run = -1;
  }

  #end(): Line {
    this.#flush();
    return this.#writer.take(this.#to);
  }

  /** Writes a value that may be the one at `at` of the line (-1: none). False: JSON leaves it out. */
  #value(value: unknown, at: number, depth: number): boolean {
    switch (typeof value) {
      case 'string': {
        const end = at < 0 ? -1 : endOfSameString(this.#source, at, value);
        if (end >= 0) this.#keep(at, end);
        else this.#string(value);
        return true;
      }
      case 'number': {
        const end = at < 0 ? -1 : endOfSameNumber(this.#source, at, value);
        if (end >= 0) this.#keep(at, end);
        else this.#ascii(JSON.stringify(value));
        return true;
      }
      case 'boolean':
        this.#literal(value ? 'true' : 'false', at);
        return true;
      case 'object':
        if (value === null) this.#literal('null', at);
        else if (depth >= deepest || typeof (value as { toJSON?: unknown }).toJSON === 'function') return this.#other(value);
        else if (Array.isArray(value)) this.#array(value, at, depth);
        else if (Object.getPrototypeOf(value) === Object.prototype) this.#object(value as Record<string, unknown>, at, depth);
        else return this.#other(value);
        return true;
      default:
        return this.#other(value);
    }
  }

  #object(value: Record<string, unknown>, at: number, depth: number): void {
    const source = this.#source;
    /** The line's next member, while the names come in its order. */
    let next = this.#open(at, openBrace);
    let members: Map<string, Range> | undefined;
    let isFirst = true;
    /** Whether no member of the line has been passed over, and how many names were looked for in vain. */
    let isInOrder = true;
    let misses = 0;
    for (const key in value) {
      const { filled } = this.#writer;
      const [run, runEnd, written] = [this.#run, this.#runEnd, this.#to - filled];
      let original = -1;
      let endOfName = next < 0 ? -1 : endOfSameString(source, next, key);
      if (endOfName < 0 && next >= 0) {
        const found = misses < mostMisses ? findMember(source, next, key) : -1;
        if (found >= 0) {
          // Those before it were left out, or come later.
          this.#flush();
          isInOrder = false;
          next = found;
          endOfName = endOfSameString(source, next, key);
        } else if (!isInOrder || (source[next] !== closeBrace && ++misses > mostMisses)) {
          members = membersOf(source, at);
          next = -1;
        }
      }
      if (endOfName >= 0) {
        if (this.#run < 0 && !isFirst) this.#byte(comma);
        original = behindSign(source, endOfName);
        this.#keep(next, original);
      } else {
        original = members?.get(key)?.start ?? -1;
        if (!isFirst) this.#byte(comma);
        this.#string(key);
        this.#byte(colon);
      }
      if (this.#value(value[key], original, depth + 1)) isFirst = false;
      else {
        this.#to = this.#writer.filled + written;
        [this.#run, this.#runEnd] = [run, runEnd];
        this.#flush();
      }
      if (endOfName >= 0) next = this.#behindComma(original);
    }
    this.#close(next, closeBrace);
  }

  #array(value: readonly unknown[], at: number, depth: number): void {
    let next = this.#open(at, openBracket);
    for (let i = 0; i < value.length; i++) {
      const original = next >= 0 && this.#source[next] !== closeBracket ? next : -1;
      if (original >= 0 && this.#run >= 0) this.#runEnd = original;
      else if (i > 0) this.#byte(comma);
      if (!this.#value(value[i], original, depth + 1)) this.#text('null');
      if (original >= 0) next = this.#behindComma(original);
    }
    this.#close(next, closeBracket);
  }

  /** Writes a bracket; gives where the line has what follows it, if it has the same bracket at `at`. */
  #open(at: number, bracket: number): number {
    if (at >= 0 && this.#source[at] === bracket) {
      this.#keep(at, at + 1);
      return skipBlanks(this.#source, at + 1);
    }
    this.#byte(bracket);
    return -1;
  }

  #close(next: number, bracket: number): void {
    if (this.#run >= 0 && next >= 0 && this.#source[next] === bracket) this.#runEnd = next + 1;
    else this.#byte(bracket);
  }

  /** The place of what follows the value at `at`, and a comma. */
  #behindComma(at: number): number {
    const source = this.#source;
    // What has been kept ends with the value, as a rule.
    const end = skipBlanks(source, this.#run >= 0 && this.#runEnd > at ? this.#runEnd : endOfValue(source, at));
    return source[end] === comma ? behindSign(source, end) : end;
  }

  /** What comes next is what the line has from `start` up to `end`, behind what has been kept so far. */
  #keep(start: number, end: number): void {
    if (this.#run < 0) this.#run = start;
    this.#runEnd = end;
  }

  /** The same, where something of the line may have been left out before. */
  #pass(start: number, end: number): void {
    if (this.#run >= 0 && this.#runEnd !== start) this.#flush();
    this.#keep(start, end);
  }

  #flush(): void {
    const start = this.#run;
    if (start < 0) return;
    this.#run = -1;
    this.#room(this.#runEnd - start);
    this.#to = copyBytes(this.#source, start, this.#runEnd, this.#out, this.#to);
  }

  #literal(text: string, at: number): void {
    if (at >= 0 && this.#source[at] === text.charCodeAt(0)) this.#keep(at, at + text.length);
    else this.#ascii(text);
  }

  /** What JSON.stringify alone knows how to write, if it does. */
  #other(value: unknown): boolean {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) this.#text(text);
    return text !== undefined;
  }

  #string(value: string): void {
    this.#flush();
    this.#room(value.length + 2);
    const out = this.#out;
    let to = this.#to;
    out[to++] = quote;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80 || kindOf[code] !== 0) return this.#text(JSON.stringify(value));
      out[to++] = code;
    }
    out[to++] = quote;
    this.#to = to;
  }

  /** A number or a literal. */
  #ascii(text: string): void {
    this.#flush();
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#out[this.#to++] = text.charCodeAt(i);
  }

  #text(text: string): void {
    this.#flush();
    this.#room(3 * text.length);
    this.#to += this.#out.write(text, this.#to, 'utf8');
  }

  #byte(byte: number): void {
    this.#flush();
    this.#room(1);
    this.#out[this.#to++] = byte;
  }

  #room(bytes: number): void {
    if (this.#out.length - this.#to > bytes + roomBytes) return;
    this.#to = this.#writer.extend(this.#to, bytes + roomBytes);
    this.#out = this.#writer.block;
  }
}

/** The place behind the string that begins at `at`, if it means this one; else -1. */
function endOfSameString(source: Buffer, at: number, value: string): number {
  if (source[at] !== quote) return -1;
  let from = at + 1;
  for (let i = 0; i < value.length && kindOf[source[from] as number] === 0 && source[from] === value.charCodeAt(i); i++) from++;
  const byte = source[from] as number;
  if (byte === quote) return from - at - 1 === value.length ? from + 1 : -1;
  // What is escaped, or beyond ASCII, is compared as a text.
  if (byte !== backslash && byte < 0x80) return -1;
  const end = endOfValue(source, at);
  return JSON.parse(source.toString('utf8', at, end)) === value ? end : -1;
}

/** The place of the value, or the name, behind a colon or a comma that stands at `at`, or behind blanks there. */
function behindSign(source: Buffer, at: number): number {
  const sign = isBlank(source[at]) ? skipBlanks(source, at) : at;
  return isBlank(source[sign + 1]) ? skipBlanks(source, sign + 1) : sign + 1;
}

/** The place before `at` of what is no blank. */
function placeBefore(source: Buffer, at: number): number {
  let before = at - 1;
  while (isBlank(source[before])) before--;
  return before;
}

/** The place of the name, so many bytes long, of the value that begins at `at`. */
function startOfName(source: Buffer, at: number, nameBytes: number): number {
  const colonAt = placeBefore(source, at);
  return placeBefore(source, colonAt) - nameBytes - 1;
}

/** The next member, from the one at `at` on, that has the name; -1 where none has. */
function findMember(source: Buffer, at: number, name: string): number {
  for (let next = at; source[next] === quote; ) {
    const endOfName = endOfValue(source, next);
    if (endOfSameString(source, next, name) === endOfName) return next;
    const behind = skipBlanks(source, endOfValue(source, behindSign(source, endOfName)));
    next = source[behind] === comma ? behindSign(source, behind) : behind;
  }
  return -1;
}

/** The place behind the number that begins at `at`, if it means this one; else -1. */
function endOfSameNumber(source: Buffer, at: number, value: number): number {
  let end = source[at] === minus ? at + 1 : at;
  const first = end;
  let whole = 0;
  for (; (source[end] as number) >= zero && (source[end] as number) <= nine; end++)
    whole = 10 * whole + (source[end] as number) - zero;
  if (end === first) return -1;
  const next = source[end] as number;
  if (end - first <= safeDigits && next !== dot && (next | 0x20) !== 0x65)
    return (first > at ? -whole : whole) === value ? end : -1;
  end = endOfValue(source, at);
  return Number(source.toString('latin1', at, end)) === value ? end : -1;
}
