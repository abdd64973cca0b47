import { base64Length } from '../base64.ts';
import { instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './put-body-wasm.ts';
import { keysBytes, mostBytes, mostRecords, type PutEntry, PutWindow } from './put-window.ts';

/** What put-body-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  heap: { value: number };
  write(places: number, count: number, hasKeys: number, out: number): number;
}

/** An escape of JSON, `\u0000`, for each unit of a string: more no key can take. */
const mostEscaped = 6;
const frameBytes = '{"Data":"","PartitionKey":""},'.length;
/** Memory of a body is taken in whole pieces of this, so that the next one is likely to fit too. */
const roundBytes = 64 * 1024;

/** What a body tells beside the records: whose they are, in the service's own words, and whether each has a key. */
interface Head {
  readonly stream: Readonly<Record<string, string>>;
  readonly hasKeys: boolean;
}

/**
 * Makes bodies of PutRecords (and of PutRecordBatch, which has no keys) in JSON, as the SDK would write them, but from the bytes where they stand, in
 * WebAssembly. Source: the API references of Kinesis and of Firehose.
 */
export class BodyWriter {
  readonly #head: Buffer;
  readonly #hasKeys: boolean;
  readonly #records: RecordWriter | undefined;
  /** Memory of bodies: that which is its own, and that which nobody looks at any more. */
  readonly #own = new WeakSet<object>();
  readonly #spares: Buffer[] = [];

  constructor({ stream, hasKeys }: Head) {
    this.#head = Buffer.from(`${JSON.stringify(stream).slice(0, -1)},"Records":[`);
    this.#hasKeys = hasKeys;
    this.#records = wherePossible(() => new RecordWriter(hasKeys));
  }

  write(entries: readonly PutEntry[]): Buffer {
    const records = this.#records;
    let room = this.#head.length + 2;
    let isOdd = false;
    for (const entry of entries) {
      const bytes = entry.end - entry.start;
      const keyBytes = entry.keyStart >= 0 ? entry.keyEnd - entry.keyStart : mostEscaped * entry.partitionKey.length;
      room += frameBytes + base64Length(bytes) + keyBytes;
      isOdd ||= bytes > mostBytes || (entry.keyStart < 0 && keyBytes > keysBytes);
    }
    if (records === undefined || isOdd) return this.#writePlain(entries);
    let body = this.#spares.pop();
    if (body === undefined || body.length < room) {
      body = Buffer.allocUnsafeSlow(Math.ceil(room / roundBytes) * roundBytes);
      this.#own.add(body.buffer);
    }
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

  /** Takes a body that it made, which nobody looks at any more. */
  takeBack({ buffer }: Buffer): void {
    if (this.#own.has(buffer)) this.#spares.push(Buffer.from(buffer));
  }

  /** For a process that cannot have WebAssembly, and for what Kinesis will not take. */
  #writePlain(entries: readonly PutEntry[]): Buffer {
    const records = entries.map(({ block, start, end, partitionKey }) => {
      const data = block.toString('base64', start, end);
      return JSON.stringify(this.#hasKeys ? { Data: data, PartitionKey: partitionKey } : { Data: data });
    });
    return Buffer.concat([this.#head, Buffer.from(`${records.join(',')}]}`)]);
  }
}

/** The records of bodies, some at a time. */
class RecordWriter {
  /** What was written last, a comma behind each record; the next call writes over it. */
  written: Buffer = Buffer.alloc(0);
  readonly #module = instantiate<Module>(wasm);
  readonly #window: PutWindow;
  readonly #hasKeys: boolean;

  constructor(hasKeys: boolean) {
    this.#hasKeys = hasKeys;
    const { memory, heap } = this.#module;
    const moreBytes = base64Length(mostBytes) + mostBytes + keysBytes + mostRecords * frameBytes;
    this.#window = new PutWindow(memory, heap.value, moreBytes);
  }

  /** Writes records from the one of that number on; gives the number of the next. */
  write(entries: readonly PutEntry[], first: number): number {
    const window = this.#window;
    const next = window.take(entries, first);
    const end = this.#module.write(window.places, window.count, this.#hasKeys ? 1 : 0, window.end);
    this.written = window.bytes.subarray(window.end, end);
    return next;
  }
}
