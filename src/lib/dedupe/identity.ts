import { BadLine, type JsonObject, type Line } from '../lines.ts';
import { Scanner } from '../scan.ts';

/**
 * Finds what tells a record from others, as JSON text: its `id`, and its `revision` where it has one; or the values at the paths given, field names
 * joined by dots. Undefined where there is none. Throws BadLine for a line that is not JSON, or whose id is nested too deeply to be written.
 */
export function identityReader(paths: readonly string[]): (line: Line) => string | undefined {
  const parsed = paths.length === 0 ? idAndRevision : valuesAt(paths);
  if (paths.length > 1) return parsed;
  const isOwn = paths.length === 1;
  const scanner = new Scanner(isOwn ? paths : ['id', 'revision']);
  return (line) => {
    const { block, start, end } = line;
    if (block === undefined || !scanner.scan(block, start, end)) return parsed(line);
    const id = writtenAt(scanner, block, 0);
    const revision = isOwn ? '' : writtenAt(scanner, block, 1);
    if (id === undefined || revision === undefined) return parsed(line);
    if (id === '' || id === 'null') return undefined;
    return revision === '' ? id : `${id},${revision}`;
  };
}

function idAndRevision({ record: { id, revision } }: Line): string | undefined {
  if (id === undefined || id === null) return undefined;
  return revision === undefined ? textOf(id) : `${textOf(id)},${textOf(revision)}`;
}

function valuesAt(paths: readonly string[]): (line: Line) => string | undefined {
  const readers = paths.map(valueReader);
  return ({ record }) => {
    const values = readers.map((read) => read(record));
    // A part that is missing is a part all the same, unless all are.
    if (values.every((value) => value === undefined || value === null)) return undefined;
    return values.map((value) => (value === undefined ? '' : textOf(value))).join();
  };
}

const quote = 0x22;
const safeDigits = 15;

/** A value as JSON.stringify would write it, if it stands so already: '' where there is none, undefined where only the parse can tell. */
function writtenAt({ starts, ends, escaped, isAscii }: Scanner, block: Buffer, answer: number): string | undefined {
  const [start, end] = [starts[answer] as number, ends[answer] as number];
  if (start < 0) return '';
  if (block[start] === quote) return escaped[answer] === 1 ? undefined : block.toString(isAscii ? 'latin1' : 'utf8', start, end);
  if (end - start > safeDigits) return undefined;
  const text = block.toString('latin1', start, end);
  return /^(?:0|-?[1-9][0-9]*|true|false|null)$/.test(text) ? text : undefined;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw new BadLine('nested too deeply');
    throw error;
  }
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
