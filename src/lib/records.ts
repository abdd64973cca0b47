import { isAscii, isUtf8 } from 'node:buffer';

/** A JSON object as it was parsed. */
export type JsonObject = { [field: string]: unknown };

/** Why a line is no record. Steps catch it, one line at a time: the line goes to the dead letter, or the step fails with 65. */
export class BadLine extends Error {}

/** Parses one record. Throws BadLine with a reason that holds nothing of the record. */
export function parseRecord(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw new BadLine('not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new BadLine(error instanceof RangeError ? 'nested too deeply' : 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadLine('not a JSON object');
  return value as JsonObject;
}

const newline = 0x0a;
const openBrace = 0x7b;
const mostLines = 64;
const mostBytes = 64 * 1024;

/**
 * Stands between two lines that are parsed as one text. What lies in the lines could make up for a comma (`{"a":[1` and `2]},{}`
 * are two bad lines, and joined by one two good records), but it cannot guess this number.
 */
const between = 2 ** 29 + Math.floor(2 ** 29 * Math.random());
const joint = `,${between},`;

/**
 * Parses the lines of a block, many at a time once they are asked for one after the other, as a disk is read ahead: one call of
 * JSON.parse costs as much as a fifth of a small record. What one line parses to does not depend on its neighbours.
 */
export class ReadAhead {
  readonly #block: Buffer;
  #records: JsonObject[] = [];
  /** The number of the line that `#records` begins with. */
  #first = 0;
  #lines = 1;

  constructor(block: Buffer) {
    this.#block = block;
  }

  /** The record of a line of the block, by its number among them and its place. Throws BadLine as parseRecord does. */
  record(number: number, start: number, end: number): JsonObject {
    const known = this.#records[number - this.#first];
    if (known !== undefined) return known;
    const isNext = number === this.#first + this.#records.length;
    this.#lines = isNext ? Math.min(2 * this.#lines, mostLines) : 1;
    this.#first = number;
    this.#records = this.#lines > 1 ? parseLines(this.#block, start, this.#lines) : [];
    if (this.#records.length === 0) {
      this.#lines = 1;
      this.#records = [parseRecord(this.#block.subarray(start, end))];
    }
    return this.#records[0] as JsonObject;
  }
}

/** The records of up to `most` whole lines from `start`; none where one of them is no record, or where it does not pay. */
function parseLines(block: Buffer, start: number, most: number): JsonObject[] {
  let count = 0;
  let end = start;
  while (count < most && block[end] === openBrace) {
    const next = block.indexOf(newline, end) + 1;
    if (next === 0 || (count > 0 && next - start > mostBytes)) break;
    end = next;
    count++;
  }
  if (count < 2) return [];
  const bytes = block.subarray(start, end - 1);
  const isPlain = isAscii(bytes);
  if (!isPlain && !isUtf8(bytes)) return [];
  const text = bytes.toString(isPlain ? 'latin1' : 'utf8');
  let values: unknown[];
  try {
    values = JSON.parse(`[${text.replaceAll('\n', joint)}]`) as unknown[];
  } catch {
    return [];
  }
  if (values.length !== 2 * count - 1) return [];
  const records: JsonObject[] = [];
  for (let i = 0; i < values.length; i += 2) {
    if (i > 0 && values[i - 1] !== between) return [];
    records.push(values[i] as JsonObject);
  }
  return records;
}
