import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Entry, formatEntry, isNothing, readWritten } from '../../src/lib/state/entries.ts';

const folder = mkdtempSync(join(tmpdir(), 'buda-entries-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'entries.ndjson');

async function readAll(bytes: Buffer | string) {
  writeFileSync(path, bytes);
  const read: { key: string; bytes: Buffer; isNothing: boolean }[] = [];
  for await (const entry of readWritten(path))
    read.push({ key: entry.key, bytes: Buffer.from(entry.bytes), isNothing: isNothing(entry) });
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
    ...Array.from({ length: 3000 }, (_, i): Entry => [`n|${i}`, 'y'.repeat(i % 200)]),
    ['k'.repeat(300_000), 'z'.repeat(700_000)],
    ['last', Buffer.alloc(200_000)],
  ];
  const lines = entries.map(formatEntry);
  const read = await readAll(Buffer.concat(lines));
  expect(read.map(({ key }) => key)).toEqual(entries.map(([key]) => key));
  expect(Buffer.concat(read.map(({ bytes }) => bytes)).equals(Buffer.concat(lines))).toBe(true);
  expect(await readAll('')).toEqual([]);
});

test('an entry that takes its key away is told from one whose value looks like it', async () => {
  const values: [unknown, boolean][] = [
    [null, true],
    [[1, null], false],
    [',null]', false],
    ['null', false],
    [{ a: null }, false],
    [[null], false],
  ];
  const read = await readAll(Buffer.concat(values.map(([value]) => formatEntry(['a,null]', value]))));
  expect(read.map((entry) => entry.isNothing)).toEqual(values.map(([, expected]) => expected));
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
