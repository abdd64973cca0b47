import { createHash, createHmac } from 'node:crypto';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './hmac-wasm.ts';

/** What hmac-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  bytes: { value: number };
  digits: { value: number };
  take(): void;
  mac(length: number): void;
}

/** What it has room for: hardly a value is longer. */
const mostBytes = 1024;
/** A block of SHA-256: a longer key is hashed first. */
const blockBytes = 64;

/**
 * Finds the HMAC-SHA256 of little values under one key. Node's own takes three times as long for them: an object for each, and the way out of
 * JavaScript and back three times. Source: RFC 2104.
 */
export class Hmac {
  /** What was found last: 64 hexadecimal digits, in ASCII. */
  readonly digits: Buffer = Buffer.alloc(64);
  readonly #key: Buffer;
  readonly #module: Module | undefined;
  readonly #bytes: Buffer = Buffer.alloc(0);

  constructor(key: Buffer) {
    this.#key = key;
    this.#module = wherePossible(() => instantiate<Module>(wasm));
    if (this.#module === undefined) return;
    const { memory, bytes, digits } = this.#module;
    const whole = bytesOf(memory, 0);
    this.#bytes = whole.subarray(bytes.value, bytes.value + mostBytes);
    this.digits = whole.subarray(digits.value, digits.value + 64);
    this.#bytes.set(key.length > blockBytes ? createHash('sha256').update(key).digest() : key);
    this.#module.take();
  }

  /** Finds that of what stands in `block` from `start` up to `end`. */
  find(block: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#module === undefined || length > mostBytes) {
      this.digits.write(createHmac('sha256', this.#key).update(block.subarray(start, end)).digest('hex'), 'latin1');
      return;
    }
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[i] = block[start + i] as number;
    this.#module.mac(length);
  }
}
