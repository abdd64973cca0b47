import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './bash.ts';

test('what the demo runs stands in the README, to the letter', () => {
  const demo = readFileSync(join(root, 'scripts/demo.mjs'), 'utf8');
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, monthly = ''] = /const monthly = `([^`]*)`/.exec(demo) ?? [];
  const pipelines = [...demo.matchAll(/await run\(\s*['`](.*)['`]\)/g)].map(([, line = '']) =>
    line.replace(/\$\{monthly\}/, monthly),
  );
  expect(pipelines.length).toBeGreaterThan(3);
  for (const pipeline of pipelines) expect(readme).toContain(pipeline);
});
