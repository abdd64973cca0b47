import type { PutEntry } from '../../aws/put-window.ts';
import { sha256Of } from '../../hashing.ts';
import { Line } from '../../lines.ts';
import type { KeyReader } from '../keys.ts';

/** The limits of PutRecords, keys counted. Source: the API reference of Kinesis, PutRecords. */
export const limits = {
  requestRecords: 500,
  requestBytes: 5 * 1024 ** 2,
  recordBytes: 1024 ** 2,
  keyCharacters: 256,
} as const;

/** A record of the stream on its way in, with the lines that it holds. */
export interface Put extends PutEntry {
  readonly lines: readonly Line[];
  /** How many they are. */
  readonly count: number;
  /** What counts for the limits: the data and the key. */
  readonly bytes: number;
  /** Of two that have the same (`orderOf`), the second leaves when the first is done; undefined: it waits for nobody. */
  readonly order: number | undefined;
  /** The following one of the same order. */
  next: Put | undefined;
  /** For Tails alone. */
  beside: Put | undefined;
  /** It was taken, into that shard: is all of it where readers look for it? If not, what remains goes out again. */
  isDone(shard: string | undefined): boolean | Promise<boolean>;
}

/** A line as a record of its own; its data is the line with its `\n`, where it stands if the two stand together. */
export class LinePut implements Put {
  readonly number: number;
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  #text: string | undefined = undefined;
  readonly bytes: number;
  readonly order: number | undefined;
  next: Put | undefined = undefined;
  beside: Put | undefined = undefined;

  /** `key` has read the line's; a line without one has the sha256 of its bytes for it, and waits for nobody. */
  constructor(line: Line, key: KeyReader | undefined) {
    const { block, end } = line;
    const isWhole = block !== undefined && end < block.length;
    this.number = line.number;
    this.block = isWhole ? block : Buffer.concat([line.bytes, newline]);
    this.start = isWhole ? line.start : 0;
    this.end = isWhole ? end + 1 : this.block.length;
    const bytes = this.end - this.start;
    if (key !== undefined && key.start >= 0 && key.end - key.start <= limits.keyCharacters) {
      this.keyStart = key.start - line.start + this.start;
      this.keyEnd = key.end - line.start + this.start;
      this.bytes = bytes + key.end - key.start;
      this.order = orderOf(this.block, this.keyStart, this.keyEnd);
      return;
    }
    this.keyStart = -1;
    this.keyEnd = -1;
    this.#text = key === undefined ? sha256Of(line.bytes) : keyWithinLimit(key.text);
    const text = Buffer.from(this.#text);
    this.bytes = bytes + text.length;
    this.order = key === undefined ? undefined : orderOf(text, 0, text.length);
  }

  get partitionKey(): string {
    return (this.#text ??= this.block.toString('utf8', this.keyStart, this.keyEnd));
  }

  /** Made anew: many thousands of these wait, and each object more is looked at by the collector. */
  get lines(): readonly Line[] {
    return [new Line(this.number, this.block, this.start, this.end - 1)];
  }

  get count(): number {
    return 1;
  }

  isDone(): boolean {
    return true;
  }
}

const newline = Buffer.from('\n');

/** A key longer than Kinesis takes is replaced by its hash: equal keys still share a shard, in order. */
function keyWithinLimit(key: string): string {
  return key.length <= limits.keyCharacters ? key : sha256Of(Buffer.from(key));
}

/**
 * The order of a key, or of a shard: a hash of 30 bits, which costs the queue less than the text. Two keys that share one by chance leave one behind the
 * other, as if they were one.
 */
export function orderOf(text: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (text[at] as number), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return hash & 0x3fffffff;
}
