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

/**
 * What follows one name in a record mostly follows it in the next record too. So the name that came behind another is kept, by a hash of the names
 * before it: what stood there, from the comma (or the quote, where it is the first of an object) up to its value. Where that stands again, it is not
 * read again. What stood there lies behind this, and then which bytes of it count.
 */
@unmanaged
class Follower {
  length: u32;
  /** The level in which the name was looked for, with a bit for the first name of an object, and one that is always set. */
  where: usize;
  /** What was found. */
  wanted: usize;
  /** Where that which followed the name itself is kept. */
  next: usize;
}

const stoodAt: usize = 16;
const countsAt: usize = 48;
const mostStood: usize = 32;
const followerBytes: usize = 80;
/** By bits of the hash: more than the names of a large record, so that they seldom share one. */
const followerBits = 11;
const followers = memory.data(80 << 11, 16);
/** 32 bytes that count, then 32 that do not. */
const counting = memory.data<u64>([-1, -1, -1, -1, 0, 0, 0, 0]);

/** So many lines have been begun. */
let scans: u32 = 0;
/** Whether the string that was passed over last has an escape, and whether the line has a byte beyond ASCII so far. */
let hasEscape: i32 = 0;
let isWide: i32 = 0;

/**
 * Walks over the lines from `start` up to `end`, where a newline must stand and 31 bytes behind it. For each it writes to `out` what scan-window.ts
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
  let follower: usize = followers;
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
      if (isObject) {
        level = load<usize>(levels + (depth << 2));
        const where = level | 2 | usize(isFresh);
        if (stands(follower, where, at)) {
          const met = changetype<Follower>(follower);
          at = behindBlanks(at + met.length);
          wanted = met.wanted;
          follower = met.next;
        } else {
          const from = at;
          if (!isFresh) {
            if (byte != 0x2c) return 0;
            at = behindBlanks(at + 1);
          }
          if (load<u8>(at) != 0x22) return 0;
          const nameStart = at + 1;
          at = behindString(nameStart);
          if (at == 0 || hasEscape) return 0;
          const nameEnd = at - 1;
          wanted = find(level, nameStart, nameEnd);
          at = behindBlanks(at);
          if (load<u8>(at) != 0x3a) return 0;
          at = behindBlanks(at + 1);
          const next = behindName(nameStart, nameEnd, follower);
          if (!isWide) keep(follower, where, from, at, wanted, next);
          follower = next;
        }
        if (wanted != 0) {
          if (changetype<Wanted>(wanted).scan == scans) return 0;
          changetype<Wanted>(wanted).scan = scans;
        }
      } else {
        // An array that was just opened is empty, and has been closed above.
        if (byte != 0x2c) return 0;
        at = behindBlanks(at + 1);
      }
      break;
    }
  }
}

/** Whether what is kept stands at this place. */
// @ts-ignore: decorator
@inline
function stands(follower: usize, where: usize, at: usize): bool {
  if (changetype<Follower>(follower).where != where) return false;
  const first = v128.xor(v128.load(at), v128.load(follower, stoodAt));
  const second = v128.xor(v128.load(at, 16), v128.load(follower, stoodAt + 16));
  return !v128.any_true(
    v128.or(v128.and(first, v128.load(follower, countsAt)), v128.and(second, v128.load(follower, countsAt + 16))),
  );
}

/** Keeps what stands from `start` up to `end`, all ASCII, unless it is long. */
function keep(follower: usize, where: usize, start: usize, end: usize, wanted: usize, next: usize): void {
  const length = end - start;
  if (length > mostStood) return;
  const kept = changetype<Follower>(follower);
  kept.length = u32(length);
  kept.where = where;
  kept.wanted = wanted;
  kept.next = next;
  const counts = counting + mostStood - length;
  v128.store(follower, v128.load(start), stoodAt);
  v128.store(follower, v128.load(start, 16), stoodAt + 16);
  v128.store(follower, v128.load(counts), countsAt);
  v128.store(follower, v128.load(counts, 16), countsAt + 16);
}

/** Where that is kept which follows the name from `start` up to `end`, which itself followed something. */
function behindName(start: usize, end: usize, follower: usize): usize {
  const length = end - start;
  let word = load<u64>(start);
  if (length < 8) word &= (<u64>1 << (length << 3)) - 1;
  const hash = (word ^ length ^ (u64(follower) << 20)) * 0x9e3779b97f4a7c15;
  return followers + usize(hash >> (64 - followerBits)) * followerBytes;
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
  const found = special(from) | (special(from + 16) << 16);
  if (found != 0) {
    const at = from + ctz(found);
    if (load<u8>(at) == 0x22) return at + 1;
  }
  return behindLongString(found == 0 ? from + 32 : from);
}

function behindLongString(from: usize): usize {
  let at = from;
  while (true) {
    const found = special(at);
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
  }
}
