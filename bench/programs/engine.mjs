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
const steps = {
  pass: 'each(call, (line) => line)',
  look: "each(call, (line) => line.record.id === '' ? undefined : line)",
  scan: 'sift(call, new Finder())',
};
let entries = '';
for (const [name, step] of Object.entries(steps)) {
  entries += `{ words: '${name}', summary: '', load: () => import('./${name}.ts') },\n`;
  writeFileSync(
    join(folder, 'src/commands', `${name}.ts`),
    `import { command } from '../lib/command.ts';
import { parseRecord } from '../lib/lines.ts';
import { readingOptions } from '../lib/options.ts';
import { Scanner } from '../lib/scan.ts';
import { each, sift } from '../lib/steps.ts';
const scanner = new Scanner(['id']);
class Finder {
  end = 0;
  passes(bytes: Buffer, start: number): boolean {
    this.end = scanner.scanFrom(bytes, start);
    if (scanner.isRecord) return scanner.starts[0]! >= 0;
    return parseRecord(bytes.subarray(start, this.end)).id !== undefined;
  }
}
export default command({ role: 'transform', description: '', options: { ...readingOptions }, examples: [],
  step: (call) => ${step} });`,
  );
}
writeFileSync(index, readFileSync(index, 'utf8').replace(/(entries: readonly Entry\[\] = \[)/, `$1\n${entries}`));
const { status } = spawnSync(process.execPath, [join(folder, 'scripts/build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
process.exitCode = status ?? 1;
