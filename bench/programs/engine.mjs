// Builds the program with three other commands: `pass` hands every line on, `look` parses it, `scan` looks for its id. It is what the
// engine alone costs. The argument is the folder where it is put.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const repo = resolve(import.meta.dirname, '..', '..');
const folder = resolve(process.argv[2] ?? '.');
mkdirSync(folder, { recursive: true });
const entries = join(folder, 'entries.ts');
const lib = (name) => JSON.stringify(join(repo, 'src/lib', name));
writeFileSync(
  entries,
  `import { Scanner } from ${lib('scan.ts')};
import { each } from ${lib('steps.ts')};
const scanner = new Scanner(['id']);
const changes = {
  pass: (line) => line,
  look: (line) => (line.record.id === '' ? undefined : line),
  scan: (line) => {
    const isFound = scanner.scan(line.block, line.start, line.end) ? scanner.starts[0] >= 0 : line.record.id !== undefined;
    return isFound ? line : undefined;
  },
};
export const entries = Object.entries(changes).map(([words, change]) => ({ words, summary: words, load: async () => ({ default: {
  role: 'transform', description: '', options: {}, examples: [], step: (call) => each(call, change) } }) }));`,
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
      setup: (run) => run.onResolve({ filter: /commands\/index\.ts$/ }, () => ({ path: entries })),
    },
  ],
});
writeFileSync(join(folder, 'package.json'), '{"type":"module","version":"0"}');
try {
  symlinkSync(join(repo, 'node_modules'), join(folder, 'node_modules'));
} catch {}
