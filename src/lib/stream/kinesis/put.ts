import type { PutEntry } from '../../aws/put-body.ts';
import { Line } from '../../lines.ts';

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
  /** It was taken, into that shard: is all of it where readers look for it? If not, what remains goes out again. */
  isDone(shard: string | undefined): boolean | Promise<boolean>;
}

/** A line as a record of its own; its data is the line with its `\n`, where it stands if the two stand together. */
export class LinePut implements Put {
  readonly #number: number;
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  readonly partitionKey: string;
  readonly bytes: number;
  readonly order: number | undefined;
  next: Put | undefined = undefined;
  readonly count = 1;

  constructor(line: Line, partitionKey: string, isOrdered: boolean) {
    const { block, end } = line;
    const isWhole = block !== undefined && end < block.length;
    this.#number = line.number;
    this.block = isWhole ? block : Buffer.concat([line.bytes, newline]);
    this.start = isWhole ? line.start : 0;
    this.end = isWhole ? end + 1 : this.block.length;
    this.partitionKey = partitionKey;
    this.bytes = this.end - this.start + Buffer.byteLength(partitionKey);
    this.order = isOrdered ? orderOf(partitionKey) : undefined;
  }

  /** Made anew: many thousands of these wait, and each object more is looked at by the collector. */
  get lines(): readonly Line[] {
    return [new Line(this.#number, this.block, this.start, this.end - 1)];
  }

  isDone(): boolean {
    return true;
  }
}

const newline = Buffer.from('\n');

/**
 * The order of a key, or of a shard: a hash of 30 bits, which costs the queue less than the text. Two keys that share one by chance leave one behind the
 * other, as if they were one.
 */
export function orderOf(text: string): number {
  let hash = text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return hash & 0x3fffffff;
}
