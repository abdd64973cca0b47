import { isAscii, isUtf8 } from 'node:buffer';

/** A JSON object as it was parsed. */
export type JsonObject = { [field: string]: unknown };

/** Why a line is no record. Steps catch it, one line at a time: the line goes to the dead letter, or the step fails with 65. */
export class BadLine extends Error {}

/** Parses one record. Throws BadLine with a reason that holds nothing of the record. */
export function parseRecord(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw new BadLine('not UTF-8');
  return parseText(bytes.toString('utf8'));
}

function parseText(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadLine(error instanceof RangeError ? 'nested too deeply' : 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadLine('not a JSON object');
  return value as JsonObject;
}

/** Why the bytes are no record; undefined for one. */
export function reasonAgainst(bytes: Buffer): string | undefined {
  try {
    parseRecord(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof BadLine) return error.message;
    throw error;
  }
}

const stretchBytes = 4096;

/** Parses the lines of one block. A stretch of ASCII is decoded at once, for all lines in it: that costs a third of decoding each line. */
export class BlockParser {
  readonly #block: Buffer;
  /** The stretch that was decoded last. */
  #text = '';
  #start = 0;
  #end = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  /** The record that stands from `start` up to `end`. Throws BadLine as parseRecord does. */
  record(start: number, end: number): JsonObject {
    if (start < this.#start || end > this.#end) this.#decode(start, end);
    if (end > this.#end) return parseRecord(this.#block.subarray(start, end));
    return parseText(this.#text.slice(start - this.#start, end - this.#start));
  }

  /** Decodes from `start` on, as far as all is ASCII: nothing where that is not as far as `end`. */
  #decode(start: number, end: number): void {
    const block = this.#block;
    const most = Math.min(start + stretchBytes, block.length);
    let known = start;
    for (let next = end; isAscii(block.subarray(known, next)); next = Math.min(2 * next - start + 1, most)) {
      known = next;
      if (next >= most) break;
    }
    this.#text = block.toString('latin1', start, known);
    this.#start = start;
    this.#end = known;
  }
}
