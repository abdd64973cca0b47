import { createHash } from 'node:crypto';
import type { PutEntry } from '../../aws/put-body.ts';
import { Failure } from '../../errors.ts';
import { Line } from '../../lines.ts';
import { deaggregate, digestBytes, magic, type SubRecord } from './aggregated.ts';
import { type LinePut, orderOf, type Put } from './put.ts';
import type { ShardMap } from './shard-map.ts';

/**
 * How large an aggregated record becomes: a quarter of what a record may hold. One is under way to a shard at a time, and this is enough
 * for the mebibyte that a shard takes in a second.
 */
export const aggregateBytes = 256 * 1024;
/** What a record takes beside its data and its key, at most: four tags, the number of its key and three lengths. */
export const frameBytes = 4 + 4 * 4;

/**
 * Records of one shard, packed into one record of the Kinesis Producer Library. Its key is that of the first record, so that the service
 * puts it where that one belongs. The next of the same shard leaves when this one is done: the shard's order is kept. While it waits it
 * is nothing but these bytes: what somebody wants to know of a record is read out of them.
 */
export class Aggregate implements Put {
  block: Buffer = empty;
  readonly start = 0;
  partitionKey = '';
  readonly keyStart = -1;
  readonly keyEnd = -1;
  readonly bytes: number;
  readonly order: number;
  next: Put | undefined = undefined;
  beside: Put | undefined = undefined;
  /** The lines' numbers. */
  #numbers: readonly number[] = [];
  readonly #map: ShardMap;
  readonly #spares: Buffer[];
  /** Where it was meant for; unknown for what is left of one that missed its shard. */
  #shard: string | undefined;

  /** `spares` is memory of aggregates that are done: this one takes of it, and comes to lie there. */
  constructor(puts: readonly LinePut[], shard: string, map: ShardMap, spares: Buffer[]) {
    this.#map = map;
    this.#spares = spares;
    this.#shard = shard;
    this.order = orderOf(Buffer.from(shard), 0, shard.length);
    this.#pack(
      puts,
      puts.map(({ number }) => number),
    );
    this.bytes = this.block.length + Buffer.byteLength(this.partitionKey);
  }

  get end(): number {
    return this.block.length;
  }

  get lines(): readonly Line[] {
    return this.#records().map(({ block, start, end }, i) => new Line(this.#numbers[i] as number, block, start, end - 1));
  }

  get count(): number {
    return this.#numbers.length;
  }

  /**
   * After a split or a merge it may lie in another shard than it was meant for. Readers pass over the records that do not belong there
   * (the KCL does, and get-stream): those go out again, ahead of whatever follows them.
   */
  async isDone(shard: string | undefined): Promise<boolean> {
    if (this.count === 1) return true;
    if (shard === undefined || shard === this.#shard) {
      this.#spares.push(Buffer.from(this.block.buffer));
      return true;
    }
    const isFound = await this.#map.finder(shard);
    const records = this.#records();
    const isStrange = records.map(({ partitionKey }) => !isFound(partitionKey));
    const rest = records.filter((_, i) => isStrange[i]);
    if (rest.length === 0) return true;
    // The first one's key chose the shard: it cannot be a stranger there.
    if (rest.length === records.length)
      throw new Failure(
        'refused',
        `kinesis put records into ${shard}, whose range of hash keys does not hold their key`,
        'leave out --aggregate, which needs to know where records fall',
      );
    this.#shard = undefined;
    this.#pack(
      rest,
      this.#numbers.filter((_, i) => isStrange[i]),
    );
    return false;
  }

  #pack(records: readonly PutEntry[], numbers: readonly number[]): void {
    const [first] = records as [PutEntry];
    this.#numbers = numbers;
    this.partitionKey = first.partitionKey;
    // One alone needs no wrapping, and may be too large for it.
    this.block = records.length === 1 ? first.block.subarray(first.start, first.end) : pack(records, this.#spares.pop());
  }

  #records(): readonly PutEntry[] {
    const { block, partitionKey, count } = this;
    const packed = count === 1 ? [{ data: block, partitionKey }] : (deaggregate(block) as readonly SubRecord[]);
    return packed.map(({ data, partitionKey: key }) => ({
      block: data,
      start: 0,
      end: data.length,
      keyStart: -1,
      keyEnd: -1,
      partitionKey: key,
    }));
  }
}

/** Packs records into one, in `spare` where they fit. Source: github.com/awslabs/amazon-kinesis-producer, aggregation-format.md. */
export function pack(entries: readonly PutEntry[], spare?: Buffer): Buffer {
  let room = magic.length + digestBytes;
  for (const entry of entries) {
    const keyBytes = entry.keyStart >= 0 ? entry.keyEnd - entry.keyStart : 3 * entry.partitionKey.length;
    room += frameBytes + entry.end - entry.start + keyBytes;
  }
  const packed = spare !== undefined && spare.length >= room ? spare : Buffer.allocUnsafeSlow(Math.max(room, aggregateBytes));
  packed.set(magic);
  let at = magic.length;
  // AggregatedRecord: partition_key_table = 1, records = 3. Each key comes once: one that is there already is written over by what follows.
  const table = new Map<number, number>();
  const places = new Uint32Array(entries.length);
  const numbers = new Uint32Array(entries.length);
  let keys = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as PutEntry;
    const place = at;
    packed[at++] = 0x0a;
    if (entry.keyStart >= 0) {
      at = writeVarint(packed, at, entry.keyEnd - entry.keyStart);
      const { block, keyEnd } = entry;
      for (let from = entry.keyStart; from < keyEnd; from++) packed[at++] = block[from] as number;
    } else {
      at = writeText(packed, at, entry.partitionKey);
    }
    const hash = orderOf(packed, place, at);
    const known = table.get(hash);
    if (known !== undefined && isSame(packed, places[known] as number, place, at)) {
      numbers[i] = known;
      at = place;
      continue;
    }
    // Of two keys that share a hash only the first is found again.
    if (known === undefined) table.set(hash, keys);
    places[keys] = place;
    numbers[i] = keys++;
  }
  // Record: partition_key_index = 1, data = 3.
  for (let i = 0; i < entries.length; i++) {
    const { block, start, end } = entries[i] as PutEntry;
    const number = numbers[i] as number;
    packed[at++] = 0x1a;
    at = writeVarint(packed, at, 2 + sizeOfVarint(number) + sizeOfVarint(end - start) + end - start);
    packed[at++] = 0x08;
    at = writeVarint(packed, at, number);
    packed[at++] = 0x1a;
    at = writeVarint(packed, at, end - start);
    // Buffer.copy would look at its arguments four times over.
    packed.set(new Uint8Array(block.buffer, block.byteOffset + start, end - start), at);
    at += end - start;
  }
  packed.set(createHash('md5').update(packed.subarray(magic.length, at)).digest(), at);
  return packed.subarray(0, at + digestBytes);
}

/** Whether what stands from `start` up to `end` stands at `place` too. */
function isSame(bytes: Buffer, place: number, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== bytes[place + at - start]) return false;
  return true;
}

/** Letter by letter while they are ASCII: a call out of JavaScript costs more than a key. */
function writeText(packed: Buffer, from: number, text: string): number {
  let at = writeVarint(packed, from, text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7e) {
      at = writeVarint(packed, from, Buffer.byteLength(text));
      return at + packed.write(text, at);
    }
    packed[at++] = code;
  }
  return at;
}

function writeVarint(packed: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) packed[at++] = (rest & 0x7f) | 0x80;
  packed[at] = rest;
  return at + 1;
}

function sizeOfVarint(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

const empty = Buffer.alloc(0);
