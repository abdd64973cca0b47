// What JSON's bytes mean, in AssemblyScript: for scan-wasm.as and flatten/flatten-wasm.as. A line stands in memory with its newline and 15 bytes behind
// it; a newline ends everything here, so that nothing is read beyond it.

/** Which of the 16 bytes from `at` on do not stand in a string as they are, a bit each: a quote, a backslash, a control character, beyond ASCII. */
// @ts-ignore: decorator
@inline
export function special(at: usize): i32 {
  const bytes = v128.load(at);
  // Signed: bytes beyond ASCII are less than a blank too.
  return i8x16.bitmask(
    v128.or(v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))), i8x16.lt_s(bytes, i8x16.splat(0x20))),
  );
}

/** The next byte that is no blank. A newline is none here: it ends the line. */
// @ts-ignore: decorator
@inline
export function behindBlanks(from: usize): usize {
  let at = from;
  let byte = load<u8>(at);
  if (byte > 0x20) return at;
  while (byte == 0x20 || byte == 0x0d || byte == 0x09) byte = load<u8>(++at);
  return at;
}

/** The place behind an escape, `from` being the byte after its backslash; 0 where there is no such escape. */
export function behindEscape(from: usize): usize {
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
export function behindWord(from: usize, first: u8): usize {
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

/** Where the line ends. */
export function newlineFrom(from: usize): usize {
  let at = from;
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0x0a)));
    if (found != 0) return at + ctz(found);
    at += 16;
  }
}
