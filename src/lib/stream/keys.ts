import type { JsonObject, Line } from '../lines.ts';
import { Scanner } from '../scan.ts';

/**
 * Finds a record's partition key: the value at a path of field names joined by dots (`customer.id`). Text is taken as it is, a
 * number or a boolean as JavaScript writes it (1.0 is 1); anything else is no key. Throws BadLine for a line that is not JSON.
 */
export function keyReader(path: string): (line: Line) => string | undefined {
  const scanner = new Scanner([path]);
  const fields = path.split('.');
  return (line) => {
    const { block, start, end } = line;
    if (block !== undefined && scanner.scan(block, start, end, line.isFinal) && scanner.escaped[0] !== 1)
      return keyIn(block, scanner);
    let value: unknown = line.record;
    for (const field of fields) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
      value = (value as JsonObject)[field];
    }
    if (typeof value === 'string') return value === '' ? undefined : value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  };
}

/** The same out of the bytes, for what the scanner has answered. */
function keyIn(block: Buffer, { starts, ends, isAscii }: Scanner): string | undefined {
  const start = starts[0] as number;
  const end = ends[0] as number;
  if (start < 0) return undefined;
  switch (block[start]) {
    case 0x22: // a string
      return end - start === 2 ? undefined : block.toString(isAscii ? 'latin1' : 'utf8', start + 1, end - 1);
    case 0x5b: // an array, an object, null
    case 0x7b:
    case 0x6e:
      return undefined;
    default:
      return String(JSON.parse(block.toString('latin1', start, end)));
  }
}

/** What a person is told of records without their key. */
export function keylessNote(count: number, path: string): string {
  return `${count} ${count === 1 ? 'record has' : 'records have'} no ${path}: the sha256 of the line was the key`;
}
