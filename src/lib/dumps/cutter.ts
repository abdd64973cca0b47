import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { compact, depthOf, elementsOf, isBlank, memberOf, objectsIn } from '../json-bytes.ts';
import { BadLine, type JsonObject, Overlong, parseRecord, type Rejected } from '../lines.ts';
import { parseControl } from '../marks.ts';
import { reasonAgainst } from '../records.ts';

/** A place in a dump: so many bytes of its text, and lines, have been read. */
export interface DumpPlace {
  byte: number;
  line: number;
}

/** Whole lines, each a record, the place behind them, and whether they fill an epoch. */
export interface Cut {
  bytes: Buffer;
  count: number;
  to: DumpPlace;
  isFull: boolean;
}

interface CutterOptions {
  /** The epoch is full at so many records in all, too: no more are wanted. */
  limit: number;
  maxRecords: number;
  maxBytes: number;
  maxLineBytes: number;
  reject: (rejected: Rejected) => void;
}

const newline = 0x0a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const newlineBytes = Buffer.from('\n');
const headBytes = 64 * 1024;

/**
 * Cuts the text of a dump into records. A line that is an object goes on as it came, many in one block, unparsed. An object over several
 * lines (it begins with a brace alone, as Stripe and jq print) is put on one line; objects that are glued together (`}{`) and a page of a list are
 * taken apart. Marks are left out.
 * Anything else is rejected, by the line where it begins. Epochs end after so many records or bytes of the text, at the same places each time.
 */
export class DumpCutter {
  readonly #options: CutterOptions;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** An object over several lines that is not whole yet. */
  #open: { pieces: Buffer[]; bytes: number; depth: number; line: number; isWanting: boolean } | undefined;
  #byte: number;
  #line: number;
  #records = 0;
  #epochRecords = 0;
  #epochBytes = 0;
  #isLastLine = false;
  #overlong: Overlong | undefined;
  #overlongBytes = 0;

  constructor(from: DumpPlace, options: CutterOptions) {
    this.#options = options;
    this.#byte = from.byte;
    this.#line = from.line;
  }

  /** Behind the last whole record: an object that is still open comes again. */
  get place(): DumpPlace {
    const open = this.#open;
    return open === undefined ? { byte: this.#byte, line: this.#line } : { byte: this.#byte - open.bytes, line: open.line - 1 };
  }

  *cut(chunk: Buffer): Generator<Cut> {
    const rest = this.#overlong === undefined ? chunk : this.#skipOverlong(chunk);
    const last = rest.lastIndexOf(newline);
    if (last >= 0) {
      const whole = rest.subarray(0, last + 1);
      const block = this.#carryBytes === 0 ? whole : Buffer.concat([...this.#carry, whole]);
      this.#carry = [];
      this.#carryBytes = 0;
      yield* this.#cutBlock(block);
    }
    if (last + 1 < rest.length) this.#keep(rest.subarray(last + 1));
  }

  /** The end of the text; a last line without its newline counts if it is a whole object. */
  *finish(): Generator<Cut> {
    if (this.#overlong !== undefined) this.#skipOverlong(newlineBytes);
    if (this.#carryBytes > 0) {
      this.#isLastLine = true;
      yield* this.#cutBlock(Buffer.concat([...this.#carry, newlineBytes]));
      this.#byte--;
    }
    this.#rejectOpen('the last object is cut: it is not whole');
  }

  #keep(piece: Buffer): void {
    this.#carry.push(piece);
    this.#carryBytes += piece.length;
    // One byte more than the limit may be the `\r` of a CRLF.
    if (this.#carryBytes > this.#options.maxLineBytes + 1) {
      this.#overlong = new Overlong();
      for (const kept of this.#carry) this.#overlong.add(kept);
      this.#overlongBytes = this.#carryBytes;
      this.#carry = [];
      this.#carryBytes = 0;
    } else if (this.#carry.length >= 1024) this.#carry = [Buffer.concat(this.#carry)];
  }

  /** What stands behind a line past the limit; nothing while it goes on. */
  #skipOverlong(chunk: Buffer): Buffer {
    const end = chunk.indexOf(newline);
    const part = end < 0 ? chunk : chunk.subarray(0, end);
    this.#overlong?.add(part);
    this.#overlongBytes += part.length;
    if (end < 0) return Buffer.alloc(0);
    this.#byte += this.#overlongBytes + 1;
    this.#line++;
    this.#rejectOpen('an object that is not whole');
    const rejected = this.#overlong?.rejected(this.#line, this.#options.maxLineBytes);
    this.#overlong = undefined;
    if (rejected !== undefined) this.#options.reject(rejected);
    return chunk.subarray(end + 1);
  }

  *#cutBlock(block: Buffer): Generator<Cut> {
    let pieces: Buffer[] = [];
    let count = 0;
    let runStart = 0;
    const take = (isFull: boolean): Cut => {
      const only = pieces[0];
      const cut = {
        bytes: pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces),
        count,
        to: this.place,
        isFull,
      };
      pieces = [];
      count = 0;
      return cut;
    };
    const { limit, maxRecords, maxBytes } = this.#options;
    // Objects that were glued together, as Firehose leaves them.
    let glue = block.indexOf('}{');
    for (let start = 0; start < block.length; ) {
      const next = block.indexOf(newline, start) + 1;
      this.#line++;
      this.#byte += next - start;
      this.#epochBytes += next - start;
      const isGlued = glue >= 0 && glue < next;
      if (isGlued) glue = block.indexOf('}{', next);
      if (this.#open === undefined && !isGlued && this.#isRecord(block, start, next - 1)) {
        count++;
        this.#records++;
        this.#epochRecords++;
      } else {
        if (start > runStart) pieces.push(block.subarray(runStart, start));
        runStart = next;
        let records: Buffer[];
        try {
          records = this.#special(block.subarray(start, next - 1));
        } catch (error) {
          // What stands before a line that ends the step is delivered.
          if (count > 0) yield take(false);
          throw error;
        }
        for (const record of records) pieces.push(record, newlineBytes);
        count += records.length;
        this.#records += records.length;
        this.#epochRecords += records.length;
      }
      start = next;
      const isFull = this.#records >= limit || this.#epochRecords >= maxRecords || this.#epochBytes >= maxBytes;
      if (!isFull || this.#open !== undefined) continue;
      if (next > runStart) pieces.push(block.subarray(runStart, next));
      runStart = next;
      yield take(true);
      this.#epochRecords = 0;
      this.#epochBytes = 0;
    }
    if (runStart < block.length) pieces.push(block.subarray(runStart));
    if (count > 0) yield take(false);
  }

  /** Whether a line is one record that can go on unread: it begins and ends as an object, and is no page of a list. */
  #isRecord(block: Buffer, start: number, end: number): boolean {
    if (block[start] !== openBrace || end - start > this.#options.maxLineBytes || this.#isLastLine) return false;
    let last = end - 1;
    while (isBlank(block[last])) last--;
    if (block[last] !== closeBrace) return false;
    const second = block[start + 2];
    // Few records begin with "object" or "data", or a blank: only these are looked at.
    return !(second === 0x6f || second === 0x64 || isBlank(block[start + 1])) || !mayBeList(block, start);
  }

  /** The records of a line that is not simply one. */
  #special(line: Buffer): Buffer[] {
    let first = 0;
    while (isBlank(line[first])) first++;
    if (this.#open !== undefined) {
      if (line[0] !== openBrace || this.#open.isWanting) return this.#goOn(line);
      this.#rejectOpen('an object that is not whole');
      return this.#isRecord(line, 0, line.length) ? [line] : this.#special(line);
    }
    if (first === line.length) return [];
    if (line[0] === openBracket && parseControl(line.toString('utf8')) !== undefined) return [];
    if (line.length > this.#options.maxLineBytes)
      return this.#reject(line, this.#line, `longer than ${this.#options.maxLineBytes} bytes (--max-line)`);
    if (line[first] !== openBrace) return this.#reject(line, this.#line, reasonFor(line));
    let last = line.length - 1;
    while (isBlank(line[last])) last--;
    if (last === first) {
      this.#open = { pieces: [], bytes: 0, depth: 0, line: this.#line, isWanting: false };
      return this.#goOn(line);
    }
    return this.#take(line, this.#line);
  }

  /** One more line of an object over several. */
  #goOn(line: Buffer): Buffer[] {
    const open = this.#open;
    if (open === undefined) return [];
    const depth = depthOf(line);
    open.pieces.push(Buffer.from(line), newlineBytes);
    open.bytes += line.length + 1;
    // Behind a bracket, a comma or a colon an object may begin; else one at the margin begins anew, and this one was cut.
    let last = line.length - 1;
    while (isBlank(line[last])) last--;
    if (last >= 0) open.isWanting = line[last] === openBracket || line[last] === 0x2c || line[last] === 0x3a;
    if (depth === undefined) return this.#rejectOpen('a string does not end on its line');
    open.depth += depth;
    if (open.bytes > this.#options.maxLineBytes)
      return this.#rejectOpen(`longer than ${this.#options.maxLineBytes} bytes (--max-line)`);
    if (open.depth > 0) return [];
    this.#open = undefined;
    return this.#take(Buffer.concat(open.pieces), open.line);
  }

  /** An object that has to be looked into: a page of a list is taken apart. */
  #take(text: Buffer, line: number): Buffer[] {
    let value: JsonObject;
    try {
      value = parseRecord(text);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
      const glued = objectsIn(text) ?? [];
      if (glued.length > 1 && glued.every((one) => reasonAgainst(one) === undefined)) return glued.map(compact);
      return this.#reject(
        text,
        line,
        this.#isLastLine ? `the last line is cut: no newline, and ${error.message}` : error.message,
      );
    }
    if (value.object !== 'list' || !Array.isArray(value.data)) return [compact(text)];
    const isEvents = value.data.every((one: JsonObject | null) => /^(v2\.core\.)?event$/.test(String(one?.object)));
    if (!isEvents) return this.#reject(text, line, 'a page of a list that is not of events');
    const at = memberOf(text, text.indexOf(openBrace), 'data')?.start ?? 0;
    return elementsOf(text, at).map(({ start, end }) => compact(text.subarray(start, end)));
  }

  #rejectOpen(reason: string): Buffer[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : this.#reject(Buffer.concat(open.pieces), open.line, reason);
  }

  #reject(bytes: Buffer, number: number, reason: string): Buffer[] {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const head = bytes.length > this.#options.maxLineBytes ? bytes.subarray(0, headBytes) : bytes;
    this.#options.reject({ reason, number, sha256, head, length: bytes.length });
    return [];
  }
}

function mayBeList(block: Buffer, start: number): boolean {
  return /^\{\s*"(object"\s*:\s*"list"|data"\s*:\s*\[)/.test(block.toString('latin1', start, start + 48));
}

function reasonFor(line: Buffer): string {
  if (line[0] === openBracket) return 'an array, and no mark: a line must be a JSON object (jq -c ".[]" takes it apart)';
  if (line[0] === 0x3c) return 'HTML or XML, not JSON: perhaps an error page';
  return isUtf8(line) ? 'not a JSON object' : 'not UTF-8';
}
