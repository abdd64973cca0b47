const blockBytes = 1024 * 1024;
/** Before each text stand its number and its length. */
const headBytes = 8;
const numbersABlock = 2 ** 32;

interface Block {
  bytes: Buffer;
  /** Written so far, and how much of that is still of use. */
  used: number;
  live: number;
}

/**
 * Texts by number, outside of V8's heap, which would want as much room again for millions of them. A text that is replaced leaves a hole; where
 * holes come to an eighth of the whole, the blocks that have most are written anew.
 */
export class Texts {
  readonly #blocks: Block[] = [];
  readonly #empty: number[] = [];
  #places = new Float64Array(1024);
  #count = 0;
  #current = -1;
  #used = 0;
  #live = 0;

  /** Keeps a text; gives its number. */
  add(text: string): number {
    if (this.#count === this.#places.length) {
      const more = new Float64Array(2 * this.#count);
      more.set(this.#places);
      this.#places = more;
    }
    const number = this.#count++;
    this.#places[number] = -1;
    this.set(number, text);
    return number;
  }

  /** Puts another text in the place of one. */
  set(number: number, text: string): void {
    this.#leave(number);
    const length = Buffer.byteLength(text);
    const { bytes, at } = this.#take(number, length);
    bytes.write(text, at);
    this.#clean();
  }

  get(number: number): string {
    const place = this.#places[number]!;
    const { bytes } = this.#blocks[Math.floor(place / numbersABlock)]!;
    const at = place % numbersABlock;
    return bytes.toString('utf8', at + headBytes, at + headBytes + bytes.readUInt32LE(at + 4));
  }

  #leave(number: number): void {
    const place = this.#places[number]!;
    if (place < 0) return;
    const block = this.#blocks[Math.floor(place / numbersABlock)]!;
    const size = headBytes + block.bytes.readUInt32LE((place % numbersABlock) + 4);
    block.live -= size;
    this.#live -= size;
  }

  /** Room for a text at the end of the current block. */
  #take(number: number, length: number): { bytes: Buffer; at: number } {
    const size = headBytes + length;
    let block = this.#blocks[this.#current];
    if (block === undefined || block.used + size > block.bytes.length) block = this.#begin(size);
    const at = block.used;
    block.bytes.writeUInt32LE(number, at);
    block.bytes.writeUInt32LE(length, at + 4);
    this.#places[number] = this.#current * numbersABlock + at;
    block.used += size;
    block.live += size;
    this.#used += size;
    this.#live += size;
    return { bytes: block.bytes, at: at + headBytes };
  }

  #begin(size: number): Block {
    this.#current = this.#empty.pop() ?? this.#blocks.length;
    const known = this.#blocks[this.#current];
    if (known !== undefined && size <= known.bytes.length) return known;
    return (this.#blocks[this.#current] = { bytes: Buffer.allocUnsafeSlow(Math.max(size, blockBytes)), used: 0, live: 0 });
  }

  #clean(): void {
    while (this.#used - this.#live > this.#live / 8 + blockBytes) {
      let [worst, most] = [-1, 0];
      for (const [i, { used, live }] of this.#blocks.entries()) {
        if (i !== this.#current && used - live > most) [worst, most] = [i, used - live];
      }
      if (worst < 0) return;
      this.#rewrite(worst);
    }
  }

  #rewrite(which: number): void {
    const block = this.#blocks[which]!;
    const { bytes, used } = block;
    for (let at = 0; at < used; ) {
      const [number, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
      if (this.#places[number] === which * numbersABlock + at) {
        this.#live -= headBytes + length;
        const to = this.#take(number, length);
        bytes.copy(to.bytes, to.at, at + headBytes, at + headBytes + length);
      }
      at += headBytes + length;
    }
    this.#used -= used;
    [block.used, block.live] = [0, 0];
    // What was made for one great text is not kept for small ones.
    if (bytes.length > blockBytes) block.bytes = Buffer.allocUnsafeSlow(blockBytes);
    this.#empty.push(which);
  }
}

/** Texts by account and mode, and by the id of what they are about. */
export class TextTable {
  readonly #texts = new Texts();
  /** By book: an id by itself is half as long as a key. */
  readonly #numbers = new Map<string, Map<string, number>>();

  get(book: string, id: string): string | undefined {
    const number = this.#numbers.get(book)?.get(id);
    return number === undefined ? undefined : this.#texts.get(number);
  }

  set(book: string, id: string, text: string): void {
    let numbers = this.#numbers.get(book);
    if (!numbers) this.#numbers.set(book, (numbers = new Map()));
    const number = numbers.get(id);
    if (number === undefined) numbers.set(id, this.#texts.add(text));
    else this.#texts.set(number, text);
  }
}
