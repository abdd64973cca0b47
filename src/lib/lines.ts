import { Failure } from './errors.ts';
import { sha256Of, startSha256 } from './hashing.ts';
import { type Control, formatControl, parseControl, startsLikeBegin, startsLikeControl } from './marks.ts';
import { BadLine, BlockParser, type JsonObject, parseRecord } from './records.ts';

export { BadLine, type JsonObject, parseRecord } from './records.ts';

const newline = 0x0a;
const openBrace = 0x7b;
const openBracket = 0x5b;
const newlineBytes = Buffer.from('\n');

/** One record. Its bytes and its parsed value are each made from the other only when somebody asks. */
export class Line {
  /** Counted from 1 in the input of the step that has it; 0 for a record that this step made. */
  number: number;
  /** Where the line stands, if it was read, so that bytes can be looked at and sent on where they are: from `start` up to `end`. */
  readonly block: Buffer | undefined;
  readonly start: number;
  readonly end: number;
  #record: JsonObject | undefined;
  #text: string | undefined;
  readonly #parser: BlockParser | undefined;

  /** `parser` is that of a block that is whole. */
  constructor(number: number, block: Buffer | undefined, start: number, end: number, record?: JsonObject, parser?: BlockParser) {
    this.number = number;
    this.block = block;
    this.start = start;
    this.end = end;
    this.#record = record;
    this.#text = undefined;
    this.#parser = parser;
  }

  /** A record that a step made. */
  static of(record: JsonObject): Line {
    return new Line(0, undefined, 0, 0, record);
  }

  /** The same, written already: `text` is a JSON object without a `\n` in it. */
  static written(text: string): Line {
    const line = new Line(0, undefined, 0, 0);
    line.#text = text;
    return line;
  }

  /** A record that a step made, as JSON; only for a line without a block. */
  get text(): string {
    return this.#text ?? JSON.stringify(this.#record);
  }

  /** Whether nobody writes into its block any more: then one may look at what stands behind the line. */
  get isFinal(): boolean {
    return this.#parser !== undefined;
  }

  /** The record as it came, without its `\n`. */
  get bytes(): Buffer {
    if (this.block !== undefined) return this.block.subarray(this.start, this.end);
    return Buffer.from(this.text);
  }

  /** The parsed record; not to be changed in place. Throws BadLine if the line is not UTF-8 or not JSON. */
  get record(): JsonObject {
    this.#record ??= this.#parser?.record(this.start, this.end) ?? parseRecord(this.bytes);
    return this.#record;
  }
}

/** Many records, then the control line that closes them, if any. Bytes and lines are each made from the other only when asked for. */
export class Batch {
  readonly count: number;
  readonly control: Control | undefined;
  /** Lines that were read beside these and rejected: they count as read. */
  readonly rejected: number;
  #firstLine: number;
  #bytes: Buffer | undefined;
  #lines: readonly Line[] | undefined;

  private constructor(
    count: number,
    bytes: Buffer | undefined,
    lines: readonly Line[] | undefined,
    control?: Control,
    rejected = 0,
    firstLine = 1,
  ) {
    this.count = count;
    this.control = control;
    this.rejected = rejected;
    this.#firstLine = firstLine;
    this.#bytes = bytes;
    this.#lines = lines;
  }

  /** Whole lines, each a record that ends in `\n`; `count` of them. */
  static ofBytes(bytes: Buffer, count: number, control?: Control, rejected = 0, firstLine = 1): Batch {
    return new Batch(count, bytes, undefined, control, rejected, firstLine);
  }

  static ofLines(lines: readonly Line[], control?: Control): Batch {
    return new Batch(lines.length, undefined, lines, control);
  }

  /** No records, only a control line. */
  static ofControl(control: Control): Batch {
    return new Batch(0, Buffer.alloc(0), [], control);
  }

  /** The same records under another control line (or none). */
  closedBy(control: Control | undefined): Batch {
    return new Batch(this.count, this.#bytes, this.#lines, control, 0, this.#firstLine);
  }

  /** Counts the lines anew, for a step that takes them from another in the same process. */
  numberFrom(first: number): void {
    this.#firstLine = first;
    if (this.#lines === undefined) return;
    let number = first;
    for (const line of this.#lines) line.number = number++;
  }

  /** The number of the first record's line in the input of the step that read it. */
  get firstLine(): number {
    return this.#lines?.[0]?.number ?? this.#firstLine;
  }

  /** The records, each line with its `\n`, without the control line. */
  get bytes(): Buffer {
    this.#bytes ??= joinLines(this.#lines ?? []);
    return this.#bytes;
  }

  get lines(): readonly Line[] {
    this.#lines ??= splitLines(this.#bytes ?? Buffer.alloc(0), this.#firstLine);
    return this.#lines;
  }
}

function splitLines(block: Buffer, firstLine: number): Line[] {
  const lines: Line[] = [];
  const parser = new BlockParser(block);
  let start = 0;
  let number = firstLine;
  while (start < block.length) {
    let end = block.indexOf(newline, start);
    if (end < 0) end = block.length;
    lines.push(new Line(number++, block, start, end, undefined, parser));
    start = end + 1;
  }
  return lines;
}

/** Joins records into one buffer: neighbours in one block are copied as one piece, made records are serialised together. */
function joinLines(lines: readonly Line[]): Buffer {
  const pieces: Buffer[] = [];
  let made = '';
  let block: Buffer | undefined;
  let start = 0;
  let end = 0;
  const close = () => {
    if (block !== undefined) {
      // A last line may stand without its newline in the block.
      if (end < block.length) pieces.push(block.subarray(start, end + 1));
      else pieces.push(block.subarray(start, end), newlineBytes);
      block = undefined;
    }
    if (made !== '') {
      pieces.push(Buffer.from(made));
      made = '';
    }
  };
  for (const line of lines) {
    if (line.block === undefined) {
      if (block !== undefined) close();
      made += `${line.text}\n`;
    } else if (line.block === block && line.start === end + 1) {
      end = line.end;
    } else {
      close();
      ({ block, start, end } = line);
    }
  }
  close();
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/** A line that could not be read: its number in the input, its hash, and its bytes as far as they were kept. */
export interface Rejected {
  reason: string;
  number: number;
  sha256: string;
  /** The whole line, or its first 64 KiB where it was longer than the limit. */
  head: Buffer;
  /** The line's whole length in bytes. */
  length: number;
}

interface ReadOptions {
  maxLineBytes: number;
  /** Takes a line that is no record; throws where no dead letter was asked for. */
  reject: (rejected: Rejected) => void;
  /** Where the lines come from a foreign program, which has no marks to write: what looks like one is a bad line. */
  isForeign?: boolean;
}

/** The longest line that passes, unless `--max-line` says otherwise. */
export const defaultMaxLineBytes = 16 * 1024 * 1024;
const headBytes = 64 * 1024;
/** How long a control line may be, however short the lines of records are to be: it tells of many shards, and of many steps. */
const leastControlBytes = 1024 * 1024;

/**
 * Cuts bytes into batches of whole records, each closed by at most one control line. Only the first byte of a line is looked at;
 * a blank line (nothing, or only `\r`) is nothing. A last line without `\n` counts if it is a whole object, but not once marks
 * were seen: then its writer died, and that is a Failure (75).
 */
export async function* readBatches(chunks: AsyncIterable<Buffer>, options: ReadOptions): AsyncGenerator<Batch> {
  const cutter = new Cutter(options);
  for await (const chunk of chunks) yield* cutter.cut(chunk);
  yield* cutter.finish();
}

/** A batch that another step made, without the lines that are too long: as if it had been read. */
export function* cutAgain(batch: Batch, options: ReadOptions): Generator<Batch> {
  yield* new Cutter(options, batch.firstLine - 1).cut(batch.bytes);
  if (batch.control !== undefined) yield Batch.ofControl(batch.control);
}

class Cutter {
  readonly #maxLineBytes: number;
  readonly #reject: (rejected: Rejected) => void;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  #overlong: Overlong | undefined;
  #number: number;
  #marked = false;
  readonly #isForeign: boolean;

  /** `number` is that of the line before the first. */
  constructor(options: ReadOptions, number = 0) {
    this.#number = number;
    this.#isForeign = options.isForeign === true;
    this.#maxLineBytes = options.maxLineBytes;
    this.#reject = options.reject;
  }

  *cut(chunk: Buffer): Generator<Batch> {
    const first = chunk.indexOf(newline);
    if (first < 0) {
      this.#keep(chunk);
      return;
    }
    let rest = chunk;
    let rejected = 0;
    if (this.#overlong !== undefined) {
      this.#overlong.add(chunk.subarray(0, first));
      this.#number++;
      this.#reject(this.#overlong.rejected(this.#number, this.#maxLineBytes));
      this.#overlong = undefined;
      rejected = 1;
      rest = chunk.subarray(first + 1);
    }
    const last = rest.lastIndexOf(newline);
    if (last >= 0) {
      const whole = rest.subarray(0, last + 1);
      const block = this.#carryBytes === 0 ? whole : joinPieces([...this.#carry, whole]);
      this.#carry = [];
      this.#carryBytes = 0;
      yield* this.#cutBlock(block, rejected);
    } else if (rejected > 0) {
      yield Batch.ofBytes(Buffer.alloc(0), 0, undefined, rejected);
    }
    if (last + 1 < rest.length) this.#keep(rest.subarray(last + 1));
  }

  #keep(piece: Buffer): void {
    if (this.#overlong !== undefined) {
      this.#overlong.add(piece);
      return;
    }
    this.#carry.push(piece);
    this.#carryBytes += piece.length;
    // One byte more than the limit may be the `\r` of a CRLF.
    if (this.#carryBytes > this.#limitOf((this.#carry[0] as Buffer)[0]) + 1) {
      this.#overlong = new Overlong();
      for (const kept of this.#carry) this.#overlong.add(kept);
      this.#carry = [];
      this.#carryBytes = 0;
    } else if (this.#carry.length >= 1024) {
      // A writer of tiny pieces must not cost an array as long as its line.
      this.#carry = [Buffer.concat(this.#carry, this.#carryBytes)];
    }
  }

  /** How long a line may be that begins so. */
  #limitOf(first: number | undefined): number {
    return first === openBracket && !this.#isForeign ? Math.max(this.#maxLineBytes, leastControlBytes) : this.#maxLineBytes;
  }

  *#cutBlock(block: Buffer, alreadyRejected: number): Generator<Batch> {
    let rejected = alreadyRejected;
    let pieces: Buffer[] = [];
    let count = 0;
    let pieceStart = 0;
    let firstLine = this.#number + 1;
    let start = 0;
    const take = (control?: Control): Batch => {
      const only = pieces[0];
      const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
      const batch = Batch.ofBytes(bytes, count, control, rejected, firstLine);
      pieces = [];
      count = 0;
      rejected = 0;
      return batch;
    };
    while (start < block.length) {
      const end = block.indexOf(newline, start);
      this.#number++;
      if (block[start] === openBrace && end - start <= this.#maxLineBytes) {
        count++;
        start = end + 1;
        continue;
      }
      if (start > pieceStart) pieces.push(block.subarray(pieceStart, start));
      pieceStart = end + 1;
      const line = block.subarray(start, end);
      start = end + 1;
      if (isBlank(line)) {
        // The lines after it keep their numbers only in a batch of their own.
        if (count > 0) yield take();
        firstLine = this.#number + 1;
        continue;
      }
      const control =
        line[0] === openBracket && line.length <= this.#limitOf(openBracket) && !this.#isForeign
          ? parseControl(line.toString('utf8'))
          : undefined;
      if (control !== undefined) {
        this.#marked = true;
        yield take(control);
      } else {
        if (count > 0) yield take();
        this.#reject(rejectedLine(line, this.#number, this.#maxLineBytes));
        rejected++;
      }
      firstLine = this.#number + 1;
    }
    if (start > pieceStart) pieces.push(block.subarray(pieceStart, start));
    if (count > 0 || rejected > 0) yield take();
  }

  *finish(): Generator<Batch> {
    if (this.#overlong === undefined && this.#carryBytes === 0) return;
    this.#number++;
    const isCutBegin = !this.#isForeign && this.#number === 1 && startsLikeBegin(Buffer.concat(this.#carry).toString());
    if (this.#marked || isCutBegin) {
      throw new Failure('incomplete', `the input ends inside line ${this.#number}: the step before died`, 'run the pipe again');
    }
    if (this.#overlong !== undefined) {
      this.#reject(this.#overlong.rejected(this.#number, this.#maxLineBytes));
      yield Batch.ofBytes(Buffer.alloc(0), 0, undefined, 1);
      return;
    }
    const line = Buffer.concat(this.#carry);
    if (isBlank(line)) return;
    if (line[0] === openBrace && line.length <= this.#maxLineBytes && isWholeObject(line)) {
      yield Batch.ofBytes(Buffer.concat([line, newlineBytes]), 1, undefined, 0, this.#number);
      return;
    }
    const reason = line[0] === openBrace ? 'the last line is cut: no newline, and not a whole object' : undefined;
    this.#reject(rejectedLine(line, this.#number, this.#maxLineBytes, reason));
    yield Batch.ofBytes(Buffer.alloc(0), 0, undefined, 1);
  }
}

/** The pieces as one; nothing is copied where two lie side by side in one memory, as two reads of a pipe do. */
function joinPieces(pieces: readonly Buffer[]): Buffer {
  const [first, second] = pieces;
  if (
    pieces.length === 2 &&
    first !== undefined &&
    second !== undefined &&
    first.buffer === second.buffer &&
    first.byteOffset + first.length === second.byteOffset
  ) {
    return Buffer.from(first.buffer, first.byteOffset, first.length + second.length);
  }
  return Buffer.concat(pieces);
}

function isBlank(line: Buffer): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

function isWholeObject(line: Buffer): boolean {
  try {
    parseRecord(line);
    return true;
  } catch (error) {
    if (error instanceof BadLine) return false;
    throw error;
  }
}

function rejectedLine(line: Buffer, number: number, maxLineBytes: number, reason?: string): Rejected {
  return {
    reason: reason ?? reasonFor(line, maxLineBytes),
    number,
    sha256: sha256Of(line),
    head: line.length > maxLineBytes ? line.subarray(0, headBytes) : line,
    length: line.length,
  };
}

function reasonFor(line: Buffer, maxLineBytes: number): string {
  if (line.length > maxLineBytes) return `longer than ${maxLineBytes} bytes (--max-line)`;
  if (startsLikeControl(line.toString('latin1', 0, 16))) return 'it looks like a mark, but none is taken here';
  if (line[0] === openBracket) return 'an array, and no mark: a line must be a JSON object';
  if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) return 'a byte order mark: save the file as UTF-8 without one';
  if (line[0] === 0x3c) return 'HTML or XML, not JSON: perhaps an error page';
  return 'not a JSON object';
}

/** A line past the limit: hashed and counted as it goes by, only its head is kept. */
export class Overlong {
  readonly #hash = startSha256();
  #head = Buffer.alloc(0);
  #length = 0;

  add(piece: Buffer): void {
    this.#hash.update(piece);
    this.#length += piece.length;
    if (this.#head.length < headBytes) this.#head = Buffer.concat([this.#head, piece.subarray(0, headBytes - this.#head.length)]);
  }

  rejected(number: number, maxLineBytes: number): Rejected {
    return {
      reason: `longer than ${maxLineBytes} bytes (--max-line)`,
      number,
      sha256: this.#hash.digest('hex'),
      head: this.#head,
      length: this.#length,
    };
  }
}

/** The bytes of a batch as they go on the wire. */
export function writeBatch(batch: Batch): Buffer {
  if (batch.control === undefined) return batch.bytes;
  const control = Buffer.from(`${formatControl(batch.control)}\n`);
  return batch.count === 0 ? control : Buffer.concat([batch.bytes, control]);
}
