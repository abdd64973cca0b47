import { createHash } from 'node:crypto';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../../wasm.ts';
import type { KeyedLines } from '../put/keyed-lines.ts';
import { digestBytes, magic, type SubRecord } from './aggregated.ts';
import { wasm } from './packer-wasm.ts';

/**
 * How large an aggregated record becomes: a quarter of what a record may hold. One is under way to a shard at a time, and this is enough
 * for the mebibyte that a shard takes in a second.
 */
export const aggregateBytes = 256 * 1024;
/** What a record takes beside its data and its key, at most: four tags, the number of its key and three lengths. */
export const frameBytes = 4 + 4 * 4;
/** So much of a block is copied at once: a record that is longer is not packed. */
export const windowBytes = 128 * 1024;

/** How many records the window has room for, and the keys that do not stand in their records. */
const mostRecords = 1024;
const textBytes = 16 * 1024;
const slackBytes = 16;
/** Of a record: where it begins and ends, where its key does, and which is the next of the same bundle. */
const words = 5;

/** Records of one shard, which become one record of Kinesis. */
export class Bundle {
  readonly shard: string;
  /** The key of the first. */
  partitionKey = '';
  /** The numbers of their lines. */
  numbers: number[] = [];
  /** What they come to at most. */
  bytes = 0;
  /** For the packer: the fields that are written, how many keys are among them, and which records of the window are still to be. */
  readonly keys = new Growing();
  readonly records = new Growing();
  keyCount = 0;
  first = -1;
  last = -1;
  /** How long the data is of the last one. */
  lastBytes = 0;

  constructor(shard: string) {
    this.shard = shard;
  }
}

/** What is packed of a line: where it stands, and its key, there or as a text. */
type Packed = Pick<KeyedLines, 'block' | 'start' | 'end' | 'keyStart' | 'keyEnd' | 'text'>;

/** What packer-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  heap: { value: number };
  count: { value: number };
  keysEnd: { value: number };
  recordsEnd: { value: number };
  pack(places: number, first: number, before: number, keys: number, records: number): void;
}

/**
 * Packs records into bundles, and bundles into records of Kinesis. A block is copied once, a window of it at a time; what each bundle gets of it is
 * written together. A key that comes back is written once a window. Source: github.com/awslabs/amazon-kinesis-producer, aggregation-format.md.
 */
export class Packer {
  /** For a process that cannot have WebAssembly the same is done by `encode`. */
  readonly #module: Module | undefined;
  readonly #memory: Buffer;
  readonly #numbers: Int32Array;
  readonly #places: number;
  readonly #texts: number;
  readonly #data: number;
  readonly #keys: number;
  readonly #records: number;
  #block: Buffer | undefined;
  #from = 0;
  #to = 0;
  #count = 0;
  #textsEnd = 0;
  /** Memory of large records of Kinesis: that which is its own, and that which is done with. */
  readonly #own = new WeakSet<object>();
  readonly #spares: Buffer[] = [];

  constructor() {
    this.#module = wherePossible(() => instantiate<Module>(wasm));
    this.#places = ((this.#module?.heap.value ?? 0) + 15) & ~15;
    this.#texts = this.#places + 4 * words * mostRecords;
    this.#data = this.#texts + textBytes + slackBytes;
    this.#keys = this.#data + windowBytes + slackBytes;
    this.#records = this.#keys + windowBytes + textBytes + mostRecords * 4 + slackBytes;
    const end = this.#records + windowBytes + mostRecords * frameBytes + slackBytes;
    this.#memory = this.#module === undefined ? Buffer.alloc(end) : bytesOf(this.#module.memory, end);
    this.#numbers = new Int32Array(this.#memory.buffer, this.#memory.byteOffset + this.#places, words * mostRecords);
  }

  /** Looks at the block from `start` on. What was added before has to be settled. */
  turn(block: Buffer, start: number): void {
    this.#block = block;
    this.#from = start;
    this.#to = Math.min(block.length, start + windowBytes);
    this.#count = 0;
    this.#textsEnd = this.#texts;
    block.copy(this.#memory, this.#data, start, this.#to);
  }

  /** Puts a line into a bundle. False: it does not lie in what is looked at, or there is no more room, and nothing was done. */
  add(bundle: Bundle, { block, start, end, keyStart, keyEnd, text }: Packed): boolean {
    if (block !== this.#block || start < this.#from || end > this.#to || this.#count === mostRecords) return false;
    const numbers = this.#numbers;
    const shift = this.#data - this.#from;
    const at = words * this.#count;
    if (text === undefined) {
      numbers[at + 2] = keyStart + shift;
      numbers[at + 3] = keyEnd + shift;
    } else {
      if (this.#textsEnd + text.length > this.#texts + textBytes) return false;
      numbers[at + 2] = this.#textsEnd;
      this.#memory.set(text, this.#textsEnd);
      numbers[at + 3] = this.#textsEnd += text.length;
    }
    numbers[at] = start + shift;
    numbers[at + 1] = end + shift;
    numbers[at + 4] = -1;
    if (bundle.last < 0) bundle.first = this.#count;
    else numbers[words * bundle.last + 4] = this.#count;
    bundle.last = this.#count++;
    bundle.lastBytes = end - start;
    return true;
  }

  /** Writes what was added to a bundle, so that the window may turn. */
  settle(bundle: Bundle): void {
    if (bundle.first < 0) return;
    const [module, memory] = [this.#module, this.#memory];
    if (module === undefined) {
      const { keys, records, count } = encode(this.#chain(bundle.first), bundle.keyCount);
      bundle.keys.append(keys);
      bundle.records.append(records);
      bundle.keyCount = count;
    } else {
      module.pack(this.#places, bundle.first, bundle.keyCount, this.#keys, this.#records);
      bundle.keys.append(memory.subarray(this.#keys, module.keysEnd.value));
      bundle.records.append(memory.subarray(this.#records, module.recordsEnd.value));
      bundle.keyCount = module.count.value;
    }
    bundle.first = -1;
    bundle.last = -1;
  }

  /** Makes the data of a record of Kinesis of a bundle, of which nothing is left here. A record that is alone needs no packing. */
  seal(bundle: Bundle): Buffer {
    this.settle(bundle);
    const [keys, records] = [bundle.keys.take(), bundle.records.take()];
    const room = magic.length + keys.length + records.length + digestBytes;
    bundle.keyCount = 0;
    if (bundle.numbers.length === 1) return Buffer.from(records.subarray(records.length - bundle.lastBytes));
    return join(keys, records, this.#take(room));
  }

  /** Takes what it has made, which nobody looks at any more. */
  takeBack(packed: Buffer): void {
    if (this.#own.has(packed.buffer)) this.#spares.push(Buffer.from(packed.buffer));
  }

  /** Many little ones may wait, each of which gets what it needs. */
  #take(room: number): Buffer {
    if (room < largeBytes / 2 || room > largeBytes) return Buffer.allocUnsafeSlow(room);
    const spare = this.#spares.pop();
    if (spare !== undefined) return spare;
    const packed = Buffer.allocUnsafeSlow(largeBytes);
    this.#own.add(packed.buffer);
    return packed;
  }

  *#chain(first: number): Generator<Pick<SubRecord, 'data' | 'partitionKey'>> {
    for (let i = first; i >= 0; ) {
      const [start, end, keyStart, keyEnd, next] = this.#numbers.subarray(words * i, words * (i + 1)) as unknown as Place;
      yield { data: this.#memory.subarray(start, end), partitionKey: this.#memory.toString('utf8', keyStart, keyEnd) };
      i = next;
    }
  }
}

type Place = [start: number, end: number, keyStart: number, keyEnd: number, next: number];

/** What a bundle comes to, its magic bytes and its digest counted. */
const largeBytes = aggregateBytes + 1024;

/** The same for records that were packed already, of which some go out once more. */
export function packAgain(records: readonly Pick<SubRecord, 'data' | 'partitionKey'>[]): Buffer {
  const { keys, records: written } = encode(records, 0);
  return join(keys, written, Buffer.allocUnsafeSlow(magic.length + keys.length + written.length + digestBytes));
}

function join(keys: Buffer, records: Buffer, packed: Buffer): Buffer {
  packed.set(magic);
  packed.set(keys, magic.length);
  packed.set(records, magic.length + keys.length);
  const end = magic.length + keys.length + records.length;
  packed.set(createHash('md5').update(packed.subarray(magic.length, end)).digest(), end);
  return packed.subarray(0, end + digestBytes);
}

function encode(entries: Iterable<Pick<SubRecord, 'data' | 'partitionKey'>>, before: number) {
  const numbers = new Map<string, number>();
  const keys: Buffer[] = [];
  const records: Buffer[] = [];
  for (const { data, partitionKey } of entries) {
    const number = numbers.get(partitionKey) ?? before + numbers.size;
    if (!numbers.has(partitionKey)) keys.push(field(1, Buffer.from(partitionKey)));
    numbers.set(partitionKey, number);
    records.push(field(3, Buffer.concat([Buffer.from([0x08, ...varint(number)]), field(3, data)])));
  }
  return { keys: Buffer.concat(keys), records: Buffer.concat(records), count: before + numbers.size };
}

/** A field of protobuf that holds bytes. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Bytes that come piece by piece, in memory that is used again. */
class Growing {
  #bytes = Buffer.alloc(0);
  #length = 0;

  append(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** All of them, to be looked at before others come; it begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
