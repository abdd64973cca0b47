// Bundles src/ into dist/: one entry, a chunk for each command and each heavy part, packages left where npm put them.
// Each file is put in place whole, and the last build's chunks stay for an hour: a process that runs from this clone goes on.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const dist = resolve(import.meta.dirname, '..', 'dist');
const { outputFiles } = await build({
  absWorkingDir: resolve(import.meta.dirname, '..'),
  entryPoints: ['src/main.ts'],
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  write: false,
});
mkdirSync(join(dist, 'chunks'), { recursive: true });
// The entry goes last: whoever starts meanwhile finds every chunk that it names.
for (const { path, contents } of outputFiles.sort((a, b) => b.path.length - a.path.length)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}
const written = new Set(outputFiles.map(({ path }) => path));
const keptMs = process.argv.includes('--clean') ? -1 : 3_600_000;
for (const name of readdirSync(join(dist, 'chunks'))) {
  const path = join(dist, 'chunks', name);
  if (!written.has(path) && Date.now() - statSync(path).mtimeMs > keptMs) rmSync(path, { force: true });
}
