import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './bash.ts';

/** The arrows and the doors of ARCHITECTURE.md, read from the import lines of src/. */

const src = join(root, 'src');

/** Why a file may be longer than 400 lines. */
const longFiles: Record<string, string> = {
  'lib/lines.ts': 'the line engine: reading, batches and writing work on the same bytes',
};

interface Import {
  from: string;
  /** A file relative to src/, or a package's name, or node:…. */
  what: string;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort();
const sources = new Map(files.map((path) => [path, readFileSync(join(src, path), 'utf8')]));
const imports = files.flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = sources.get(from) ?? '';
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^import\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\b(?:import|require|(?:require|meta)\.resolve|createRequire\(import\.meta\.url\))\(\s*['"]([^'"]+)['"]/g),
  ].map(([, specifier = '']) => specifier);
  return specifiers.map((specifier) => ({ from, what: nameOf(from, specifier) }));
}

function nameOf(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(src, resolve(src, dirname(from), specifier));
  if (specifier.startsWith('node:')) return specifier;
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

const isPackage = (name: string) => !name.startsWith('node:') && !name.endsWith('.ts');
/** `lib/aws` of lib/aws/kinesis.ts, `lib` of lib/lines.ts. */
const folderOf = (file: string) =>
  file
    .split('/')
    .slice(0, file.startsWith('lib/') ? -1 : 1)
    .slice(0, 2)
    .join('/');
const doors = new Set(imports.filter(({ what }) => isPackage(what)).map(({ from }) => folderOf(from)));

/** From the outside in: an arrow may only go to a greater number, or stay inside its folder. */
function layerOf(file: string): number {
  if (file === 'main.ts') return 0;
  if (file === 'commands/index.ts') return 1;
  if (file.startsWith('commands/')) return 2;
  const folder = folderOf(file);
  if (folder === 'lib') return 5;
  return doors.has(folder) ? 4 : 3;
}
const layers = ['main', 'the list of commands', 'a command', 'a joint', 'a door', 'the core'];

test('the reader of imports sees every kind', () => {
  expect(imports).toContainEqual({ from: 'main.ts', what: 'node:fs' });
  expect(imports).toContainEqual({ from: 'main.ts', what: 'lib/ora/spinner.ts' });
  expect(imports).toContainEqual({ from: 'commands/index.ts', what: 'commands/state/list.ts' });
  expect(imports).toContainEqual({ from: 'lib/aws/kinesis.ts', what: '@aws-sdk/client-kinesis' });
  expect(imports).toContainEqual({ from: 'lib/ndjson/read.ts', what: 'ndjson' });
  expect(files.length).toBeGreaterThan(50);
});

test('arrows point one way: main → commands → joints → doors → core', () => {
  const wrong = imports
    .filter(({ what }) => what.endsWith('.ts'))
    .filter(({ from, what }) => {
      const [a, b] = [layerOf(from), layerOf(what)];
      if (a === 2 && b === 2) return true;
      if (a === b) return a === 4 && folderOf(from) !== folderOf(what);
      return a > b;
    })
    .map(({ from, what }) => `${from} (${layers[layerOf(from)]}) imports ${what} (${layers[layerOf(what)]})`);
  expect(wrong).toEqual([]);
});

test('joints do not go in circles', () => {
  const next = new Map<string, Set<string>>();
  for (const { from, what } of imports) {
    if (layerOf(from) !== 3 || !what.endsWith('.ts') || layerOf(what) !== 3 || folderOf(from) === folderOf(what)) continue;
    next.set(folderOf(from), (next.get(folderOf(from)) ?? new Set()).add(folderOf(what)));
  }
  const circles: string[] = [];
  const walk = (folder: string, path: string[]): void => {
    if (path.includes(folder)) circles.push([...path.slice(path.indexOf(folder)), folder].join(' → '));
    else for (const other of next.get(folder) ?? []) walk(other, [...path, folder]);
  };
  for (const folder of next.keys()) walk(folder, []);
  expect(circles).toEqual([]);
});

test('each outside package has one door, a folder of lib', () => {
  const folders = new Map<string, Set<string>>();
  for (const { from, what } of imports) {
    if (isPackage(what)) folders.set(what, (folders.get(what) ?? new Set()).add(folderOf(from)));
  }
  const wrong = [...folders].filter(([, by]) => by.size > 1 || ![...by].every((folder) => /^lib\/./.test(folder)));
  expect(wrong.map(([name, by]) => `${name} is imported by ${[...by].join(', ')}`)).toEqual([]);
});

test('every package that the program imports is a dependency, and every dependency is imported', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const used = new Set(imports.map(({ what }) => what).filter(isPackage));
  expect([...used].filter((name) => !(name in dependencies))).toEqual([]);
  expect(Object.keys(dependencies).filter((name) => !used.has(name))).toEqual([]);
});

test('only main.ts touches the process, and nobody the console', () => {
  const wrong = files
    .filter((path) => path !== 'main.ts')
    .filter(
      (path) =>
        /(?<![#.\w])process\s*[.[]|\bconsole\s*\./.test(codeOf(path)) ||
        imports.some((one) => one.from === path && one.what === 'node:process'),
    );
  expect(wrong).toEqual([]);
  expect(codeOf('main.ts')).toMatch(/\bprocess\./);
  expect(codeOf('main.ts')).not.toMatch(/\bprocess\.exit\(/);
});

test('SIGUSR1 never reaches the debugger of Node: it is caught before anything is loaded', () => {
  const entry = withoutComments(readFileSync(join(root, 'bin', 'buda'), 'utf8').replace(/^#!.*/, ''));
  expect(entry.indexOf("process.on('SIGUSR1'")).toBeGreaterThan(0);
  expect(entry.indexOf("process.on('SIGUSR1'")).toBeLessThan(entry.indexOf('require('));
});

test('only lib/marks.ts knows how a mark is written', () => {
  const knows = files.filter((path) => /['"`]buda\.(begin|mark|end)['"`]/.test(withoutComments(sources.get(path) ?? '')));
  expect(knows).toEqual(['lib/marks.ts']);
});

test('ARCHITECTURE.md names every door, and tests that are there', () => {
  const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const [, named = ''] = /\*\*doors\*\* `src\/lib\/\{([^}]*)\}/.exec(page) ?? [];
  expect(named.split(',')).toEqual([...doors].map((folder) => folder.replace('lib/', '')).sort());
  const tests = [...page.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);
  expect(tests.length).toBeGreaterThan(10);
  expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('what a module exports does not change once it is loaded: the build looks it up once', () => {
  expect(files.filter((path) => /^export (?:let|var)\b/m.test(sources.get(path) ?? ''))).toEqual([]);
});

test('every export says above it what it promises', () => {
  expect(silentExportsIn('export type A = 1;\n\n/** B. */\n\nexport const b = 1;\nexport async function* c() {}').length).toBe(3);
  expect(silentExportsIn('/** A. */\nexport function a(): void;\nexport function a(b?: 1): void {}\nexport class C {}')).toEqual([
    'C',
  ]);
  expect(silentExportsIn('/** A. */\n// biome-ignore lint/x: why\nexport type A = any;')).toEqual([]);
  expect(silentExportsIn('// biome-ignore lint/x: why\nexport type A = any;')).toEqual(['A']);
  const silent = files
    .filter((path) => !path.startsWith('commands/'))
    .flatMap((path) => silentExportsIn(sources.get(path) ?? '').map((name) => `${path}: ${name}`));
  expect(silent).toEqual([]);
});

/** The exports that have no comment directly above them; of a function's overloads the first speaks for all. */
function silentExportsIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('// biome-ignore '));
  const spoken = new Set<string>();
  return lines.flatMap((line, i) => {
    const [, kind, name] = exported.exec(line) ?? [];
    if (kind === undefined || name === undefined) return [];
    const isSpoken = /^\/\/|\*\/$/.test(lines[i - 1] ?? '') || (kind === 'function' && spoken.has(name));
    if (isSpoken && kind === 'function') spoken.add(name);
    return isSpoken ? [] : [name];
  });
}
const exported = /^export (?:default )?(?:async |abstract )?(function|class|const|interface|type)\b\*? (\w+)/;

test('a file over 400 lines has a reason', () => {
  const long = files.filter((path) => (sources.get(path) ?? '').trimEnd().split('\n').length > 400);
  expect(long.filter((path) => !(path in longFiles))).toEqual([]);
});

test('no file is named after nothing in particular', () => {
  const vague = /^(utils?|helpers?|common|misc|base|shared|managers?|services?)$/;
  expect(files.filter((path) => path.split('/').some((part) => vague.test(basename(part, '.ts'))))).toEqual([]);
});

/** The code of a file without comments and without the text of plain strings. */
function codeOf(path: string): string {
  return withoutComments(sources.get(path) ?? '').replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}
