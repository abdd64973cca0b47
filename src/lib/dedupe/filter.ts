import type { Hash } from './table.ts';

const blockWords = 16;
/** Bits that an entry sets in its block of 512. */
const bitsSet = 6;

/**
 * A blocked Bloom filter: it says that a hash is not there, or that it may be. An entry touches one block of 64 bytes, so that to ask costs one
 * look into memory. With 10 bits an entry it is wrong for about 1 in 100 that are not there, with 5 for 1 in 9.
 */
export class Filter {
  readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** An empty one for so many entries, each of so many bits. */
  static for(entries: number, bitsEach: number): Filter {
    const blocks = Math.max(1, Math.ceil((entries * bitsEach) / (32 * blockWords)));
    return new Filter(new Int32Array(blocks * blockWords));
  }

  add(hash: Hash, at = 0): void {
    const base = this.#blockOf(hash[at + 1]!);
    let [bits, more] = [hash[at + 2]!, hash[at + 3]!];
    for (let i = 0; i < bitsSet; i++) {
      const bit = bits & 511;
      this.words[base + (bit >>> 5)]! |= 1 << (bit & 31);
      bits = (bits >>> 9) | (more << 23);
      more >>>= 9;
    }
  }

  mayHave(hash: Hash): boolean {
    const base = this.#blockOf(hash[1]!);
    let [bits, more] = [hash[2]!, hash[3]!];
    for (let i = 0; i < bitsSet; i++) {
      const bit = bits & 511;
      if ((this.words[base + (bit >>> 5)]! & (1 << (bit & 31))) === 0) return false;
      bits = (bits >>> 9) | (more << 23);
      more >>>= 9;
    }
    return true;
  }

  #blockOf(word: number): number {
    return Math.floor(((word >>> 0) / 0x1_0000_0000) * (this.words.length / blockWords)) * blockWords;
  }
}
