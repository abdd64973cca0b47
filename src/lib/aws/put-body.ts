import { base64Length } from '../base64.ts';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './put-body-wasm.ts';

/** One record on its way in: its data stands in `block` from `start` up to `end`. */
export interface PutEntry {
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where in its data the key stands, in ASCII, as a string of JSON has it between its quotes; -1 where it does not. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly partitionKey: string;
}

/** What put-body-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  heap: { value: number };
  write(places: number, count: number, out: number): number;
}

/** So much of a block is copied at once; more of it, up to the largest record that Kinesis takes, only for one record alone. */
const spanBytes = 64 * 1024;
const mostBytes = 1024 ** 2;
/** Records at once, by four numbers each. */
const mostRecords = 512;
/** Keys that do not stand in a block. */
const keysBytes = 16 * 1024;
/** An escape of JSON, `\u0000`, for each unit of a string: more no key can take. */
const mostEscaped = 6;
const frameBytes = '{"Data":"","PartitionKey":""},'.length;
const slackBytes = 16;
/** Memory of a body is taken in whole pieces of this, so that the next one is likely to fit too. */
const roundBytes = 64 * 1024;

/**
 * Makes bodies of PutRecords in JSON, as the SDK would write them, but from the bytes where they stand, in WebAssembly. Source: the API reference
 * of Kinesis.
 */
export class BodyWriter {
  readonly #head: Buffer;
  readonly #records: RecordWriter | undefined = wherePossible(() => new RecordWriter());

  constructor(stream: string) {
    this.#head = Buffer.from(`{"StreamName":${JSON.stringify(stream)},"Records":[`);
  }

  /** Writes it into `spare` where it fits, else into memory of its own. */
  write(entries: readonly PutEntry[], spare?: Buffer): Buffer {
    const records = this.#records;
    let room = this.#head.length + 2;
    let isOdd = records === undefined;
    for (const entry of entries) {
      const bytes = entry.end - entry.start;
      const keyBytes = entry.keyStart >= 0 ? entry.keyEnd - entry.keyStart : mostEscaped * entry.partitionKey.length;
      room += frameBytes + base64Length(bytes) + keyBytes;
      isOdd ||= bytes > mostBytes || (entry.keyStart < 0 && keyBytes > keysBytes);
    }
    if (records === undefined || isOdd) return this.#writePlain(entries);
    const body =
      spare !== undefined && spare.length >= room ? spare : Buffer.allocUnsafeSlow(Math.ceil(room / roundBytes) * roundBytes);
    body.set(this.#head);
    let at = this.#head.length;
    for (let next = 0; next < entries.length; ) {
      next = records.write(entries, next);
      body.set(records.written, at);
      at += records.written.length;
    }
    // The last comma gives its place to the end.
    if (entries.length > 0) at--;
    return body.subarray(0, at + body.write(']}', at));
  }

  /** For a process that cannot have WebAssembly, and for what Kinesis will not take. */
  #writePlain(entries: readonly PutEntry[]): Buffer {
    const records = entries.map(({ block, start, end, partitionKey }) =>
      JSON.stringify({ Data: block.toString('base64', start, end), PartitionKey: partitionKey }),
    );
    return Buffer.concat([this.#head, Buffer.from(`${records.join(',')}]}`)]);
  }
}

/** The records of bodies, some at a time. */
class RecordWriter {
  /** What was written last, a comma behind each record; the next call writes over it. */
  written: Buffer = Buffer.alloc(0);
  readonly #module = instantiate<Module>(wasm);
  readonly #bytes: Buffer;
  /** By record: where its data begins and ends, and its key. */
  readonly #places: Int32Array;
  readonly #keys: number;
  readonly #data: number;
  readonly #out: number;

  constructor() {
    const { memory, heap } = this.#module;
    const places = (heap.value + 15) & ~15;
    this.#keys = places + mostRecords * 16;
    this.#data = this.#keys + keysBytes + slackBytes;
    this.#out = this.#data + mostBytes + slackBytes;
    const outBytes = base64Length(mostBytes) + mostBytes + mostRecords * frameBytes;
    this.#bytes = bytesOf(memory, this.#out + outBytes + keysBytes + slackBytes);
    this.#places = new Int32Array(this.#bytes.buffer, places, mostRecords * 4);
  }

  /** Writes records from the one of that number on, as many as follow one another in a block; gives the number of the next. */
  write(entries: readonly PutEntry[], first: number): number {
    const { block, start: from } = entries[first] as PutEntry;
    const places = this.#places;
    const shift = this.#data - from;
    const most = Math.min(entries.length, first + mostRecords);
    let to = from;
    let keys = this.#keys;
    let next = first;
    for (let place = 0; next < most; next++, place += 4) {
      const entry = entries[next] as PutEntry;
      const { start, end, keyStart, keyEnd } = entry;
      if (next > first && (entry.block !== block || start < to || end - from > spanBytes)) break;
      places[place] = start + shift;
      places[place + 1] = end + shift;
      if (keyStart >= 0) {
        places[place + 2] = keyStart + shift;
        places[place + 3] = keyEnd + shift;
      } else {
        const text = JSON.stringify(entry.partitionKey).slice(1, -1);
        if (keys + Buffer.byteLength(text) > this.#data - slackBytes) break;
        places[place + 2] = keys;
        keys += this.#bytes.write(text, keys);
        places[place + 3] = keys;
      }
      to = end;
    }
    block.copy(this.#bytes, this.#data, from, to);
    const end = this.#module.write(places.byteOffset, next - first, this.#out);
    this.written = this.#bytes.subarray(this.#out, end);
    return next;
  }
}
