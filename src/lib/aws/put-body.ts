import { base64Length, writeBase64 } from '../base64.ts';

/** One record on its way in: its data stands in `block` from `start` up to `end`. */
export interface PutEntry {
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  readonly partitionKey: string;
}

const beforeData = Buffer.from('{"Data":"');
const beforeKey = Buffer.from('","PartitionKey":"');
const behindKey = Buffer.from('"},');
const frameBytes = beforeData.length + beforeKey.length + behindKey.length;
/** An escape of JSON, `\u0000`, for each unit of a string: more no key can take. */
const mostEscaped = 6;
/** Memory is taken in whole pieces of this, so that the next body is likely to fit too. */
const roundBytes = 64 * 1024;

/**
 * The body of PutRecords in JSON, as the SDK would write it, but from the bytes where they stand; into `spare` where it fits, else into
 * memory of its own. Source: the API reference of Kinesis.
 */
export function writePutBody(stream: string, entries: readonly PutEntry[], spare?: Buffer): Buffer {
  const head = `{"StreamName":${JSON.stringify(stream)},"Records":[`;
  let room = Buffer.byteLength(head) + 2;
  for (const { start, end, partitionKey } of entries)
    room += frameBytes + base64Length(end - start) + mostEscaped * partitionKey.length;
  const body =
    spare !== undefined && spare.length >= room ? spare : Buffer.allocUnsafeSlow(Math.ceil(room / roundBytes) * roundBytes);
  let at = body.write(head);
  for (const { block, start, end, partitionKey } of entries) {
    at = writeBytes(body, at, beforeData);
    at = writeBase64(body, at, block, start, end);
    at = writeBytes(body, at, beforeKey);
    at = writeText(body, at, partitionKey);
    at = writeBytes(body, at, behindKey);
  }
  // The last comma gives its place to the end.
  if (entries.length > 0) at--;
  return body.subarray(0, at + body.write(']}', at));
}

function writeBytes(body: Buffer, from: number, bytes: Buffer): number {
  let at = from;
  for (let i = 0; i < bytes.length; i++) body[at++] = bytes[i] as number;
  return at;
}

/** The inside of a JSON string. Letter by letter while nothing has to be escaped: a call out of JavaScript costs more than a key. */
function writeText(body: Buffer, from: number, text: string): number {
  let at = from;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c)
      return from + body.write(JSON.stringify(text).slice(1, -1), from, 'utf8');
    body[at++] = code;
  }
  return at;
}
