// Builds the program with one command more, `pass`, that does nothing: what the engine alone costs. Prints where it lies.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const repo = resolve(import.meta.dirname, '..', '..');
const folder = resolve(process.argv[2] ?? '.');
mkdirSync(folder, { recursive: true });
const pass = join(folder, 'entries.ts');
writeFileSync(
  pass,
  `import { each } from ${JSON.stringify(join(repo, 'src/lib/steps.ts'))};
export const entries = [{ words: 'pass', summary: 'nothing', load: async () => ({ default: {
  role: 'transform', description: '', options: {}, examples: [], step: (call) => each(call, (line) => line) } }) }];`,
);
await build({
  absWorkingDir: repo,
  entryPoints: ['src/main.ts'],
  outdir: join(folder, 'dist'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
  plugins: [
    {
      name: 'one command',
      setup: (run) => run.onResolve({ filter: /commands\/index\.ts$/ }, () => ({ path: pass })),
    },
  ],
});
writeFileSync(join(folder, 'package.json'), '{"type":"module","version":"0"}');
try {
  symlinkSync(join(repo, 'node_modules'), join(folder, 'node_modules'));
} catch {}
