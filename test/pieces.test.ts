import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writePieces } from '../src/lib/pieces.ts';
import { temporary } from './house/bash.ts';

const folder = mkdtempSync(join(temporary, 'buda-pieces-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// More than the system takes at once, and more than the thread itself writes.
test.each([
  [3, 10],
  [5000, 3],
  [5000, 100],
  [3, 300_000],
])('%i pieces of %i bytes come into a file whole, where it stands or at a place', async (count, length) => {
  const pieces = Array.from({ length: count }, (_, i) => Buffer.alloc(i % 7 === 2 ? 0 : length, 97 + (i % 26)));
  const text = Buffer.concat(pieces).toString();
  const path = join(folder, `${count}-${length}`);
  const file = openSync(path, 'w+');
  writeSync(file, 'before');
  await writePieces(file, pieces);
  await writePieces(file, []);
  expect(readFileSync(path, 'utf8')).toBe(`before${text}`);
  await writePieces(file, pieces, 3);
  expect(readFileSync(path, 'utf8')).toBe(`bef${text}${text.slice(-3)}`);
  closeSync(file);
});
