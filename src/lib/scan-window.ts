import { wasm } from './scan-wasm.ts';
import { bytesOf, instantiate, type WasmMemory, wherePossible } from './wasm.ts';

/** So many bytes are walked over at once. */
const windowBytes = 64 * 1024;
/** 32 bytes may be loaded from the newline behind them on. */
const behindBytes = 32;
const answersBytes = 256 * 1024;
const leastLines = 32;
const newline = 0x0a;

/** One name that is wanted, and what is wanted inside its value; -1: its own value is not. */
export interface WantedName {
  readonly name: Buffer;
  readonly answer: number;
  readonly inside: readonly WantedName[];
}

/** What scan-wasm.as exports. */
interface Walk {
  memory: WasmMemory;
  heap: { value: number };
  scan(start: number, end: number, root: number, answers: number, out: number, most: number): number;
}

/**
 * The walk of scan.ts over the lines of a block, in WebAssembly with SIMD: a few hundred at once, in a quarter of the time. It looks at lines ahead,
 * so nobody may write into the block any more. Each line's answers are `words` from `at` on: where it begins and ends, counted from `from`; what it
 * is (bit 0: a record, and the answers are right; bit 1: not all of it is ASCII); then for each answer where its value begins (-1: there is none)
 * and ends, and whether it is a string with an escape.
 */
export class ScanWindow {
  readonly words: Int32Array;
  at = 0;
  from = 0;
  readonly #walk: Walk;
  readonly #answers: number;
  readonly #root: number;
  readonly #out: number;
  readonly #data: number;
  readonly #bytes: Buffer;
  readonly #size: number;
  #block: Buffer | undefined;
  #behind = 0;

  /** Undefined where the process cannot have it, or where the answers of only a few lines have room in it. */
  static open(wanted: readonly WantedName[], answers: number): ScanWindow | undefined {
    if (leastLines * lineWords(answers) * 4 > answersBytes) return undefined;
    return wherePossible(() => new ScanWindow(wanted, answers));
  }

  private constructor(wanted: readonly WantedName[], answers: number) {
    const walk = instantiate<Walk>(wasm);
    this.#walk = walk;
    this.#answers = answers;
    this.#size = lineWords(answers);
    const names = namesBytes(wanted);
    const base = align(walk.heap.value);
    this.#out = align(base + names);
    this.#data = this.#out + answersBytes;
    this.#bytes = bytesOf(walk.memory, this.#data + windowBytes + behindBytes);
    this.words = new Int32Array(this.#bytes.buffer, this.#out, answersBytes / 4);
    this.#root = layNames(wanted, base, this.#bytes).first;
  }

  /**
   * Turns `at` to the line that begins at `start`; gives where it ends, which is where its newline stands or the block ends. -1: the line is longer
   * than a window.
   */
  turnTo(block: Buffer, start: number): number {
    const { words } = this;
    let at = this.at + this.#size;
    if (!this.#isAt(at, block, start)) {
      at = this.at;
      // The line that it is at already is looked at once more.
      if (!this.#isAt(at, block, start)) {
        this.#fill(block, start);
        at = 0;
      }
    }
    this.at = at;
    const end = (words[at + 1] as number) + this.from;
    return end - start < windowBytes || end === block.length ? end : -1;
  }

  #isAt(at: number, block: Buffer, start: number): boolean {
    return block === this.#block && at < this.#behind && (this.words[at] as number) + this.from === start;
  }

  #fill(block: Buffer, start: number): void {
    const length = Math.min(block.length - start, windowBytes);
    block.copy(this.#bytes, this.#data, start, start + length);
    const behind = this.#data + length;
    this.#bytes[behind] = newline;
    const most = Math.floor(this.words.length / this.#size);
    const count = this.#walk.scan(this.#data, behind, this.#root, this.#answers, this.#out, most);
    this.#block = block;
    this.from = start;
    this.#behind = count * this.#size;
  }
}

const nodeBytes = 24;

function lineWords(answers: number): number {
  return 3 + 3 * answers;
}

function align(place: number): number {
  return (place + 15) & ~15;
}

function namesBytes(level: readonly WantedName[]): number {
  return level.reduce((sum, { name, inside }) => sum + align(name.length) + align(nodeBytes) + namesBytes(inside), 0);
}

/** Lays the names into the memory as the walk expects them, from `free` on; gives the first of the level, and what is free behind them. */
function layNames(level: readonly WantedName[], from: number, memory: Buffer): { first: number; free: number } {
  let [first, free] = [0, from];
  for (const { name, answer, inside } of level.toReversed()) {
    const below = layNames(inside, free, memory);
    free = below.free;
    memory.set(name, free);
    const node = free + align(name.length);
    new Int32Array(memory.buffer, node, nodeBytes / 4).set([free, name.length, answer, below.first, first, 0]);
    first = node;
    free = node + align(nodeBytes);
  }
  return { first, free };
}
