import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { environmentIn, temporary } from '../house/bash.ts';
import { describeWith, run } from './needs.ts';

/** Steps at a real terminal: what they show there, Ctrl-D and Ctrl-C. */

const folder = mkdtempSync(join(temporary, 'buda-terminal-'));
mkdirSync(join(folder, 'home'), { mode: 0o700 });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the terminal has shown in the end, and how the command ended. */
async function at(command: string, ...steps: string[]): Promise<string> {
  const env = { ...environmentIn(folder), TERM: 'xterm' };
  const words = [join(import.meta.dirname, 'type.py'), command, ...steps];
  return stripVTControlCharacters(await run('python3', words, { cwd: folder, env })).replaceAll('\r', '');
}

describeWith(['python3'], 'a terminal', () => {
  test('as stdin is read until Ctrl-D, and that is said', async () => {
    const shown = await at(
      'buda each -- cat',
      'wait:reading from the terminal; Ctrl-D ends the input',
      'type:{"id":"typed"}\\n',
      'wait:{"id":"typed"}\\r\\n',
      'type:\\x04',
    );
    expect(shown).toContain('buda each: 1 record in');
    expect(shown.trimEnd().endsWith('exit 0')).toBe(true);
  });

  test('Ctrl-C asks once; the second ends a step that still waits for its input', async () => {
    const shown = await at('exec buda each -v -- cat', 'wait:Ctrl-D', 'type:\\x03', 'pause:0.5', 'type:\\x03');
    expect(shown.trimEnd().endsWith('exit -2')).toBe(true);
  });

  test('a sink shows how it gets on, and a line at the end', async () => {
    const shown = await at(
      '(echo "{\\"id\\":1}"; sleep 1; echo "{\\"id\\":2}") | buda put-stream seen',
      'wait:put-stream: 1 record in',
    );
    expect(shown).toContain('buda put-stream: 2 records in');
    expect(shown.trimEnd().endsWith('exit 0')).toBe(true);
  });

  test('a step whose output is a pipe keeps quiet while it runs: the last one shows', async () => {
    const shown = await at('(echo "{\\"id\\":1}"; sleep 1) | buda each -- cat | buda put-stream -q seen');
    expect(shown.split('\n').filter((line) => line.includes('buda each'))).toEqual([expect.stringMatching(/1 record in \d/)]);
  });
});
