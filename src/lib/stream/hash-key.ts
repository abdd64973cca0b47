import { createHash } from 'node:crypto';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './md5-wasm.ts';

/** What md5-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  bytes: { value: number };
  hash: { value: number };
  md5(length: number): void;
}

/** What it has room for: the longest key that Kinesis takes, in UTF-8. */
const mostBytes = 1024;

/**
 * Finds hash keys: the MD5 of a partition key. Node's own takes four times as long for so few bytes, most of it the way out of JavaScript and
 * back. Source: the developer guide of Kinesis, "Partition Key".
 */
export class KeyHasher {
  /** The hash key that was found last: four words of 32 bits, the highest first. */
  readonly words: Uint32Array = new Uint32Array(4);
  readonly #module: Module | undefined;
  readonly #bytes: Buffer = Buffer.alloc(0);

  constructor() {
    this.#module = wherePossible(() => instantiate<Module>(wasm));
    if (this.#module === undefined) return;
    const { memory, bytes, hash } = this.#module;
    this.#bytes = bytesOf(memory, 0).subarray(bytes.value, bytes.value + mostBytes);
    this.words = new Uint32Array(memory.buffer, hash.value, 4);
  }

  /** Finds that of the key that stands in `block` from `start` up to `end`. */
  find(block: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#module === undefined || length > mostBytes) {
      const digest = createHash('md5').update(block.subarray(start, end)).digest();
      for (let i = 0; i < 4; i++) this.words[i] = digest.readUInt32BE(4 * i);
      return;
    }
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[i] = block[start + i] as number;
    this.#module.md5(length);
  }

  /** The same of a key that is a text. */
  findText(text: string): void {
    const bytes = Buffer.from(text);
    this.find(bytes, 0, bytes.length);
  }
}
