import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OpenFile } from '../src/lib/input.ts';
import { bash, environmentIn, temporary } from './house/bash.ts';

/** A step's stdin, be it a pipe, a socket or a file. */

const folder = mkdtempSync(join(temporary, 'buda-input-'));
const env = environmentIn(folder);
const run = (script: string, input = '') => bash(script, { cwd: folder, env, input: Buffer.from(input) });
// Lines of all lengths, so that reads end anywhere in them; some are longer than a read.
const lines = Array.from(
  { length: 3000 },
  (_, n) => `{"n":${n},"pad":"${'x'.repeat(n % 500 === 7 ? 300_000 : (n * 37) % 900)}"}`,
);
const text = lines.map((line) => `${line}\n`).join('');
const digestOf = (bytes: string) => `${createHash('md5').update(bytes).digest('hex')}  -\n`;

beforeAll(() => writeFileSync(join(folder, 'all'), text));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const step = 'buda transform dedupe -q --key n | md5sum';

test.each([
  ['a file', `${step} <all`],
  ['a pipe', `cat all | ${step}`],
  ['a pipe that gives little at once', `dd if=all bs=1000 status=none | ${step}`],
])('all of it comes out of %s', async (_, script) => {
  const { stdout, stderr } = await run(script);
  expect(stdout, stderr).toBe(digestOf(text));
});

test('a file is read from where it stands, and to where it ends, without its last newline too', async () => {
  const { stdout, stderr } = await run(`exec 3<all; read -r one <&3; ${step} <&3`);
  expect(stdout, stderr).toBe(digestOf(text.slice(text.indexOf('\n') + 1)));
  const cut = await run(`printf '{"n":1}' >short; buda transform dedupe -q <short; buda transform dedupe -q </dev/null; echo $?`);
  expect(cut.stdout, cut.stderr).toBe('{"n":1}\n0\n');
});

test('what cannot be read is no end of the input: 1', async () => {
  const { exit, stdout, stderr } = await run(`buda transform dedupe -q <.`);
  expect([exit, stdout], stderr).toEqual([1, '']);
  expect(stderr).toContain('it is a folder');
});

test('whoever stops early reads no more', async () => {
  writeFileSync(join(folder, 'growing'), text);
  const descriptor = openSync(join(folder, 'growing'), 'r');
  const input = new OpenFile(descriptor);
  let pieces = 0;
  for await (const piece of input) {
    expect(piece.length).toBeGreaterThan(0);
    if (++pieces === 2) input.close();
    truncateSync(join(folder, 'growing'), 4 * 128 * 1024);
  }
  expect(pieces).toBe(2);
  closeSync(descriptor);
});
