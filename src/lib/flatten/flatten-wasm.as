// Flattens many records at once, in AssemblyScript: `npm run generate` makes flatten-wasm.ts of it. It works in a memory of its own, into which the
// lines are copied; window.ts calls it. What is seldom (an escape in a name, names that meet, deep nesting) it leaves to flatten.ts, which says what
// becomes of a record.
import { behindBlanks, behindEscape, behindWord, newlineFrom, special } from '../json-wasm';

const deepest = 30;
const mostPrefixBytes: usize = 4096;
/** Beside what a member writes of its own bytes: quotes, a colon, a comma, a brace, and what a copy of 16 bytes writes too much. */
const frameBytes: usize = 64;

/** A set of the columns' names, by their hashes: two names with one hash count as one, which is then looked at closely. */
const slots = 1024;
const mostColumns = slots / 2;
const hashes = memory.data(4 * slots);
/** In which record a slot was filled. */
const filled = memory.data(4 * slots);

/** The names of the objects that are open, each with a separator behind it; and, by depth, how much of it leads there. */
const prefix = memory.data(4096 + 16);
const prefixBytes = memory.data(4 * (deepest + 1));

/** Here goes the separator, as JSON text without its quotes, of up to 256 bytes. */
export const separator: usize = memory.data(256);
/** What lies behind this is free. */
export const heap: usize = __heap_base;

/** Where the last call stopped: behind the last line that it wrote. */
export let behind: usize = 0;
/** Where its writing ended. */
export let written: usize = 0;
/** Whether it stopped there because the line is cut. */
export let isCut: i32 = 0;
/** Whether something that it wrote is not ASCII: then it may be no UTF-8. */
export let isWide: i32 = 0;

let records: u32 = 0;

/**
 * Writes the records of the lines from `start` up to `end`, where a newline must stand and 15 bytes behind it, flattened, each with a newline, to `out`,
 * as far as `outEnd`. Objects deeper than `depth` become text. Stops before a line that it leaves to others, or that `end` cuts. Gives how many it wrote.
 */
export function flatten(start: usize, end: usize, out: usize, outEnd: usize, separatorBytes: usize, depth: i32): i32 {
  let count = 0;
  behind = start;
  written = out;
  isCut = 0;
  isWide = 0;
  while (behind < end) {
    const lineEnd = newlineFrom(behind);
    isCut = i32(lineEnd >= end);
    if (isCut || !flattenLine(behind, lineEnd, written, outEnd, separatorBytes, depth)) break;
    behind = lineEnd + 1;
    store<u8>(place, 0x0a);
    written = place + 1;
    count++;
  }
  return count;
}

/** Where the line that was flattened last ends in what is written. */
let place: usize = 0;

/** Writes the record that stands from `start` up to `end`, a newline. False where it is for others. */
function flattenLine(start: usize, end: usize, out: usize, outEnd: usize, separatorBytes: usize, mostDepth: i32): bool {
  let depth = 0;
  let open: usize = 0;
  let columns = 0;
  let isNested = false;
  if (++records == 0) {
    // What was filled so long ago must not count.
    memory.fill(filled, 0, 4 * slots);
    records = 1;
  }
  if (load<u8>(start) != 0x7b) return false;
  let at = behindBlanks(start + 1);
  if (load<u8>(at) == 0x7d) return behindBlanks(at + 1) == end && same(start, end, out, outEnd);
  let to = out;
  store<u8>(to++, 0x7b);
  while (true) {
    // A member begins here: its name goes behind the names that lead to it.
    if (load<u8>(at) != 0x22 || to + open + 2 * (end - at) + frameBytes > outEnd) return false;
    const column = to;
    store<u8>(to++, 0x22);
    for (let i: usize = 0; i < open; i += 16) v128.store(to + i, v128.load(prefix + i));
    to += open;
    at++;
    while (true) {
      const found = special(at);
      v128.store(to, v128.load(at));
      const count = found == 0 ? 16 : ctz(found);
      at += count;
      to += count;
      if (found == 0) continue;
      const byte = load<u8>(at);
      if (byte == 0x22) break;
      if (byte < 0x80) return false;
      isWide = 1;
      store<u8>(to++, byte);
      at++;
    }
    at = behindBlanks(at + 1);
    if (load<u8>(at) != 0x3a) return false;
    at = behindBlanks(at + 1);
    const first = load<u8>(at);
    if (first == 0x7b && depth < mostDepth) {
      const inside = behindBlanks(at + 1);
      if (load<u8>(inside) != 0x7d) {
        isNested = true;
        const bytes = to - column - 1;
        if (depth == deepest || bytes + separatorBytes > mostPrefixBytes) return false;
        memory.copy(prefix + open, column + 1 + open, bytes - open);
        memory.copy(prefix + bytes, separator, separatorBytes);
        open = bytes + separatorBytes;
        store<u32>(prefixBytes + (++depth << 2), open);
        to = column;
        at = inside;
        continue;
      }
    }
    if (++columns > mostColumns || isTaken(hashOf(column + 1, to))) return false;
    store<u8>(to++, 0x22);
    store<u8>(to++, 0x3a);
    if (first == 0x22) {
      store<u8>(to++, 0x22);
      at++;
      while (true) {
        const found = special(at);
        v128.store(to, v128.load(at));
        const count = found == 0 ? 16 : ctz(found);
        at += count;
        to += count;
        if (found == 0) continue;
        const byte = load<u8>(at);
        if (byte == 0x22) break;
        if (byte >= 0x80) {
          isWide = 1;
          store<u8>(to++, byte);
          at++;
        } else if (byte == 0x5c) {
          const next = behindEscape(at + 1);
          if (next == 0) return false;
          while (at < next) store<u8>(to++, load<u8>(at++));
        } else return false;
      }
      store<u8>(to++, 0x22);
      at++;
    } else if (first == 0x7b || first == 0x5b) {
      isNested = true;
      at = quote(at, to);
      if (at == 0) return false;
      to = place;
    } else {
      const next = behindWord(at, first);
      if (next == 0) return false;
      for (; at < next; at += 16, to += 16) v128.store(to, v128.load(at));
      to -= at - next;
      at = next;
    }
    // A value has ended. What ends with it?
    for (at = behindBlanks(at); load<u8>(at) == 0x7d; at = behindBlanks(at)) {
      at++;
      if (depth == 0) {
        if (behindBlanks(at) != end) return false;
        if (!isNested) return same(start, end, out, outEnd);
        store<u8>(to, 0x7d);
        place = to + 1;
        return true;
      }
      open = load<u32>(prefixBytes + (--depth << 2));
    }
    if (load<u8>(at) != 0x2c) return false;
    store<u8>(to++, 0x2c);
    at = behindBlanks(at + 1);
  }
}

/** The line as it is. */
function same(start: usize, end: usize, out: usize, outEnd: usize): bool {
  if (out + (end - start) + frameBytes > outEnd) return false;
  memory.copy(out, start, end - start);
  place = out + (end - start);
  return true;
}

/** Of the bytes from `start` up to `end`; what stands behind them may be written over. */
function hashOf(start: usize, end: usize): u32 {
  store<u64>(end, 0);
  let hash: u64 = end - start;
  for (let at = start; at < end; at += 8) {
    hash = (hash ^ load<u64>(at)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return u32(hash >> 32) ^ u32(hash);
}

/** Whether a column of this record has the name already; from now on one has. */
function isTaken(hash: u32): bool {
  let slot = hash & (slots - 1);
  while (load<u32>(filled + (slot << 2)) == records) {
    if (load<u32>(hashes + (slot << 2)) == hash) return true;
    slot = (slot + 1) & (slots - 1);
  }
  store<u32>(filled + (slot << 2), records);
  store<u32>(hashes + (slot << 2), hash);
  return false;
}

/** Writes the object or the array that begins at `from` as JSON text in a string, up to `place`. Gives the place behind it; 0 where it is not well formed. */
function quote(from: usize, out: usize): usize {
  let at = from;
  let depth = 0;
  // Bit n: what is open at depth n is an object.
  let objects: u32 = 0;
  place = out;
  store<u8>(place++, 0x22);
  while (true) {
    // A value begins here.
    const first = load<u8>(at);
    let isFresh = false;
    if (first == 0x7b || first == 0x5b) {
      if (++depth > deepest) return 0;
      objects = first == 0x7b ? objects | (1 << depth) : objects & ~(1 << depth);
      store<u8>(place++, first);
      at++;
      isFresh = true;
    } else if (first == 0x22) {
      at = quoteString(at);
      if (at == 0) return 0;
    } else {
      const next = behindWord(at, first);
      if (next == 0) return 0;
      while (at < next) store<u8>(place++, load<u8>(at++));
    }
    // A value has ended, or one has just been opened. What follows, up to the next value?
    while (true) {
      at = quoteBlanks(at);
      const isObject = (objects >> depth) & 1;
      const byte = load<u8>(at);
      if (byte == 0x5d + (isObject << 5)) {
        store<u8>(place++, byte);
        at++;
        isFresh = false;
        if (--depth > 0) continue;
        store<u8>(place++, 0x22);
        return at;
      }
      if (!isFresh) {
        if (byte != 0x2c) return 0;
        store<u8>(place++, 0x2c);
        at = quoteBlanks(at + 1);
      }
      if (!isObject) break;
      if (load<u8>(at) != 0x22) return 0;
      at = quoteString(at);
      if (at == 0) return 0;
      at = quoteBlanks(at);
      if (load<u8>(at) != 0x3a) return 0;
      store<u8>(place++, 0x3a);
      at = quoteBlanks(at + 1);
      break;
    }
  }
}

function quoteBlanks(from: usize): usize {
  let at = from;
  for (let byte = load<u8>(at); byte == 0x20 || byte == 0x09 || byte == 0x0d; byte = load<u8>(++at)) {
    if (byte == 0x20) store<u8>(place++, 0x20);
    else {
      store<u8>(place++, 0x5c);
      store<u8>(place++, byte == 0x09 ? 0x74 : 0x72);
    }
  }
  return at;
}

/** Writes the string that begins at `from`, with its quotes and backslashes escaped; gives the place behind it, or 0. */
function quoteString(from: usize): usize {
  let at = from + 1;
  store<u8>(place++, 0x5c);
  store<u8>(place++, 0x22);
  while (true) {
    const found = special(at);
    v128.store(place, v128.load(at));
    const count = found == 0 ? 16 : ctz(found);
    at += count;
    place += count;
    if (found == 0) continue;
    const byte = load<u8>(at);
    if (byte == 0x22) {
      store<u8>(place++, 0x5c);
      store<u8>(place++, 0x22);
      return at + 1;
    }
    if (byte >= 0x80) {
      isWide = 1;
      store<u8>(place++, byte);
      at++;
    } else if (byte == 0x5c) {
      const next = behindEscape(at + 1);
      if (next == 0) return 0;
      for (; at < next; at++) {
        const one = load<u8>(at);
        if (one == 0x5c || one == 0x22) store<u8>(place++, 0x5c);
        store<u8>(place++, one);
      }
    } else return 0;
  }
}
