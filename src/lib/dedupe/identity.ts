import { BadLine, type JsonObject, type Line } from '../lines.ts';

/**
 * Finds what tells a record from others, as JSON text: its `id`, and its `revision` where it has one; or the values at the paths given, field names
 * joined by dots. Undefined where there is none. Throws BadLine for a line that is not JSON, or whose id is nested too deeply to be written.
 */
export function identityReader(paths: readonly string[]): (line: Line) => string | undefined {
  if (paths.length === 0) {
    return (line) => {
      const { id, revision } = line.record;
      if (id === undefined || id === null) return undefined;
      return revision === undefined ? textOf(id) : `${textOf(id)},${textOf(revision)}`;
    };
  }
  const readers = paths.map(valueReader);
  return ({ record }) => {
    const values = readers.map((read) => read(record));
    // A part that is missing is a part all the same, unless all are.
    if (values.every((value) => value === undefined || value === null)) return undefined;
    return values.map((value) => (value === undefined ? '' : textOf(value))).join();
  };
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
