import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { entries } from '../../src/commands/index.ts';
import { bashCompletion } from '../../src/lib/completion/bash.ts';
import { fishCompletion } from '../../src/lib/completion/fish.ts';
import { wordTree } from '../../src/lib/completion/words.ts';
import { zshCompletion } from '../../src/lib/completion/zsh.ts';
import { exits } from '../../src/lib/errors.ts';
import { manPageOf, pageName } from '../../src/lib/man.ts';
import { root } from './bash.ts';
import { loadAll } from './commands.ts';
import { wasmOf } from './wasm.ts';

/** What is made and committed: a page a command, the completion of three shells, and WebAssembly. `npm run generate` writes it. */

const isUpdate = process.env.UPDATE_GENERATED === '1';
const all = await loadAll();
const packagePath = join(root, 'package.json');
const description = JSON.parse(readFileSync(packagePath, 'utf8')) as { version: string; man: string[] };
const [, date = ''] =
  new RegExp(`^## ${description.version} \\((\\d{4}-\\d\\d-\\d\\d)\\)$`, 'm').exec(textOf('CHANGELOG.md')) ?? [];

const made = new Map<string, string>();
for (const { words, summary, command } of all) {
  const entry = { words, summary, load: async () => ({ default: command }) };
  made.set(`man/${pageName(words)}.1`, manPageOf(entry, command, { date, entries }));
}
const tree = await wordTree(entries);
made.set('completions/buda.bash', bashCompletion(tree));
made.set('completions/_buda', zshCompletion(tree));
made.set('completions/buda.fish', fishCompletion(tree));
for (const source of [
  'scan-wasm',
  'flatten/flatten-wasm',
  'aws/put-body-wasm',
  'aws/put-answer-wasm',
  'hash/hmac-wasm',
  'stream/md5-wasm',
  'stream/kinesis/packer-wasm',
].map((name) => `src/lib/${name}`))
  made.set(`${source}.ts`, await wasmOf(source));
const manList = ['man/buda.1', ...[...made.keys()].filter((path) => path.startsWith('man/'))];

const manual = join(root, 'man/buda.1');
const seeAlso = `.Sh SEE ALSO\n${entries
  .map(({ words }) => `.Xr ${pageName(words)} 1`)
  .sort()
  .join(' ,\n')}\n`;

if (isUpdate) {
  writeFileSync(manual, readFileSync(manual, 'utf8').replace(/\.Sh SEE ALSO\n(?:\.Xr .*\n)+/, seeAlso));
  for (const path of strangers()) rmSync(join(root, path));
  for (const [path, text] of made) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  description.man = manList;
  writeFileSync(packagePath, `${JSON.stringify(description, null, 2)}\n`);
}

test('the CHANGELOG names the day of this version, which the pages bear', () => {
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
});

test.each([...made.keys()])('%s is fresh', (path) => {
  expect(existsSync(join(root, path)), 'it is missing; run: npm run generate').toBe(true);
  expect(textOf(path), 'it is old; run: npm run generate').toBe(made.get(path));
});

test('no page and no completion is left over, and the package lists every page', () => {
  expect(strangers()).toEqual([]);
  expect(description.man).toEqual(manList);
});

test('buda(1) has the exit codes of the code, and names every command', () => {
  const page = textOf('man/buda.1');
  const table = /\.Sh EXIT STATUS\n([\s\S]*?)\n\.Sh /.exec(page)?.[1] ?? '';
  const codes = [...table.matchAll(/^\.It (?:Er )?(\d+)/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual([0, ...Object.values(exits).map(({ code }) => code), 130, 143].sort((a, b) => a - b));
  expect(page.endsWith(`\n${seeAlso}`), 'its SEE ALSO is old; run: npm run generate').toBe(true);
});

function strangers(): string[] {
  return ['man', 'completions']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
    .filter((path) => !made.has(path) && path !== 'man/buda.1');
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
