// Builds the program with three more commands: `pass` hands every line on, `look` parses it, `scan` looks for its id. It is what the
// engine alone costs. The argument is the folder where it is put.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repo = resolve(import.meta.dirname, '..', '..');
const folder = resolve(process.argv[2] ?? '.');
mkdirSync(folder, { recursive: true });
for (const part of ['src', 'scripts', 'bin', 'package.json']) cpSync(join(repo, part), join(folder, part), { recursive: true });
symlinkSync(join(repo, 'node_modules'), join(folder, 'node_modules'));
const index = join(folder, 'src/commands/index.ts');
const changes = { pass: 'line', look: "line.record.id === '' ? undefined : line", scan: 'scanned(line)' };
let entries = '';
for (const [name, change] of Object.entries(changes)) {
  entries += `{ words: '${name}', summary: '', load: () => import('./${name}.ts') },\n`;
  writeFileSync(
    join(folder, 'src/commands', `${name}.ts`),
    `import { command } from '../lib/command.ts';
import type { Line } from '../lib/lines.ts';
import { readingOptions } from '../lib/options.ts';
import { Scanner } from '../lib/scan.ts';
import { each } from '../lib/steps.ts';
const scanner = new Scanner(['id']);
function scanned(line: Line) {
  const isFound = line.block !== undefined && scanner.scan(line.block, line.start, line.end) ? scanner.starts[0]! >= 0 : line.record.id !== undefined;
  return isFound ? line : undefined;
}
export default command({ role: 'transform', description: '', options: { ...readingOptions }, examples: [],
  step: (call) => each(call, (line) => ${change}) });`,
  );
}
writeFileSync(index, readFileSync(index, 'utf8').replace(/(entries: readonly Entry\[\] = \[)/, `$1\n${entries}`));
const { status } = spawnSync(process.execPath, [join(folder, 'scripts/build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
process.exitCode = status ?? 1;
