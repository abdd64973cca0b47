/**
 * JSON read as bytes, by RFC 8259's grammar, without making values. Each function gets the place where its value begins and gives the
 * place behind it, or a negative number: what is wrong. The bytes must hold a `\n` behind the value: no value goes past one.
 */

/** What stands there is no such value of JSON. */
export const malformed = -1;
/** JSON, but a string in it holds half of a surrogate pair, as an escape. */
export const halfSurrogate = -2;
/** Objects or arrays in one another, more than 1000 deep. */
export const tooDeep = -3;

const quote = 0x22;
const backslash = 0x5c;
const maxDepth = 1000;

/** Blanks, as many as there are, perhaps none; a `\n` is not one of them. It never fails. */
export function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0d || byte === 0x09; byte = bytes[++at]);
  return at;
}

/** A string; `at` is its opening quote. */
export function skipString(bytes: Buffer, at: number): number {
  let i = at + 1;
  for (;;) {
    const byte = bytes[i] as number;
    if (byte === quote) return i + 1;
    if (byte === backslash) {
      i = skipEscape(bytes, i);
      if (i < 0) return i;
    } else if (byte < 0x20) return malformed;
    else i++;
  }
}

function skipEscape(bytes: Buffer, at: number): number {
  switch (bytes[at + 1]) {
    case quote:
    case backslash:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: {
      const unit = unitAt(bytes, at);
      if (unit < 0) return malformed;
      if (unit < 0xd800 || unit > 0xdfff) return at + 6;
      if (unit > 0xdbff) return halfSurrogate;
      const low = unitAt(bytes, at + 6);
      return low >= 0xdc00 && low <= 0xdfff ? at + 12 : halfSurrogate;
    }
    default:
      return malformed;
  }
}

/** The number of `\uXXXX`, -1 where there is none. */
function unitAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== backslash || bytes[at + 1] !== 0x75) return -1;
  const text = bytes.toString('latin1', at + 2, at + 6);
  return /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : -1;
}

/** A number; whether its text is short enough to be exact as it stands is for who calls to see. */
export function skipNumber(bytes: Buffer, at: number): number {
  let i = at;
  if (bytes[i] === 0x2d) i++;
  const first = bytes[i] as number;
  if (first === 0x30) i++;
  else if (first >= 0x31 && first <= 0x39) i = skipDigits(bytes, i);
  else return malformed;
  if (bytes[i] === 0x2e) {
    const end = skipDigits(bytes, i + 1);
    if (end === i + 1) return malformed;
    i = end;
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    const sign = bytes[i + 1];
    const digits = sign === 0x2b || sign === 0x2d ? i + 2 : i + 1;
    i = skipDigits(bytes, digits);
    if (i === digits) return malformed;
  }
  return i;
}

function skipDigits(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at] as number; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] as number);
  return at;
}

/** `true`, `false` or `null`. */
export function skipWord(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  const word = byte === 0x74 ? 'true' : byte === 0x66 ? 'false' : 'null';
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return malformed;
  return at + word.length;
}

/** An object or an array; each number in it is shown to `onNumber`. */
export function skipNested(bytes: Buffer, at: number, onNumber: (start: number, end: number) => void, depth = 1): number {
  if (depth > maxDepth) return tooDeep;
  const isObject = bytes[at] === 0x7b;
  const close = isObject ? 0x7d : 0x5d;
  let i = skipBlanks(bytes, at + 1);
  if (bytes[i] === close) return i + 1;
  for (;;) {
    if (isObject) {
      if (bytes[i] !== quote) return malformed;
      i = skipString(bytes, i);
      if (i < 0) return i;
      i = skipBlanks(bytes, i);
      if (bytes[i] !== 0x3a) return malformed;
      i = skipBlanks(bytes, i + 1);
    }
    const first = bytes[i] as number;
    let end: number;
    if (first === quote) end = skipString(bytes, i);
    else if (first === 0x7b || first === 0x5b) end = skipNested(bytes, i, onNumber, depth + 1);
    else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      end = skipNumber(bytes, i);
      // Up to 15 digits and a dot any number is exact as a double, unless it has a power of ten.
      if (end - i > 15) onNumber(i, end);
    } else end = skipWord(bytes, i);
    if (end < 0) return end;
    i = skipBlanks(bytes, end);
    const next = bytes[i];
    if (next === close) return i + 1;
    if (next !== 0x2c) return malformed;
    i = skipBlanks(bytes, i + 1);
  }
}
