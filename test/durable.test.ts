import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolderDurably } from '../src/lib/durable.ts';
import { temporary } from './house/bash.ts';

const folder = mkdtempSync(join(temporary, 'buda-durable-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('folders are made with those above them, by several at once, for their owner only', async () => {
  const path = join(folder, 'a/b/c');
  await Promise.all(Array.from({ length: 8 }, () => makeFolderDurably(path)));
  await makeFolderDurably(path);
  for (const made of ['a', 'a/b', 'a/b/c']) expect(statSync(join(folder, made)).mode & 0o777).toBe(0o700);
});

test('where none can be made it says why', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(makeFolderDurably(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolderDurably(join(folder, 'file/in/it'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.runIf(process.platform === 'linux')('a file system without folders is no reason to try for ever', async () => {
  await expect(makeFolderDurably('/proc/buda/in/it')).rejects.toMatchObject({ code: 'ENOENT' });
});
