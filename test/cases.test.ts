import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { entries } from '../src/commands/index.ts';
import { bash, environmentIn, temporary } from './house/bash.ts';
import { isThere } from './house/tools.ts';

/**
 * Golden cases: cases/<words joined by "-">/<case>/ holds `cmd`, a bash script; `input`, its stdin; `expected`, its stdout; `exit`, where
 * it is not 0; `stderr`, where it is stable. Any other file is copied to the folder in which the script runs.
 * `npm run cases` writes what comes out today; read it in `git diff`.
 */
const folder = join(import.meta.dirname, 'cases');
const isUpdate = process.env.UPDATE_CASES === '1';
const harness = new Set(['cmd', 'input', 'expected', 'exit', 'stderr']);

vi.setConfig({ maxConcurrency: 2 });

const groups = foldersIn(folder);
for (const group of groups) {
  describe.concurrent(group, () => {
    for (const name of foldersIn(join(folder, group))) {
      const place = join(folder, group, name);
      test.skipIf(!isThere('jq') && /\bjq\b/.test(textOf(place, 'cmd') ?? ''))(name, async ({ expect }) => {
        const { exit, stdout, stderr } = await runCase(place);
        if (isUpdate) return keep(place, { exit, stdout, stderr });
        const saidToo = `it said:\n${stderr}`;
        expect.soft(exit, saidToo).toBe(Number(textOf(place, 'exit') ?? '0'));
        expect.soft(stdout, saidToo).toBe(textOf(place, 'expected') ?? '');
        const expectedStderr = textOf(place, 'stderr');
        if (expectedStderr !== undefined) expect.soft(stderr).toBe(expectedStderr);
      });
    }
  });
}

test('every command has a case, and every folder of cases is a command’s', () => {
  const names = entries.map(({ words }) => words.replaceAll(' ', '-').toLowerCase());
  const known = groups.map((group) => group.toLowerCase());
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((group) => group !== 'buda' && !names.includes(group))).toEqual([]);
});

async function runCase(place: string) {
  const cwd = mkdtempSync(join(temporary, 'buda-case-'));
  try {
    cpSync(place, cwd, { recursive: true, filter: (path) => path === place || !harness.has(basename(path)) });
    mkdirSync(join(cwd, 'home'), { recursive: true, mode: 0o700 });
    const script = textOf(place, 'cmd');
    if (script === undefined) throw new Error(`${place} has no cmd`);
    const input = existsSync(join(place, 'input')) ? readFileSync(join(place, 'input')) : undefined;
    const { exit, stdout, stderr } = await bash(script, { cwd, env: environmentIn(cwd), ...(input && { input }) });
    return { exit, stdout: stdout.replaceAll(cwd, '$PWD'), stderr: stderr.replaceAll(cwd, '$PWD') };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function keep(place: string, { exit, stdout, stderr }: Awaited<ReturnType<typeof runCase>>): void {
  if (exit === 'still running') throw new Error(`${place} does not end`);
  writeFileSync(join(place, 'expected'), stdout);
  if (exit === 0) rmSync(join(place, 'exit'), { force: true });
  else writeFileSync(join(place, 'exit'), `${exit}\n`);
  if (existsSync(join(place, 'stderr'))) writeFileSync(join(place, 'stderr'), stderr);
}

function textOf(place: string, name: string): string | undefined {
  return existsSync(join(place, name)) ? readFileSync(join(place, name), 'utf8') : undefined;
}

function foldersIn(place: string): string[] {
  return readdirSync(place).filter((name) => statSync(join(place, name)).isDirectory());
}
