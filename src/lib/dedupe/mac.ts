/**
 * Chaskey-12 (Mouha et al., 2014; ISO/IEC 29192-6): a keyed hash of 128 bits that was made for 32-bit arithmetic, which is what JavaScript has.
 * Under a key that nobody knows, two texts have the same hash by chance only: with 10^12 of them once in 10^14 times.
 */
export class Mac {
  /** The hash of what was hashed last. */
  readonly tag = new Int32Array(4);
  readonly #key: Int32Array;
  readonly #whole: Int32Array;
  readonly #padded: Int32Array;
  #scratch = Buffer.alloc(1024);

  /** The key has 16 bytes. */
  constructor(key: Buffer) {
    this.#key = Int32Array.from({ length: 4 }, (_, i) => key.readInt32LE(4 * i));
    this.#whole = timesTwo(this.#key);
    this.#padded = timesTwo(this.#whole);
  }

  /** Hashes a text by its UTF-8 bytes. */
  hashText(text: string): void {
    if (text.length * 3 > this.#scratch.length) this.#scratch = Buffer.alloc(text.length * 4);
    this.hash(this.#scratch, 0, this.#scratch.write(text));
  }

  /** Hashes the bytes from `start` up to `end`. */
  hash(bytes: Uint8Array, start: number, end: number): void {
    const key = this.#key;
    let [a, b, c, d] = [key[0]!, key[1]!, key[2]!, key[3]!];
    let at = start;
    let last = this.#padded;
    for (let left = end - start; ; left -= 16, at += 16) {
      const isLast = left <= 16;
      if (left >= 16) {
        a ^= wordAt(bytes, at);
        b ^= wordAt(bytes, at + 4);
        c ^= wordAt(bytes, at + 8);
        d ^= wordAt(bytes, at + 12);
        if (isLast) last = this.#whole;
      } else {
        // A byte of 1 ends what does not fill a block.
        a ^= endAt(bytes, at, left);
        b ^= endAt(bytes, at + 4, left - 4);
        c ^= endAt(bytes, at + 8, left - 8);
        d ^= endAt(bytes, at + 12, left - 12);
      }
      if (isLast) {
        a ^= last[0]!;
        b ^= last[1]!;
        c ^= last[2]!;
        d ^= last[3]!;
      }
      for (let round = 0; round < 12; round++) {
        a = (a + b) | 0;
        b = ((b << 5) | (b >>> 27)) ^ a;
        a = (a << 16) | (a >>> 16);
        c = (c + d) | 0;
        d = ((d << 8) | (d >>> 24)) ^ c;
        a = (a + d) | 0;
        d = ((d << 13) | (d >>> 19)) ^ a;
        c = (c + b) | 0;
        b = ((b << 7) | (b >>> 25)) ^ c;
        c = (c << 16) | (c >>> 16);
      }
      if (isLast) break;
    }
    const tag = this.tag;
    tag[0] = a ^ last[0]!;
    tag[1] = b ^ last[1]!;
    tag[2] = c ^ last[2]!;
    tag[3] = d ^ last[3]!;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The word of a last block, of which `left` bytes are there. */
function endAt(bytes: Uint8Array, at: number, left: number): number {
  if (left < 0) return 0;
  if (left >= 4) return wordAt(bytes, at);
  let word = 1 << (8 * left);
  for (let i = 0; i < left; i++) word |= bytes[at + i]! << (8 * i);
  return word;
}

function timesTwo(key: Int32Array): Int32Array {
  const [a, b, c, d] = [key[0]!, key[1]!, key[2]!, key[3]!];
  return Int32Array.of((a << 1) ^ (d < 0 ? 0x87 : 0), (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31));
}
