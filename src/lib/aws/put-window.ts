import { bytesOf, type WasmMemory } from '../wasm.ts';

/** One record on its way in: its data stands in `block` from `start` up to `end`. */
export interface PutEntry {
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where in its data the key stands, in UTF-8, as a string of JSON has it between its quotes; -1 where it does not. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly partitionKey: string;
}

/** So much of a block is copied at once; more of it only for one record alone. */
const spanBytes = 64 * 1024;
/** What stands between two records is copied too, if it is no more than this: that takes less than to begin anew. */
const gapBytes = 2 * 1024;
/** How many records it holds at most. */
export const mostRecords = 512;
const slackBytes = 16;

/** The largest record that Kinesis takes. */
export const mostBytes = 1024 ** 2;
/** Keys that do not stand in their records, of those that are written at once. */
export const keysBytes = 16 * 1024;

/**
 * Records in a memory of WebAssembly, some at a time: from `places` on stand four numbers of 32 bits for each, where its data begins and ends, and its
 * key, as the inside of a string of JSON. 16 bytes behind whatever they tell of may be read.
 */
export class PutWindow {
  /** How many there are. */
  count = 0;
  readonly places: number;
  /** The memory; what lies behind `end` is free. */
  readonly bytes: Buffer;
  readonly end: number;
  readonly #numbers: Int32Array;
  readonly #texts: number;
  readonly #data: number;

  /** It takes the memory from `free` on, and so much is to be free behind it. */
  constructor(memory: WasmMemory, free: number, moreBytes: number) {
    this.places = (free + 15) & ~15;
    this.#texts = this.places + mostRecords * 16;
    this.#data = this.#texts + keysBytes + slackBytes;
    this.end = this.#data + mostBytes + slackBytes;
    this.bytes = bytesOf(memory, this.end + moreBytes + slackBytes);
    this.#numbers = new Int32Array(this.bytes.buffer, this.places, mostRecords * 4);
  }

  /** Takes in records from the one of that number on, as many as follow one another in a block; gives the number of the next. */
  take(entries: readonly PutEntry[], first: number): number {
    const { block, start: from } = entries[first] as PutEntry;
    const numbers = this.#numbers;
    const shift = this.#data - from;
    const most = Math.min(entries.length, first + mostRecords);
    let to = from;
    let text = this.#texts;
    let next = first;
    for (let at = 0; next < most; next++, at += 4) {
      const entry = entries[next] as PutEntry;
      const { start, end, keyStart, keyEnd } = entry;
      if (next > first && (entry.block !== block || start < to || start - to > gapBytes || end - from > spanBytes)) break;
      numbers[at] = start + shift;
      numbers[at + 1] = end + shift;
      if (keyStart >= 0) {
        numbers[at + 2] = keyStart + shift;
        numbers[at + 3] = keyEnd + shift;
      } else {
        const key = JSON.stringify(entry.partitionKey).slice(1, -1);
        if (next > first && text + Buffer.byteLength(key) > this.#texts + keysBytes) break;
        numbers[at + 2] = text;
        text += this.bytes.write(key, text);
        numbers[at + 3] = text;
      }
      to = end;
    }
    block.copy(this.bytes, this.#data, from, to);
    this.count = next - first;
    return next;
  }
}
