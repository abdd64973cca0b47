/**
 * JSON cut and joined as bytes, so that what is passed on stays as it came: a number keeps its zeros, a string its escapes.
 * All of these trust that the text is JSON: whoever calls has parsed it.
 */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;

/** A piece of the bytes: from `start` up to `end`, which is not in it. */
export interface Range {
  start: number;
  end: number;
}

/** The place behind the string whose opening quote stands at `at`; -1 if it does not end. */
export function endOfString(bytes: Buffer, at: number): number {
  for (let end = bytes.indexOf(quote, at + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return -1;
}

/** Whether a byte is one of JSON's four blanks. */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The values of an array's elements; `at` is its opening bracket. */
export function elementsOf(bytes: Buffer, at: number): Range[] {
  const ranges: Range[] = [];
  for (let start = skipBlanks(bytes, at + 1); bytes[start] !== 0x5d && start < bytes.length; ) {
    const end = endOfValue(bytes, start);
    ranges.push({ start, end });
    const next = skipBlanks(bytes, end);
    start = bytes[next] === comma ? skipBlanks(bytes, next + 1) : next;
  }
  return ranges;
}

/** The value of a member of the object whose opening brace stands at `at`. */
export function memberOf(bytes: Buffer, at: number, name: string): Range | undefined {
  return membersOf(bytes, at).get(name);
}

/** The values of all of its members, by their names; the last one where a name comes twice, as JSON.parse has it. */
export function membersOf(bytes: Buffer, at: number): Map<string, Range> {
  const found = new Map<string, Range>();
  for (let start = skipBlanks(bytes, at + 1); bytes[start] === quote; ) {
    const endOfName = endOfString(bytes, start);
    const value = skipBlanks(bytes, skipBlanks(bytes, endOfName) + 1);
    const end = endOfValue(bytes, value);
    found.set(JSON.parse(bytes.toString('utf8', start, endOfName)) as string, { start: value, end });
    const next = skipBlanks(bytes, end);
    start = bytes[next] === comma ? skipBlanks(bytes, next + 1) : next;
  }
  return found;
}

/** The objects that stand one behind the other (`}{`, as Firehose leaves them); undefined where anything but space stands between them, or a brace stays open. */
export function objectsIn(bytes: Buffer): Buffer[] | undefined {
  const objects: Buffer[] = [];
  let start = -1;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isString) {
      if (byte === backslash) at++;
      else if (byte === quote) isString = false;
    } else if (byte === 0x7b) {
      if (depth++ === 0) start = at;
    } else if (depth === 0) {
      if (!isBlank(byte)) return undefined;
    } else if (byte === quote) {
      isString = true;
    } else if (byte === 0x7d && --depth === 0) {
      objects.push(bytes.subarray(start, at + 1));
    }
  }
  return depth === 0 && !isString ? objects : undefined;
}

/** The same value without blanks between its tokens: on one line. */
export function compact(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      const end = endOfString(bytes, at);
      length += bytes.copy(out, length, at, end < 0 ? bytes.length : end);
      at = end < 0 ? bytes.length : end;
    } else {
      if (!isBlank(byte)) out[length++] = byte;
      at++;
    }
  }
  return length === bytes.length ? bytes : out.subarray(0, length);
}

/** How much deeper the text is nested at its end than at its beginning; undefined if a string does not end in it. */
export function depthOf(bytes: Buffer): number | undefined {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = endOfString(bytes, at);
      if (end < 0) return undefined;
      at = end - 1;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return depth;
}

/** The place of the next byte that is none of JSON's blanks. */
export function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (isBlank(bytes[at])) at++;
  return at;
}

/** The place behind the value that begins at `from`. */
export function endOfValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) return endOfString(bytes, from);
  let at = from;
  if (first !== 0x7b && first !== 0x5b) {
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === comma || byte === colon || byte === 0x5d || byte === 0x7d || isBlank(byte)) break;
    }
    return at;
  }
  let depth = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = endOfString(bytes, at);
      if (end < 0) return bytes.length;
      at = end;
      continue;
    }
    at++;
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at;
  }
  return at;
}
