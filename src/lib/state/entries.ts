import { createReadStream } from 'node:fs';

/** What a step saved under one key; null takes it away. */
export type Entry = [key: string, value: unknown];

const newline = 0x0a;

/** An entry as it lies in a file: one line. */
export function formatEntry([key, value]: readonly [string, unknown]): string {
  return `${JSON.stringify([key, value])}\n`;
}

/** The keys of a file's entries, one for each line, without their values; '' where there is none: whoever reads the values will see. */
export async function* readKeys(path: string): AsyncGenerator<string> {
  let carry: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      yield keyOf(bytes.toString('utf8', start, end));
      start = end + 1;
    }
    carry = bytes.subarray(start);
  }
}

function keyOf(line: string): string {
  const key = /^\[("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"),/i.exec(line)?.[1];
  return key === undefined ? '' : (JSON.parse(key) as string);
}
