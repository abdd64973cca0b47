import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { root, temporary } from '../house/bash.ts';
import { describeWith, run } from './needs.ts';

/** The committed completions, asked by the shells themselves. */

const typed: [line: string, offered: string[], notOffered: string[]][] = [
  ['buda ', ['produce', 'transform', 'put-stream', 'state', 'completion'], ['list', '--app']],
  ['buda pu', ['put-stream', 'put-table'], ['produce']],
  ['buda state ', ['list', 'show', 'set', 'remove'], ['produce']],
  ['buda help state s', ['show', 'set'], ['list', 'state']],
  ['buda transform mrr --mon', ['--months'], ['--as-of', '--app']],
  ['buda produce stripe --b', ['--backfill'], ['--app']],
  ['buda completion ', ['bash', 'zsh', 'fish'], ['state']],
  ['buda transform mrr --preset ', ['stripe', 'chartmogul', 'baremetrics', 'profitwell'], ['--preset']],
  ['buda transform ', ['mrr', 'flatten', 'package.json'], ['FILE', 'stripe']],
  ['buda transform ./mine.js --conc', ['--concurrency'], ['--app']],
  ['buda put-stream x --dead-letter LIC', ['LICENSE'], ['--app']],
];

describeWith(['bash'], 'bash', () => {
  test.each(typed)('%s', async (line, offered, notOffered) => {
    const script = `source completions/buda.bash
      COMP_WORDS=(${line.trimEnd()}${line.endsWith(' ') ? " ''" : ''}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _buda; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p buda`;
    const answer = (await run('bash', ['--norc', '-c', script], { cwd: root })).trim().split('\n');
    expect(answer.at(-1)).toBe('complete -F _buda buda');
    expect(answer).toEqual(expect.arrayContaining(offered));
    for (const word of notOffered) expect(answer).not.toContain(word);
  });
});

describeWith(['fish'], 'fish', () => {
  const home = mkdtempSync(join(temporary, 'buda-fish-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  test.each(typed)('%s', async (line, offered, notOffered) => {
    const script = `source completions/buda.fish; complete -C '${line}'`;
    const env = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' };
    const answer = (await run('fish', ['--no-config', '-c', script], { cwd: root, env }))
      .trim()
      .split('\n')
      .map((row) => row.split('\t')[0]);
    expect(answer).toEqual(expect.arrayContaining(offered));
    for (const word of notOffered) expect(answer).not.toContain(word);
  });
});

describeWith(['zsh'], 'zsh', () => {
  test.each(typed)('%s', async (line, offered, notOffered) => {
    const screen = await run('zsh', ['-f', join(import.meta.dirname, 'capture.zsh'), join(root, 'completions'), line], {
      cwd: root,
    });
    const shown = stripVTControlCharacters(screen).split(/\s+/);
    // A single answer is put into the line itself.
    expect(shown).toEqual(expect.arrayContaining(offered));
    for (const word of notOffered) expect(shown.filter((one) => one === word && !line.includes(word))).toEqual([]);
  });
});
