import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entries } from '../src/commands/index.ts';
import { exits } from '../src/lib/errors.ts';
import { bash, environmentIn, root, temporary } from './house/bash.ts';
import { isThere } from './house/tools.ts';

/**
 * The README is run from top to bottom in one bash, in an empty folder: its `sh` blocks as they stand, and of its `console` blocks the
 * lines behind `$ `, which have to print what stands below them. `npm run cases` writes what they print today, and the table of commands.
 */
const path = join(root, 'README.md');
const isUpdate = process.env.UPDATE_CASES === '1';
const table = `| command | |\n|---|---|\n${entries.map(({ words, summary }) => `| \`${words}\` | ${summary} |\n`).join('')}`;
if (isUpdate) writeFileSync(path, readFileSync(path, 'utf8').replace(/\| command \| \|\n(?:\|.*\n)+/, table));
const readme = readFileSync(path, 'utf8');
const blocks = /^```(sh|console)\n([\s\S]*?)\n```$/gm;

test.skipIf(!isThere('jq'))(
  'the README does what it says',
  async () => {
    const folder = mkdtempSync(join(temporary, 'buda-readme-'));
    try {
      mkdirSync(join(folder, 'home'), { mode: 0o700 });
      let printed = 0;
      const script = [...readme.matchAll(blocks)].map(([, kind, text = '']) =>
        kind === 'sh'
          ? text
          : [...text.matchAll(/^\$ (.*)$/gm)].map(([, line]) => `{ ${line}\n} > ${printed++}.printed`).join('\n'),
      );
      const { exit, stderr } = await bash(`set -e\n${script.join('\n')}`, {
        cwd: folder,
        env: environmentIn(folder),
        pipefail: true,
        timeoutMs: 60_000,
      });
      expect(exit, `it said:\n${stderr}`).toBe(0);
      let read = 0;
      const today = readme.replace(blocks, (block, kind, text: string) => {
        if (kind === 'sh') return block;
        const lines = [...text.matchAll(/^\$ .*$/gm)].map(([line]) => {
          const output = readFileSync(join(folder, `${read++}.printed`), 'utf8').replace(/^\n|\n+$/g, '');
          return `${line}\n${output}`;
        });
        return `\`\`\`console\n${lines.join('\n')}\n\`\`\``;
      });
      if (isUpdate) writeFileSync(path, today);
      else expect(readme).toBe(today);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  90_000,
);

test('the README names every command and every exit code', () => {
  expect(/^\| command .*\n(?:\|.*\n)+/m.exec(readme)?.[0], 'the table is old; run: npm run cases').toBe(table);
  for (const { code, means } of Object.values(exits)) expect(readme).toContain(`| ${code} | ${means} |`);
});
