import { isBlank, objectsIn } from '../../json-bytes.ts';
import { reasonAgainst } from '../../records.ts';

/** A piece of a record's data: a line without its `\n`, or why it is none. */
export interface DataLine {
  bytes: Buffer;
  bad?: string;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/**
 * The lines in the data of a foreign producer: one object as a rule; several, a line each; several glued together (`}{`, as Firehose
 * leaves them); or one that is spread over lines, which is joined without touching anything else. What is no JSON object is marked bad.
 */
export function linesOfData(data: Buffer): DataLine[] {
  const whole = trim(data);
  if (whole.length === 0) return [];
  const reason = reasonAgainst(whole);
  if (reason === undefined) return [{ bytes: onOneLine(whole) }];
  const objects = objectsIn(whole);
  if (objects !== undefined && objects.length > 1) return objects.map(judge);
  const lines = splitLines(whole);
  return lines.length > 1
    ? lines.flatMap((line) => objectsIn(line)?.map(judge) ?? [judge(line)])
    : [{ bytes: whole, bad: reason }];
}

function judge(bytes: Buffer): DataLine {
  const bad = reasonAgainst(bytes);
  return bad === undefined ? { bytes: onOneLine(bytes) } : { bytes, bad };
}

function trim(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
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
