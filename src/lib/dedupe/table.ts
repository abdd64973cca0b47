/** A hash of 128 bits, as four words of 32. */
export type Hash = Int32Array;

/** Words of an entry: the hash, then the generation in which it was added. */
export const entryWords = 5;

/** Slots behind the last, so that what is displaced there need not begin anew at the first. */
const slackSlots = 1024;
const leastSlots = 1024;
/** Up to 10 MB there are four for each that is expected: the more are free, the seldomer those that are forgotten have to be cleared away. */
const generousSlots = 2 ** 19;

/**
 * Hashes in memory, each with the generation in which it was added: open addressing, 20 bytes a slot. A slot is found by the hash's first bits,
 * so that the slots lie nearly in the order of the hashes.
 */
export class Table {
  readonly #leastSlots: number;
  #size = 0;
  #slots: number;
  /** Where `find` has looked last: what it has not found would stand there. */
  #slot = -1;
  #words: Int32Array;

  /** With slots for `expected` entries from the beginning: so many never make it grow. The system gives memory only to what is written. */
  constructor(expected = 0) {
    this.#leastSlots = Math.max(leastSlots, 2 * expected, Math.min(4 * expected, generousSlots));
    this.#slots = this.#leastSlots;
    this.#words = new Int32Array((this.#slots + slackSlots) * entryWords);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Reads where `count` hashes would stand, of which these are the first words, so that they are at hand when they are looked for: memory answers
   * several reads in the time of one. What comes of it means nothing.
   */
  touch(words: Int32Array, count: number): number {
    const [all, slots] = [this.#words, this.#slots];
    let sum = 0;
    for (let i = 0; i < count; i++) sum ^= all[firstOf(words[i]!, slots) + 4]!;
    return sum;
  }

  /** The generation of a hash; 0 where it is not there. */
  find(hash: Hash): number {
    this.#slot = this.#slotOf(hash);
    return this.#words[this.#slot * entryWords + 4] ?? 0;
  }

  /** The same as `set`, for the hash that `find` has just looked for. */
  setFound(hash: Hash, generation: number, oldest: number): void {
    if (this.#slot < 0 || this.#isFull) this.set(hash, generation, oldest);
    else this.#put(this.#slot, hash, generation);
  }

  /** Adds a hash or gives it a new generation, 1 or more. Those of a generation before `oldest` are forgotten where room is needed. */
  set(hash: Hash, generation: number, oldest: number): void {
    if (this.#isFull) this.#make(oldest);
    let slot = this.#slotOf(hash);
    while (slot < 0) {
      this.#make(oldest);
      slot = this.#slotOf(hash);
    }
    this.#put(slot, hash, generation);
  }

  /** Three quarters full at most: beyond it the way to an empty slot grows fast. */
  get #isFull(): boolean {
    return 4 * (this.#size + 1) > 3 * this.#slots;
  }

  #put(slot: number, hash: Hash, generation: number): void {
    const at = slot * entryWords;
    const words = this.#words;
    if (words[at + 4] === 0) this.#size++;
    for (let i = 0; i < 4; i++) words[at + i] = hash[i]!;
    words[at + 4] = generation;
  }

  /** Its entries from generation `oldest` on, in the order of the hashes (as unsigned numbers). */
  sorted(oldest: number): Int32Array {
    const out = new Int32Array(this.#size * entryWords);
    let length = 0;
    for (let at = 0; at < this.#words.length; at += entryWords) {
      if (this.#words[at + 4]! < oldest || this.#words[at + 4] === 0) continue;
      let to = length;
      for (; to > 0 && compareAt(out, to - entryWords, this.#words, at) > 0; to -= entryWords) {
        out.copyWithin(to, to - entryWords, to);
      }
      out.set(this.#words.subarray(at, at + entryWords), to);
      length += entryWords;
    }
    return out.subarray(0, length);
  }

  clear(): void {
    this.#size = 0;
    this.#slots = this.#leastSlots;
    this.#words = new Int32Array((this.#slots + slackSlots) * entryWords);
  }

  /** The slot of a hash, or the empty one that it would take; -1 where there is none. */
  #slotOf(hash: Hash): number {
    const words = this.#words;
    const [a, b, c, d] = [hash[0]!, hash[1]!, hash[2]!, hash[3]!];
    for (let at = firstOf(a, this.#slots); at < words.length; at += entryWords) {
      if (words[at + 4] === 0) return at / entryWords;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return at / entryWords;
    }
    return -1;
  }

  /** Makes room: what is too old goes, and what is left fills half of the slots at most. */
  #make(oldest: number): void {
    const old = this.#words;
    let kept = 0;
    for (let at = 4; at < old.length; at += entryWords) if (old[at] !== 0 && old[at]! >= oldest) kept++;
    if (kept < this.#size && 2 * kept <= this.#slots) {
      this.#forget(oldest);
      return;
    }
    let slots = Math.max(this.#leastSlots, 2 * kept);
    // Too many hashes begin with the same bits, by a great chance.
    if (kept === this.#size && slots <= this.#slots) slots = 2 * this.#slots;
    for (;;) {
      this.#slots = slots;
      this.#size = 0;
      this.#words = new Int32Array((slots + slackSlots) * entryWords);
      if (this.#takeAll(old, oldest)) return;
      slots *= 2;
    }
  }

  /** Drops what is too old where it stands, and moves the rest down into its room: an entry never has to move up. */
  #forget(oldest: number): void {
    const words = this.#words;
    const entry = new Int32Array(entryWords);
    this.#size = 0;
    for (let at = 0; at < words.length; at += entryWords) {
      if (words[at + 4] === 0) continue;
      for (let i = 0; i < entryWords; i++) entry[i] = words[at + i]!;
      words[at + 4] = 0;
      if (entry[4]! < oldest) continue;
      words.set(entry, this.#slotOf(entry) * entryWords);
      this.#size++;
    }
  }

  #takeAll(old: Int32Array, oldest: number): boolean {
    const entry = new Int32Array(entryWords);
    for (let at = 0; at < old.length; at += entryWords) {
      const generation = old[at + 4]!;
      if (generation === 0 || generation < oldest) continue;
      for (let i = 0; i < entryWords; i++) entry[i] = old[at + i]!;
      const slot = this.#slotOf(entry);
      if (slot < 0) return false;
      this.#words.set(entry, slot * entryWords);
      this.#size++;
    }
    return true;
  }
}

/** Where the slot begins, in words, that a hash's first word leads to. */
function firstOf(word: number, slots: number): number {
  return Math.floor(((word >>> 0) / 0x1_0000_0000) * slots) * entryWords;
}

/** Compares two hashes, as unsigned numbers, where they stand. */
export function compareAt(a: Int32Array, i: number, b: Int32Array, j: number): number {
  for (let word = 0; word < 4; word++) {
    const [x, y] = [a[i + word]! >>> 0, b[j + word]! >>> 0];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
