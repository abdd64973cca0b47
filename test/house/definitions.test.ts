import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entries } from '../../src/commands/index.ts';
import { exits } from '../../src/lib/errors.ts';
import { groupHelp, helpOf, optionsOf, overview } from '../../src/lib/help.ts';
import { flagOf } from '../../src/lib/options.ts';
import { suggest } from '../../src/lib/suggest.ts';
import { root } from './bash.ts';
import { loadAll } from './commands.ts';

/** What every command's definition keeps, whatever it does. */

const all = await loadAll();

test('the path of a command’s file is what the user types, and every file is a command’s', () => {
  const list = readFileSync(join(root, 'src/commands/index.ts'), 'utf8');
  const registered = [...list.matchAll(/words: '([^']+)'[\s\S]*?import\('\.\/([^']+)\.ts'\)/g)].map(
    ([, words = '', path = '']) => ({ words, path }),
  );
  expect(registered.length).toBe(entries.length);
  expect(registered.filter(({ words, path }) => words.replaceAll(' ', '/').toLowerCase() !== path)).toEqual([]);
  const files = readdirSync(join(root, 'src/commands'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== 'index.ts')
    .map((path) => path.replace(/\.ts$/, ''));
  expect(files.sort()).toEqual(registered.map(({ path }) => path).sort());
});

test('a step has a step, a tool and a server have a run', () => {
  const wrong = all.filter(({ command: { role, step, run } }) => {
    const isTool = role === 'tool' || role === 'server';
    return (run === undefined) === isTool || (step === undefined) !== isTool;
  });
  expect(wrong.map(({ words }) => words)).toEqual([]);
});

test('every command has examples, and they begin with what it is', () => {
  expect(all.filter(({ command }) => command.examples.length < 1).map(({ words }) => words)).toEqual([]);
  const foreign = all.filter(
    ({ words, command }) =>
      !command.examples.every(({ run }) => run.includes(`buda ${words.split(' ')[0]}`) || run.includes("buda run '")),
  );
  expect(foreign.map(({ words }) => words)).toEqual([]);
});

test('every help fits 80 columns, but for the examples, which stay as they are typed', () => {
  const wide = [
    overview(entries),
    ...new Set(entries.map(({ words }) => words.split(' ')[0] as string)),
    ...all.map((entry) => helpOf(entry, entry.command, entries)),
  ]
    .flatMap((help) => help.replace(/Examples:[\s\S]*?(?=\n\n[A-Z]|$)/, '').split('\n'))
    .filter((line) => line.length > 80);
  expect(wide).toEqual([]);
});

test('summaries begin small, end without a full stop and fit their line', () => {
  expect(entries.filter(({ summary }) => !/^[a-z]/.test(summary) || summary.endsWith('.')).map(({ words }) => words)).toEqual([]);
  expect(
    overview(entries)
      .split('Exit status')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('     ')),
  ).toEqual([]);
});

test('an option means the same thing everywhere, in the words of the house', () => {
  const flags = all.flatMap(({ words, command }) =>
    optionsOf(command).map((option) => ({ words, flags: option.flags, long: flagOf(option.flags) })),
  );
  const shorts = new Map<string, Set<string>>();
  const longs = new Map<string, Set<string>>();
  for (const { flags: text, long } of flags) {
    const short = /^-(\w),/.exec(text)?.[1] ?? '';
    longs.set(long, (longs.get(long) ?? new Set()).add(short));
    if (short !== '') shorts.set(short, (shorts.get(short) ?? new Set()).add(long));
  }
  expect([...longs].filter(([, set]) => set.size > 1).map(([long]) => long)).toEqual([]);
  expect([...shorts].filter(([, set]) => set.size > 1).map(([short]) => short)).toEqual([]);
  expect([...(longs.get('--exit-at-end') ?? 'e'), ...(longs.get('--count') ?? 'n')]).toEqual(['e', 'n']);
  const banned = /offset|bookmark|message|rows?\b|items?\b|cursor/;
  expect(flags.filter(({ long }) => banned.test(long)).map(({ words, long }) => `${words} ${long}`)).toEqual([]);
  expect(
    flags
      .filter(({ flags: text }) => !/^(-\w, )?--[a-z0-9]+(-[a-z0-9]+)*( <[A-Z0-9_:/|=,%-]+>)?$/.test(text))
      .map(({ words, flags: text }) => `${words} ${text}`),
  ).toEqual([]);
});

test('the first help shows the exit codes of the code', () => {
  for (const { code, means } of Object.values(exits)) {
    expect(overview(entries).replace(/\s+/g, ' ')).toContain(`${code} ${means}`);
  }
});

test('words that name no command lead to the nearest that does', () => {
  expect(suggest(['state', 'lst'], entries)).toBe('did you mean: buda state list');
  expect(suggest(['sttae', 'list', '-v'], entries)).toBe('did you mean: buda state list');
  expect(suggest(['state', 'frobnicate'], entries)).toBe(
    `there are: ${entries
      .filter(({ words }) => words.startsWith('state '))
      .map(({ words }) => words)
      .join(', ')}`,
  );
  expect(suggest(['frobnicate'], entries)).toBe('see: buda help');
  for (const { words } of entries) expect(suggest(words.split(' '), entries)).toBe(`did you mean: buda ${words}`);
  expect(
    groupHelp(
      'state',
      entries.filter(({ words }) => words.startsWith('state ')),
    ),
  ).toContain('usage: buda state COMMAND');
});
