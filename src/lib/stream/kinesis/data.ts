import { BadLine, parseRecord } from '../../lines.ts';

/** A piece of a record's data: a line without its `\n`, or why it is none. */
export interface DataLine {
  bytes: Buffer;
  bad?: string;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * The lines in the data of a foreign producer: one object as a rule; several, a line each; several glued together (`}{`, as Firehose
 * leaves them); or one that is spread over lines, which is joined without touching anything else. What is no JSON object is marked bad.
 */
export function linesOfData(data: Buffer): DataLine[] {
  const whole = trim(data);
  if (whole.length === 0) return [];
  const reason = reasonAgainst(whole);
  if (reason === undefined) return [{ bytes: onOneLine(whole) }];
  const objects = splitObjects(whole);
  if (objects !== undefined && objects.length > 1) return objects.map(judge);
  const lines = splitLines(whole);
  return lines.length > 1
    ? lines.flatMap((line) => splitObjects(line)?.map(judge) ?? [judge(line)])
    : [{ bytes: whole, bad: reason }];
}

function judge(bytes: Buffer): DataLine {
  const bad = reasonAgainst(bytes);
  return bad === undefined ? { bytes: onOneLine(bytes) } : { bytes, bad };
}

function reasonAgainst(bytes: Buffer): string | undefined {
  try {
    parseRecord(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof BadLine) return error.message;
    throw error;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === newline || byte === carriageReturn || byte === space || byte === 0x09;
}

function trim(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

/** JSON has no bare line break inside a string: between its parts a space means the same. */
function onOneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(newline) && !bytes.includes(carriageReturn)) return bytes;
  return Buffer.from(bytes.map((byte) => (byte === newline || byte === carriageReturn ? space : byte)));
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start <= bytes.length; ) {
    let end = bytes.indexOf(newline, start);
    if (end < 0) end = bytes.length;
    const line = trim(bytes.subarray(start, end));
    if (line.length > 0) lines.push(line);
    start = end + 1;
  }
  return lines;
}

/** Splits at the ends of the outermost braces; undefined where anything but space stands between them, or a brace stays open. */
function splitObjects(bytes: Buffer): Buffer[] | undefined {
  const objects: Buffer[] = [];
  let start = -1;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isString) {
      if (byte === backslash) at++;
      else if (byte === quote) isString = false;
    } else if (byte === openBrace) {
      if (depth++ === 0) start = at;
    } else if (depth === 0) {
      if (!isSpace(byte)) return undefined;
    } else if (byte === quote) {
      isString = true;
    } else if (byte === closeBrace && --depth === 0) {
      objects.push(bytes.subarray(start, at + 1));
    }
  }
  return depth === 0 && !isString ? objects : undefined;
}
