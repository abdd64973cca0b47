import type { PutEntry } from '../../aws/put-window.ts';
import { Line } from '../../lines.ts';
import type { KeyedLines } from './keyed-lines.ts';

/** What a service that takes records asks of them: how large a request and a record may be, the keys counted where it has some. */
export interface Limits {
  readonly service: string;
  readonly requestBytes: number;
  readonly recordBytes: number;
  /** How long a key may be; undefined: there are none. */
  readonly keyCharacters: number | undefined;
}

/** Source: the API reference of Kinesis, PutRecords. */
export const kinesisLimits: Limits = {
  service: 'Kinesis',
  requestBytes: 5 * 1024 ** 2,
  recordBytes: 1024 ** 2,
  keyCharacters: 256,
};
/** Source: the API reference of Firehose, PutRecordBatch. */
export const firehoseLimits: Limits = {
  service: 'Firehose',
  requestBytes: 4 * 1024 ** 2,
  recordBytes: 1000 * 1024,
  keyCharacters: undefined,
};
/** Both take as many records at once. */
export const requestRecords = 500;

/** A record of the stream on its way in, with the lines that it holds. */
export interface Put extends PutEntry {
  readonly lines: readonly Line[];
  /** How many they are. */
  readonly count: number;
  /** What counts for the limits: the data and the key. */
  readonly bytes: number;
  /** Of two that have the same (`orderOf`), the second leaves when the first is done; undefined: it waits for nobody. */
  readonly order: number | undefined;
  /** For the queue: the one that waits behind it. */
  next: Put | undefined;
  /** For Tails alone. */
  beside: Put | undefined;
  /** It was taken, into that shard: is all of it where readers look for it? If not, what remains goes out again. */
  isDone(shard: string | undefined): boolean | Promise<boolean>;
}

/** A line as a record of its own; its data is the line with its `\n`, where it stands. */
export class LinePut implements Put {
  readonly number: number;
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  #text: string | undefined;
  readonly bytes: number;
  readonly order: number | undefined;
  next: Put | undefined = undefined;
  beside: Put | undefined = undefined;

  /** Of the line that it is at. One without a key of its own waits for nobody. */
  constructor({ number, block, start, end, keyStart, keyEnd, text, hasKey, bytes }: KeyedLines) {
    this.number = number;
    this.block = block;
    this.start = start;
    this.end = end;
    this.keyStart = keyStart;
    this.keyEnd = keyEnd;
    this.#text = text?.toString();
    this.bytes = bytes;
    if (!hasKey) this.order = undefined;
    else this.order = text === undefined ? orderOf(block, keyStart, keyEnd) : orderOf(text, 0, text.length);
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
