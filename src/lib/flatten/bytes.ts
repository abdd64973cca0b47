import { isUtf8 } from 'node:buffer';
import { behindBlanks, behindEscape, behindWord, kindOf } from '../scan.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const deepest = 30;
const mostPrefixBytes = 4096;
/** Beside what a member writes of its own bytes: quotes, a colon, a comma, a brace. */
const frameBytes = 16;

/** FNV-1a, 32 bits. */
const hashStart = 0x811c9dc5;
const hashPrime = 0x01000193;

/** A set of the columns' names, by their hashes: two names with one hash count as one, which is then looked at closely. */
const slots = 1024;
const mostColumns = slots / 2;

/**
 * Flattens a record from its bytes into others, in one walk that checks that the record is JSON. What is seldom (an escape in a name, names that
 * meet, deep nesting) it leaves to the text.
 */
export class ByteFlattener {
  readonly #separator: Buffer;
  readonly #depth: number;
  /** The names of the objects that are open, each with a separator behind it. */
  readonly #prefix = Buffer.alloc(mostPrefixBytes);
  /** By depth: how much of the prefix leads there, and its hash. */
  readonly #prefixBytes = new Int32Array(deepest + 1);
  readonly #prefixHashes = new Int32Array(deepest + 1);
  readonly #hashes = new Int32Array(slots);
  /** In which record a slot was filled. */
  readonly #filled = new Int32Array(slots);
  #records = 0;
  /** Where the writing goes on behind a value that was quoted, and whether one had a byte beyond ASCII. */
  #written = 0;
  #isWide = false;

  /** The separator as JSON text without its quotes, read as latin1. */
  constructor(separator: string, depth: number) {
    this.#separator = Buffer.from(separator, 'latin1');
    this.#depth = depth;
    this.#prefixHashes[0] = hashStart;
  }

  /** Writes the record from `start` up to `end` of `block` into `out` from `from`, if `out` has the room. */
  flatten(block: Buffer, start: number, end: number, out: Buffer, from: number): number | 'same' | 'unknown' {
    const prefix = this.#prefix;
    let depth = 0;
    let prefixBytes = 0;
    let columns = 0;
    let isNested = false;
    this.#isWide = false;
    this.#records = (this.#records + 1) | 0;
    if (block[start] !== openBrace) return 'unknown';
    let at = behindBlanks(block, start + 1);
    if (block[at] === closeBrace) return behindBlanks(block, at + 1) === end ? 'same' : 'unknown';
    let to = from;
    out[to++] = openBrace;
    for (;;) {
      // A member begins here: its name goes behind the names that lead to it.
      if (block[at] !== quote || to + prefixBytes + 2 * (end - at) + frameBytes > out.length) return 'unknown';
      const column = to;
      out[to++] = quote;
      for (let i = 0; i < prefixBytes; i++) out[to++] = prefix[i] as number;
      let hash = this.#prefixHashes[depth] as number;
      for (at++; ; at++) {
        const byte = block[at] as number;
        const kind = kindOf[byte];
        if (kind !== 0) {
          if (byte === quote) break;
          if (byte < 0x80) return 'unknown';
          this.#isWide = true;
        }
        hash = Math.imul(hash ^ byte, hashPrime);
        out[to++] = byte;
      }
      at = behindBlanks(block, at + 1);
      if (block[at] !== colon) return 'unknown';
      at = behindBlanks(block, at + 1);
      const first = block[at] as number;
      if (first === openBrace && depth < this.#depth) {
        const inside = behindBlanks(block, at + 1);
        if (block[inside] !== closeBrace) {
          isNested = true;
          if (depth === deepest || to - column + this.#separator.length > mostPrefixBytes) return 'unknown';
          for (let i = column + 1 + prefixBytes; i < to; i++) prefix[prefixBytes++] = out[i] as number;
          for (const byte of this.#separator) {
            hash = Math.imul(hash ^ byte, hashPrime);
            prefix[prefixBytes++] = byte;
          }
          this.#prefixBytes[++depth] = prefixBytes;
          this.#prefixHashes[depth] = hash;
          to = column;
          at = inside;
          continue;
        }
      }
      if (++columns > mostColumns || this.#isTaken(hash)) return 'unknown';
      out[to++] = quote;
      out[to++] = colon;
      if (first === quote) {
        out[to++] = quote;
        for (at++; ; at++) {
          const byte = block[at] as number;
          if (kindOf[byte] !== 0) {
            if (byte === quote) break;
            if (byte >= 0x80) this.#isWide = true;
            else if (byte !== backslash) return 'unknown';
            else {
              const behind = behindEscape(block, at + 1);
              if (behind < 0) return 'unknown';
              while (at < behind - 1) out[to++] = block[at++] as number;
              out[to++] = block[at] as number;
              continue;
            }
          }
          out[to++] = byte;
        }
        out[to++] = quote;
        at++;
      } else if (first === openBrace || first === openBracket) {
        isNested = true;
        at = this.#quote(block, at, out, to);
        if (at < 0) return 'unknown';
        to = this.#written;
      } else {
        const behind = behindWord(block, at, first);
        if (behind < 0) return 'unknown';
        while (at < behind) out[to++] = block[at++] as number;
      }
      // A value has ended. What ends with it?
      for (at = behindBlanks(block, at); block[at] === closeBrace; at = behindBlanks(block, at)) {
        at++;
        if (depth === 0) {
          if (behindBlanks(block, at) !== end || (this.#isWide && !isUtf8(block.subarray(start, end)))) return 'unknown';
          out[to++] = closeBrace;
          return isNested ? to : 'same';
        }
        prefixBytes = this.#prefixBytes[--depth] as number;
      }
      if (block[at] !== comma) return 'unknown';
      out[to++] = comma;
      at = behindBlanks(block, at + 1);
    }
  }

  /** Whether a column of this record has the name already; from now on one has. */
  #isTaken(hash: number): boolean {
    for (let slot = hash & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      if (this.#filled[slot] !== this.#records) {
        this.#filled[slot] = this.#records;
        this.#hashes[slot] = hash;
        return false;
      }
      if (this.#hashes[slot] === hash) return true;
    }
  }

  /** Writes the object or the array that begins at `from` as JSON text in a string. Gives the place behind it; -1 where it is not well formed. */
  #quote(block: Buffer, from: number, out: Buffer, written: number): number {
    let at = from;
    let to = written;
    let depth = 0;
    // Bit n: what is open at depth n is an object.
    let objects = 0;
    out[to++] = quote;
    for (;;) {
      // A value begins here.
      const first = block[at] as number;
      let isFresh = false;
      if (first === openBrace || first === openBracket) {
        if (++depth > deepest) return -1;
        objects = first === openBrace ? objects | (1 << depth) : objects & ~(1 << depth);
        out[to++] = first;
        at++;
        isFresh = true;
      } else if (first === quote) {
        at = this.#quoteString(block, at, out, to);
        if (at < 0) return -1;
        to = this.#written;
      } else {
        const behind = behindWord(block, at, first);
        if (behind < 0) return -1;
        while (at < behind) out[to++] = block[at++] as number;
      }
      // A value has ended, or one has just been opened. What follows, up to the next value?
      for (;;) {
        [at, to] = [this.#quoteBlanks(block, at, out, to), this.#written];
        const isObject = (objects & (1 << depth)) !== 0;
        const byte = block[at] as number;
        if (byte === (isObject ? closeBrace : closeBracket)) {
          out[to++] = byte;
          at++;
          isFresh = false;
          if (--depth > 0) continue;
          out[to++] = quote;
          this.#written = to;
          return at;
        }
        if (!isFresh) {
          if (byte !== comma) return -1;
          out[to++] = comma;
          [at, to] = [this.#quoteBlanks(block, at + 1, out, to), this.#written];
        }
        if (!isObject) break;
        if (block[at] !== quote) return -1;
        at = this.#quoteString(block, at, out, to);
        if (at < 0) return -1;
        [at, to] = [this.#quoteBlanks(block, at, out, this.#written), this.#written];
        if (block[at] !== colon) return -1;
        out[to++] = colon;
        [at, to] = [this.#quoteBlanks(block, at + 1, out, to), this.#written];
        break;
      }
    }
  }

  #quoteBlanks(block: Buffer, from: number, out: Buffer, written: number): number {
    let at = from;
    let to = written;
    for (; block[at] === 0x20 || block[at] === 0x09 || block[at] === 0x0d; at++) {
      if (block[at] === 0x20) out[to++] = 0x20;
      else {
        out[to++] = backslash;
        out[to++] = block[at] === 0x09 ? 0x74 : 0x72;
      }
    }
    this.#written = to;
    return at;
  }

  #quoteString(block: Buffer, from: number, out: Buffer, written: number): number {
    let to = written;
    out[to++] = backslash;
    out[to++] = quote;
    for (let at = from + 1; ; at++) {
      const byte = block[at] as number;
      if (kindOf[byte] !== 0) {
        if (byte === quote) {
          out[to++] = backslash;
          out[to++] = quote;
          this.#written = to;
          return at + 1;
        }
        if (byte >= 0x80) this.#isWide = true;
        else if (byte !== backslash) return -1;
        else {
          const behind = behindEscape(block, at + 1);
          if (behind < 0) return -1;
          for (; at < behind; at++) {
            if (block[at] === backslash || block[at] === quote) out[to++] = backslash;
            out[to++] = block[at] as number;
          }
          at--;
          continue;
        }
      }
      out[to++] = byte;
    }
  }
}
