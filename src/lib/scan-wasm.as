// The walk of scan.ts over many lines at once, with SIMD, in AssemblyScript: `npm run wasm` makes scan-wasm.ts of it. It works in a memory of its own,
// into which the lines are copied. scan.ts says what it promises; scan-window.ts calls it.

import { behindBlanks, behindEscape, behindWord, newlineFrom, special } from './json-wasm';

/** What is wanted at one level of a record, a node a field name: its siblings and what is wanted inside it hang on it. */
@unmanaged
class Wanted {
  name: usize;
  length: usize;
  /** Which answer it is; -1: none. */
  answer: i32;
  inside: Wanted | null;
  next: Wanted | null;
  /** The scan that met it last: to meet it twice in one means that the name comes twice. */
  scan: u32;
}

/** What lies behind this is free. */
export const heap: usize = __heap_base;

const deepest = 30;
/** By depth: what is wanted of the names of the object that is open, and which of them its open value is. */
const levels = memory.data(4 * (deepest + 1));
const open = memory.data(4 * (deepest + 1));

/** So many lines have been begun. */
let scans: u32 = 0;
/** Whether the string that was passed over last has an escape, and whether the line has a byte beyond ASCII so far. */
let hasEscape: i32 = 0;
let isWide: i32 = 0;

/**
 * Walks over the lines from `start` up to `end`, where a newline must stand and 15 bytes behind it. For each it writes to `out` what scan-window.ts
 * reads there; places are counted from `start`. A line that `end` cuts is left out, unless it is the first. Gives how many it wrote, `most` at the
 * most.
 */
export function scan(start: usize, end: usize, root: usize, answers: i32, out: usize, most: i32): i32 {
  const size: usize = 12 + 12 * answers;
  let count = 0;
  for (let at = start; count < most && at < end; count++) {
    for (let i: usize = 12; i < size; i += 12) {
      store<i32>(out + i, -1);
      store<i32>(out + i, 0, 8);
    }
    scans++;
    isWide = 0;
    let behind = walk(at, root, start, out + 12);
    const isRecord = behind != 0 && load<u8>(behind) == 0x0a;
    if (!isRecord) behind = newlineFrom(at);
    if (behind >= end && count > 0) break;
    store<u32>(out, at - start);
    store<u32>(out, behind - start, 4);
    store<i32>(out, i32(isRecord) | (isWide << 1), 8);
    out += size;
    at = behind + 1;
  }
  return count;
}

/** The place behind the object and its blanks; 0 where it is for the parse. */
function walk(start: usize, root: usize, base: usize, answers: usize): usize {
  let at = start;
  let depth: i32 = 0;
  // Bit n: what is open at depth n is an object.
  let objects: u32 = 0;
  let wanted: usize = 0;
  let level: usize = root;
  if (load<u8>(at) != 0x7b) return 0;
  while (true) {
    // A value begins here.
    const first = load<u8>(at);
    const valueStart = at;
    let isFresh = false;
    if (first == 0x22) {
      at = behindString(at + 1);
      if (at == 0) return 0;
      if (wanted != 0) {
        answer(answers, wanted, valueStart - base, at - base, hasEscape);
        wanted = 0;
      }
    } else if (first == 0x7b || first == 0x5b) {
      if (++depth > deepest) return 0;
      if (depth > 1) level = wanted == 0 ? 0 : changetype<usize>(changetype<Wanted>(wanted).inside);
      // A path may lead into an array too, by number: that is left to the parse.
      if (first == 0x5b && level != 0) return 0;
      store<usize>(levels + (depth << 2), level);
      store<usize>(open + (depth << 2), wanted);
      if (wanted != 0) {
        const which = changetype<Wanted>(wanted).answer;
        if (which >= 0) store<u32>(answers + 12 * which, valueStart - base);
        wanted = 0;
      }
      at = behindBlanks(at + 1);
      if (first == 0x5b) {
        objects &= ~(1 << depth);
        if (load<u8>(at) != 0x5d) continue;
      } else {
        objects |= 1 << depth;
      }
      isFresh = true;
    } else {
      at = behindWord(at, first);
      if (at == 0) return 0;
      if (wanted != 0) {
        answer(answers, wanted, valueStart - base, at - base, 0);
        wanted = 0;
      }
    }
    // A value has ended, or an object or an array has just been opened. What follows, up to the next value?
    if (!isFresh) at = behindBlanks(at);
    while (true) {
      const byte = load<u8>(at);
      const isObject = (objects >> depth) & 1;
      if (byte == 0x5d + (isObject << 5)) {
        const closed = load<usize>(open + (depth << 2));
        at++;
        depth--;
        if (depth == 0) return behindBlanks(at);
        if (closed != 0) {
          const which = changetype<Wanted>(closed).answer;
          if (which >= 0) store<u32>(answers + 12 * which, at - base, 4);
        }
        at = behindBlanks(at);
        isFresh = false;
        continue;
      }
      if (!isFresh) {
        if (byte != 0x2c) return 0;
        at = behindBlanks(at + 1);
      }
      if (!isObject) break;
      // A name.
      if (load<u8>(at) != 0x22) return 0;
      const nameStart = at + 1;
      at = behindString(nameStart);
      if (at == 0 || hasEscape) return 0;
      level = load<usize>(levels + (depth << 2));
      if (level != 0) {
        wanted = find(level, nameStart, at - 1);
        if (wanted != 0) {
          if (changetype<Wanted>(wanted).scan == scans) return 0;
          changetype<Wanted>(wanted).scan = scans;
        }
      }
      at = behindBlanks(at);
      if (load<u8>(at) != 0x3a) return 0;
      at = behindBlanks(at + 1);
      break;
    }
  }
}

function answer(answers: usize, wanted: usize, start: usize, end: usize, isEscaped: i32): void {
  const which = changetype<Wanted>(wanted).answer;
  if (which < 0) return;
  const place = answers + 12 * which;
  store<u32>(place, start);
  store<u32>(place, end, 4);
  store<i32>(place, isEscaped, 8);
}

function find(level: usize, start: usize, end: usize): usize {
  for (let node = level; node != 0; node = changetype<usize>(changetype<Wanted>(node).next)) {
    const wanted = changetype<Wanted>(node);
    if (wanted.length == end - start && isSame(wanted.name, start, wanted.length)) return node;
  }
  return 0;
}

function isSame(one: usize, other: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(one + i) != load<u8>(other + i)) return false;
  return true;
}

/** The place behind the string of which the opening quote stands before `from`; 0 where it is not well formed. */
// @ts-ignore: decorator
@inline
function behindString(from: usize): usize {
  hasEscape = 0;
  const found = special(from);
  if (found != 0) {
    const at = from + ctz(found);
    if (load<u8>(at) == 0x22) return at + 1;
  }
  return behindLongString(from, found);
}

function behindLongString(from: usize, first: i32): usize {
  let at = from;
  let found = first;
  while (true) {
    if (found == 0) at += 16;
    else {
      at += ctz(found);
      const byte = load<u8>(at);
      if (byte == 0x22) return at + 1;
      if (byte >= 0x80) {
        isWide = 1;
        at++;
      } else {
        if (byte != 0x5c) return 0;
        hasEscape = 1;
        at = behindEscape(at + 1);
        if (at == 0) return 0;
      }
    }
    found = special(at);
  }
}
