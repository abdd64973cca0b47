import { createHash } from 'node:crypto';
import { type PutEntry, PutWindow } from '../../aws/put-window.ts';
import { instantiate, type WasmMemory, wherePossible } from '../../wasm.ts';
import { digestBytes, magic } from './aggregated.ts';
import { wasm } from './packer-wasm.ts';

/**
 * How large an aggregated record becomes: a quarter of what a record may hold. One is under way to a shard at a time, and this is enough
 * for the mebibyte that a shard takes in a second.
 */
export const aggregateBytes = 256 * 1024;
/** What a record takes beside its data and its key, at most: four tags, the number of its key and three lengths. */
export const frameBytes = 4 + 4 * 4;
/** Keys that do not stand in their records, of those that are taken at once. */
const textBytes = 16 * 1024;

/** What packer-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  heap: { value: number };
  keysEnd: { value: number };
  recordsEnd: { value: number };
  begin(keys: number, records: number): void;
  add(places: number, count: number): void;
}

/** Packs records into one. Source: github.com/awslabs/amazon-kinesis-producer, aggregation-format.md. */
export class Packer {
  readonly #writer: Writer | undefined = wherePossible(() => new Writer());
  /** Memory for large ones: that which is its own, and that which is done with. */
  readonly #own = new WeakSet<object>();
  readonly #spares: Buffer[] = [];

  pack(entries: readonly PutEntry[]): Buffer {
    let room = magic.length + digestBytes;
    let isOdd = false;
    for (const entry of entries) {
      const keyBytes = entry.keyStart >= 0 ? entry.keyEnd - entry.keyStart : 3 * entry.partitionKey.length;
      room += frameBytes + entry.end - entry.start + keyBytes;
      isOdd ||= entry.keyStart < 0 && keyBytes > textBytes;
    }
    const writer = this.#writer;
    if (writer === undefined || isOdd || room > mostBytes) return packPlain(entries);
    writer.write(entries);
    const packed = this.#take(room);
    packed.set(magic);
    packed.set(writer.keys, magic.length);
    packed.set(writer.records, magic.length + writer.keys.length);
    const end = magic.length + writer.keys.length + writer.records.length;
    packed.set(createHash('md5').update(packed.subarray(magic.length, end)).digest(), end);
    return packed.subarray(0, end + digestBytes);
  }

  /** Takes what it has packed, which nobody looks at any more. */
  takeBack(packed: Buffer): void {
    if (this.#own.has(packed.buffer)) this.#spares.push(Buffer.from(packed.buffer));
  }

  /** Many little ones may wait, each of which gets what it needs. */
  #take(room: number): Buffer {
    if (room < mostBytes / 2) return Buffer.allocUnsafeSlow(room);
    const spare = this.#spares.pop();
    if (spare !== undefined) return spare;
    const packed = Buffer.allocUnsafeSlow(mostBytes);
    this.#own.add(packed.buffer);
    return packed;
  }
}

/** What records come to at most that are packed in WebAssembly. */
const mostBytes = aggregateBytes + 64 * 1024;

class Writer {
  /** What was written last; the next call writes over it. */
  keys: Buffer = Buffer.alloc(0);
  records: Buffer = Buffer.alloc(0);
  readonly #module = instantiate<Module>(wasm);
  readonly #window: PutWindow;

  constructor() {
    const { memory, heap } = this.#module;
    const textOf = (key: string) => key;
    this.#window = new PutWindow(memory, {
      free: heap.value,
      moreBytes: 2 * mostBytes,
      recordBytes: mostBytes,
      textBytes,
      textOf,
    });
  }

  write(entries: readonly PutEntry[]): void {
    const [module, window] = [this.#module, this.#window];
    const [keys, records] = [window.end, window.end + mostBytes];
    module.begin(keys, records);
    for (let next = 0; next < entries.length; ) {
      next = window.take(entries, next);
      module.add(window.places, window.count);
    }
    this.keys = window.bytes.subarray(keys, module.keysEnd.value);
    this.records = window.bytes.subarray(records, module.recordsEnd.value);
  }
}

/** For a process that cannot have WebAssembly, and for one record that is too large. */
function packPlain(entries: readonly PutEntry[]): Buffer {
  const numbers = new Map<string, number>();
  const keys: Buffer[] = [];
  const records: Buffer[] = [];
  for (const { block, start, end, partitionKey } of entries) {
    const number = numbers.get(partitionKey) ?? numbers.size;
    if (number === numbers.size) keys.push(field(1, Buffer.from(partitionKey)));
    numbers.set(partitionKey, number);
    records.push(field(3, Buffer.concat([Buffer.from([0x08, ...varint(number)]), field(3, block.subarray(start, end))])));
  }
  const message = Buffer.concat([...keys, ...records]);
  return Buffer.concat([magic, message, createHash('md5').update(message).digest()]);
}

/** A field of protobuf that holds bytes. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
