import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Entry, formatEntry, readWritten } from '../../src/lib/state/entries.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-entries-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'entries.ndjson');

async function readAll(bytes: Buffer | string) {
  writeFileSync(path, bytes);
  const read: { key: string; value: unknown; bytes: Buffer }[] = [];
  for await (const entry of readWritten(path)) read.push({ ...entry, bytes: Buffer.from(entry.bytes) });
  return read;
}

test('bytes are written as JSON would write their base64, of whatever length', () => {
  for (const length of [0, 1, 2, 3, 24 * 1024 - 1, 24 * 1024, 24 * 1024 + 1, 100_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 31) % 251));
    expect(formatEntry(['a"b', bytes]).toString()).toBe(`${JSON.stringify(['a"b', bytes.toString('base64')])}\n`);
  }
});

test('entries are read as they were written, whatever their keys and however long they are', async () => {
  const entries: Entry[] = [
    ['', 1],
    ['a"b\\', 'x'],
    ['é\u2028\n\\"],', { a: [null] }],
    ['gone', null],
    ...Array.from({ length: 3000 }, (_, i): Entry => [`n|${i}`, 'y'.repeat(i % 200)]),
    ['k'.repeat(300_000), 'z'.repeat(700_000)],
    ['last', Buffer.alloc(200_000)],
  ];
  const lines = entries.map(formatEntry);
  const read = await readAll(Buffer.concat(lines));
  expect(read.map(({ key, value }) => [key, value])).toEqual(entries.map((entry) => JSON.parse(formatEntry(entry).toString())));
  expect(Buffer.concat(read.map(({ bytes }) => bytes)).equals(Buffer.concat(lines))).toBe(true);
  expect(await readAll('')).toEqual([]);
});

describe('a file that was damaged is refused (65)', () => {
  test.each([
    '["a",1]\n["b"',
    '["a",1]\n\n["b",2]\n',
    '{"a":1}\n',
    '["a"]\n',
    '["a\n",1]\n',
    '["\\x",1]\n',
    '[1,2]\n',
    '\0\0\0\n',
  ])('%j', async (text) => {
    await expect(readAll(text)).rejects.toMatchObject({ exit: 65, message: expect.stringContaining(path) });
  });
});
