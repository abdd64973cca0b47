import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../house/bash.ts';
import { describeWith, run } from './needs.ts';

const pages = readdirSync(join(root, 'man')).map((name) => join(root, 'man', name));

describeWith(['mandoc'], 'mandoc', () => {
  test.each(pages)('%s has nothing that its lint would change', (page) => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', page], { encoding: 'utf8' });
    const findings = stdout.split('\n').filter((line) => line !== '' && !isOwnPage(line));
    expect(findings).toEqual([]);
  });

  test.each(pages)('%s is UTF-8 text of 78 columns but for what is typed', async (page) => {
    const text = (await run('mandoc', ['-T', 'utf8', '-O', 'width=78', page])).replaceAll(/.[\b]/g, '');
    const wide = text.split('\n').filter((line) => line.length > 78 && !line.startsWith('           '));
    expect(wide).toEqual([]);
  });
});

describeWith(['man'], 'man -l', () => {
  test.each(pages)('%s is shown without a warning', (page) => {
    const { stdout, stderr, status } = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', page], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, MANWIDTH: '80', MANPAGER: 'cat', LANG: 'C.UTF-8' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(/^\.Nd (.*)$/m.exec(readFileSync(page, 'utf8'))?.[1]?.slice(0, 20));
  });
});

/** mandoc looks for pages in the system's folder only; one of ours that is there is no finding. */
function isOwnPage(finding: string): boolean {
  const [, page] = /referenced manual not found: Xr (buda\S*) 1$/.exec(finding) ?? [];
  return page !== undefined && existsSync(join(root, 'man', `${page}.1`));
}
