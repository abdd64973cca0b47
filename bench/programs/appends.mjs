// Eight processes append a record each 8 ms, 1,000 a second together, and wait for each to be acknowledged. Writes the 99th percentile of
// the waiting in ms. `buda`: put-stream, by its --forward: a mark comes back when what stands before it is safe. `plain`: a loop that does
// the same with one file and fdatasync for each record.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const [way, scratch] = process.argv.slice(2);
const count = 500;
/** Appends that are not counted: a writer lives long, and its first second is not like the rest. */
const warmUp = 500;
const everyMs = 8;
rmSync(join(scratch, 'appends'), { recursive: true, force: true });
const plain = join(import.meta.dirname, 'append-each.mjs');
const commands = {
  buda: ['buda', ['put-stream', 'local:appends', '--forward', '-q']],
  plain: ['node', [plain, join(scratch, 'appends.dat')]],
};
const record = `{"id":"e_1","note":"${'x'.repeat(190)}"}\n`;

async function write(number) {
  const [command, words] = commands[way];
  const home = join(scratch, 'appends');
  const child = spawn(command, words, { env: { ...process.env, BUDA_HOME: home }, stdio: ['pipe', 'pipe', 'inherit'] });
  const begin = { app: `writer-${number}`, source: 'bench', run: 'r', term: 1, at: 0, from: {} };
  const waits = [];
  let sentMs = 0;
  let acknowledge = () => {};
  child.stdout.on('data', (piece) => {
    if (piece.includes('buda.mark')) acknowledge();
  });
  child.stdin.write(`${JSON.stringify(['buda.begin', 1, begin])}\n`);
  const startMs = performance.now() + 1_000 + number + warmUp * everyMs;
  for (let i = -warmUp; i < count; i++) {
    const dueMs = startMs + i * everyMs;
    if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    const done = new Promise((resolve) => {
      acknowledge = resolve;
    });
    sentMs = performance.now();
    child.stdin.write(`${record}${JSON.stringify(['buda.mark', 1, { to: String(i + 1 + warmUp), c: [['bench', 0, 1, 0]] }])}\n`);
    await done;
    if (i >= 0) waits.push(performance.now() - sentMs);
  }
  child.stdin.end(`${JSON.stringify(['buda.end', 1, { exit: 0 }])}\n`);
  await new Promise((resolve) => child.once('close', resolve));
  return waits;
}

const waits = (await Promise.all(Array.from({ length: 8 }, (_, number) => write(number)))).flat().sort((a, b) => a - b);
process.stdout.write(waits[Math.floor(waits.length * 0.99)].toFixed(2));
