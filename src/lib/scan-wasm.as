// The walk of scan.ts over many lines at once, with SIMD, in AssemblyScript: `npm run wasm` makes scan-wasm.ts of it. It works in a memory of its own,
// into which the lines are copied. scan.ts says what it promises; scan-window.ts calls it.

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

/** The next byte that is no blank. A newline is none here: it ends the line. */
// @ts-ignore: decorator
@inline
function behindBlanks(from: usize): usize {
  let at = from;
  let byte = load<u8>(at);
  if (byte > 0x20) return at;
  while (byte == 0x20 || byte == 0x0d || byte == 0x09) byte = load<u8>(++at);
  return at;
}

/** The place behind the string of which the opening quote stands before `from`; 0 where it is not well formed. */
// @ts-ignore: decorator
@inline
function behindString(from: usize): usize {
  hasEscape = 0;
  const bytes = v128.load(from);
  // Signed: bytes beyond ASCII are less than a blank too.
  const special = i8x16.bitmask(
    v128.or(v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))), i8x16.lt_s(bytes, i8x16.splat(0x20))),
  );
  if (special != 0) {
    const at = from + ctz(special);
    if (load<u8>(at) == 0x22) return at + 1;
  }
  return behindLongString(from, special);
}

function behindLongString(from: usize, found: i32): usize {
  let at = from;
  let special = found;
  while (true) {
    if (special == 0) at += 16;
    else {
      at += ctz(special);
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
    const bytes = v128.load(at);
    special = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))), i8x16.lt_s(bytes, i8x16.splat(0x20))),
    );
  }
}

/** The place behind an escape, `from` being the byte after its backslash; 0 where there is no such escape. */
function behindEscape(from: usize): usize {
  switch (load<u8>(from)) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return from + 1;
    case 0x75: // u
      for (let at = from + 1; at < from + 5; at++) if (!isHex(load<u8>(at))) return 0;
      return from + 5;
    default:
      return 0;
  }
}

// @ts-ignore: decorator
@inline
function isHex(byte: u8): bool {
  const letter = byte | 0x20;
  return u8(byte - 0x30) <= 9 || u8(letter - 0x61) <= 5;
}

/** The place behind a number, true, false or null that begins with `first`; 0 where it is none. */
function behindWord(from: usize, first: u8): usize {
  if (first == 0x74) return load<u32>(from) == 0x65757274 ? from + 4 : 0;
  if (first == 0x6e) return load<u32>(from) == 0x6c6c756e ? from + 4 : 0;
  if (first == 0x66) return load<u32>(from + 1) == 0x65736c61 ? from + 5 : 0;
  let at = first == 0x2d ? from + 1 : from;
  if (load<u8>(at) == 0x30) at++;
  else if ((at = behindDigits(at)) == 0) return 0;
  let byte = load<u8>(at);
  if (byte == 0x2e) {
    at = behindDigits(at + 1);
    if (at == 0) return 0;
    byte = load<u8>(at);
  }
  if ((byte | 0x20) == 0x65) {
    const sign = load<u8>(at, 1);
    at = behindDigits(sign == 0x2b || sign == 0x2d ? at + 2 : at + 1);
  }
  return at;
}

/** The place behind one or more digits; 0 where there is none. */
// @ts-ignore: decorator
@inline
function behindDigits(from: usize): usize {
  let at = from;
  while (u8(load<u8>(at) - 0x30) <= 9) at++;
  return at == from ? 0 : at;
}

function newlineFrom(from: usize): usize {
  let at = from;
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0x0a)));
    if (found != 0) return at + ctz(found);
    at += 16;
  }
}
