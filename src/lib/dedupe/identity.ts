import { elementsOf, memberOf, type Range, skipBlanks } from '../json-bytes.ts';
import { BadLine, type JsonObject, Line } from '../lines.ts';
import { BlockParser } from '../records.ts';
import { Scanner } from '../scan.ts';
import { canonicalJson } from './canonical.ts';
import type { Mac } from './mac.ts';

/** Finds what tells a record from others: its `id`, and its `revision` where it has one; or the values at some paths, field names joined by dots. */
export class Identifier {
  /** The line that was looked at last ends here. */
  end = 0;
  readonly #parsed: (line: Line) => string | undefined;
  readonly #isOwn: boolean;
  /** Undefined where several values have to be put together. */
  readonly #scanner: Scanner | undefined;
  #parser: { block: Buffer; parser: BlockParser } | undefined;

  constructor(paths: readonly string[]) {
    this.#parsed = paths.length === 0 ? idAndRevision : valuesAt(paths);
    this.#isOwn = paths.length === 1;
    if (paths.length < 2) this.#scanner = new Scanner(this.#isOwn ? paths : ['id', 'revision']);
  }

  /**
   * Hashes it, as JSON text, for the line that begins at `start` of a batch's bytes. False where there is none; undefined where its bytes do not tell:
   * then it is to be parsed.
   */
  hashWritten(block: Buffer, start: number, mac: Mac): boolean | undefined {
    const scanner = this.#scanner;
    this.end = scanner === undefined ? block.indexOf(newline, start) : scanner.scanFrom(block, start);
    if (this.end < 0) this.end = block.length;
    if (scanner === undefined || !scanner.isRecord || !isAsWritten(scanner, block, 0)) return undefined;
    const { starts, ends } = scanner;
    const [from, to] = [starts[0] as number, ends[0] as number];
    if (from < 0 || block[from] === firstOfNull) return false;
    const revision = this.#isOwn ? -1 : (starts[1] as number);
    if (revision < 0) {
      mac.hash(block, from, to);
      return true;
    }
    if (!isAsWritten(scanner, block, 1)) return undefined;
    mac.hashText(block.toString('utf8', from, to) + comma + block.toString('utf8', revision, ends[1]));
    return true;
  }

  /** The line that was looked at last, to be parsed. */
  lineAt(block: Buffer, start: number): Line {
    if (this.#parser?.block !== block) this.#parser = { block, parser: new BlockParser(block) };
    return new Line(0, block, start, this.end, undefined, this.#parser.parser);
  }

  /** The same of the line that `hashWritten` has just looked at. Throws BadLine where it is not JSON, or its id is nested too deeply to be written. */
  hashParsed(block: Buffer, start: number, mac: Mac): boolean {
    const text = this.#parsed(this.lineAt(block, start));
    if (text !== undefined) mac.hashText(text);
    return text !== undefined;
  }
}

function idAndRevision(line: Line): string | undefined {
  const { id, revision } = line.record;
  if (id === undefined || id === null) return undefined;
  const text = textOf(id, line, ['id']);
  return revision === undefined ? text : `${text},${textOf(revision, line, ['revision'])}`;
}

function valuesAt(paths: readonly string[]): (line: Line) => string | undefined {
  const readers = paths.map((path) => ({ fields: path.split('.'), read: valueReader(path) }));
  return (line) => {
    const values = readers.map(({ read }) => read(line.record));
    // A part that is missing is a part all the same, unless all are.
    if (values.every((value) => value === undefined || value === null)) return undefined;
    return values.map((value, i) => (value === undefined ? '' : textOf(value, line, readers[i]?.fields ?? []))).join();
  };
}

const newline = 0x0a;
const comma = ',';
const openBracket = 0x5b;
const quote = 0x22;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const firstOfNull = 0x6e;
/** JSON.stringify writes whole numbers of so many digits without an exponent. */
const plainDigits = 21;

/** Whether a value stands as JSON.stringify would write it, or is not there: else only the parse can tell. */
function isAsWritten({ starts, ends, escaped }: Scanner, block: Buffer, answer: number): boolean {
  const [start, end] = [starts[answer] as number, ends[answer] as number];
  if (start < 0) return true;
  const first = block[start] as number;
  if (first === quote) return escaped[answer] === 0;
  // Of three literals each begins with another letter.
  if (first > nine) return first >= 0x61 && first <= 0x7a;
  if (end - start > plainDigits || (first === minus && block[start + 1] === zero)) return false;
  for (let at = start + 1; at < end; at++) if ((block[at] as number) < zero || (block[at] as number) > nine) return false;
  return true;
}

/** A value as JSON.stringify writes it; but numbers, which lose digits in the parse, by what stands at the path in the line. */
function textOf(value: unknown, line: Line, path: readonly string[]): string {
  try {
    if (typeof value !== 'number' && typeof value !== 'object') return JSON.stringify(value);
    const { bytes } = line;
    const range = rangeAt(bytes, path);
    return range === undefined ? JSON.stringify(value) : canonicalJson(bytes.toString('utf8', range.start, range.end), value);
  } catch (error) {
    if (error instanceof RangeError) throw new BadLine('nested too deeply');
    throw error;
  }
}

function rangeAt(bytes: Buffer, path: readonly string[]): Range | undefined {
  let range: Range | undefined = { start: skipBlanks(bytes, 0), end: bytes.length };
  for (const name of path) {
    if (range === undefined) return undefined;
    const isList: boolean = bytes[range.start] === openBracket;
    range = isList ? elementsOf(bytes, range.start)[Number(name)] : memberOf(bytes, range.start, name);
  }
  return range;
}

const timeFields = ['created_at', 'created', 'occurred_at', 'timestamp'];

/** Finds when a record came about, in milliseconds since 1970: an RFC 3339 time, or a number of seconds or milliseconds. */
export function timeReader(path: string | undefined): (record: JsonObject) => number | undefined {
  const readers = (path === undefined ? timeFields : [path]).map(valueReader);
  return (record) => {
    for (const read of readers) {
      const ms = toMs(read(record));
      if (ms !== undefined) return ms;
    }
    return undefined;
  };
}

// A number as great as this is in milliseconds: as seconds it would be the year 5138.
const leastMs = 100_000_000_000;

function toMs(value: unknown): number | undefined {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value < leastMs ? value * 1000 : value;
  if (typeof value !== 'string') return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function valueReader(path: string): (record: JsonObject) => unknown {
  const fields = path.split('.');
  return (record) => {
    let value: unknown = record;
    for (const field of fields) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
      value = (value as JsonObject)[field];
    }
    return value;
  };
}
