import type { JsonObject, Line } from '../lines.ts';

/**
 * Finds a record's partition key: the value at a path of field names joined by dots (`customer.id`). Text is taken as it is, a
 * number or a boolean as it is written in JSON; anything else is no key. Throws BadLine for a line that is not JSON.
 */
export function keyReader(path: string): (line: Line) => string | undefined {
  const fields = path.split('.');
  return (line) => {
    let value: unknown = line.record;
    for (const field of fields) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
      value = (value as JsonObject)[field];
    }
    if (typeof value === 'string') return value === '' ? undefined : value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  };
}

/** What a person is told of records without their key. */
export function keylessNote(count: number, path: string): string {
  return `${count} ${count === 1 ? 'record has' : 'records have'} no ${path}: the sha256 of the line was the key`;
}
