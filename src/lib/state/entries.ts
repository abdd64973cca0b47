import { open } from 'node:fs/promises';
import { base64Length, writeBase64 } from '../base64.ts';
import { Failure } from '../errors.ts';

/** What a step saved under one key; null takes it away, and bytes come back as a text in base64. */
export type Entry = [key: string, value: unknown];

/** An entry, and how it lies in a file: its line with the newline, which stands in `bytes` until the next one is asked for. */
export interface WrittenEntry {
  key: string;
  value: unknown;
  bytes: Buffer;
}

const newline = 0x0a;
const readBytes = 128 * 1024;

/** An entry as it lies in a file: one line. */
export function formatEntry([key, value]: Entry): Buffer {
  if (!Buffer.isBuffer(value)) return Buffer.from(`${JSON.stringify([key, value])}\n`);
  const head = `[${JSON.stringify(key)},"`;
  const line = Buffer.allocUnsafe(Buffer.byteLength(head) + base64Length(value.length) + 3);
  const at = writeBase64(line, line.write(head), value, 0, value.length);
  line.write('"]\n', at);
  return line;
}

/**
 * The entries of a file, one at a time, so that a fold of tens of megabytes holds one: a stream of objects holds dozens, and V8's young generation
 * grows by them. A line that is none means that the file was damaged: a Failure (65).
 */
export async function* readWritten(path: string): AsyncGenerator<WrittenEntry> {
  const file = await open(path, 'r');
  try {
    let block = Buffer.allocUnsafe(readBytes);
    let filled = 0;
    for (;;) {
      if (filled === block.length) block = Buffer.concat([block], 2 * block.length);
      const { bytesRead } = await file.read(block, filled, block.length - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
      let start = 0;
      for (let end = block.indexOf(newline); end >= 0 && end < filled; end = block.indexOf(newline, start)) {
        const bytes = block.subarray(start, end + 1);
        yield { ...parse(bytes, path), bytes };
        start = end + 1;
      }
      block.copyWithin(0, start, filled);
      filled -= start;
    }
    if (filled > 0) throw damaged(path);
  } finally {
    await file.close();
  }
}

function parse(line: Buffer, path: string): { key: string; value: unknown } {
  try {
    const entry: unknown = JSON.parse(line.toString());
    if (Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string') return { key: entry[0], value: entry[1] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(path);
}

function damaged(path: string): Failure {
  return new Failure('badData', `${path} is damaged: a line of it is no entry`);
}
