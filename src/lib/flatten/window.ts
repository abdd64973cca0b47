import { isUtf8 } from 'node:buffer';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from '../wasm.ts';
import { wasm } from './flatten-wasm.ts';

/** So many bytes are looked at at once. */
const windowBytes = 64 * 1024;
/** A load of 16 bytes may begin with the newline behind them. */
const behindBytes = 16;
const outBytes = 256 * 1024;
const mostSeparatorBytes = 256;
const newline = 0x0a;

/** What flatten-wasm.as exports. */
interface Module {
  memory: WasmMemory;
  separator: { value: number };
  heap: { value: number };
  behind: { value: number };
  written: { value: number };
  isCut: { value: number };
  isWide: { value: number };
  flatten(start: number, end: number, out: number, outEnd: number, separatorBytes: number, depth: number): number;
}

/** Flattens the records of a batch, a few hundred at once, in WebAssembly. */
export class FlattenWindow {
  /** Where it stopped last: behind what it has flattened. */
  behind = 0;
  /** How many records that were, and what became of them, each with its newline; another call writes over it. */
  count = 0;
  output: Buffer = Buffer.alloc(0);
  readonly #module: Module;
  readonly #bytes: Buffer;
  readonly #data: number;
  readonly #out: number;
  readonly #separatorBytes: number;
  readonly #depth: number;
  #block: Buffer | undefined;
  #from = 0;
  #to = 0;

  /** The separator as JSON text without its quotes, read as latin1. Undefined where the process cannot have it, or the separator is too long. */
  static open(separator: string, depth: number): FlattenWindow | undefined {
    if (separator.length > mostSeparatorBytes) return undefined;
    return wherePossible(() => new FlattenWindow(separator, depth));
  }

  private constructor(separator: string, depth: number) {
    const module = instantiate<Module>(wasm);
    this.#module = module;
    this.#data = (module.heap.value + 15) & ~15;
    this.#out = this.#data + windowBytes + behindBytes;
    this.#bytes = bytesOf(module.memory, this.#out + outBytes + behindBytes);
    this.#separatorBytes = this.#bytes.write(separator, module.separator.value, 'latin1');
    this.#depth = Math.min(depth, 0x7fff_ffff);
  }

  /**
   * Flattens records from the line that begins at `start` on, as many as it can. `count` is 0 where that line is none, or is to be looked at more closely.
   * False where there is something that is no UTF-8 in what it has looked at: then nothing of it counts.
   */
  flatten(block: Buffer, start: number): boolean {
    if (block !== this.#block || start < this.#from || start >= this.#to) this.#fill(block, start);
    const { isCut, isWide, written, behind } = this.#module;
    const [data, out] = [this.#data, this.#out];
    const end = data + this.#to - this.#from;
    this.count = this.#module.flatten(data + start - this.#from, end, out, out + outBytes, this.#separatorBytes, this.#depth);
    this.behind = behind.value - data + this.#from;
    this.output = this.#bytes.subarray(out, written.value);
    if (this.count === 0 && isCut.value !== 0 && this.#from < start) {
      this.#fill(block, start);
      return this.flatten(block, start);
    }
    return isWide.value === 0 || isUtf8(block.subarray(start, this.behind));
  }

  #fill(block: Buffer, start: number): void {
    this.#block = block;
    this.#from = start;
    this.#to = Math.min(block.length, start + windowBytes);
    block.copy(this.#bytes, this.#data, start, this.#to);
    this.#bytes[this.#data + this.#to - start] = newline;
  }
}
