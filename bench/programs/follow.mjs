// A writer appends a record each 10 ms and a follower reads on. Writes the 95th percentile, in ms, of the time from the acknowledgement of a
// record to its arrival at the end of the follower's pipe.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const [scratch] = process.argv.slice(2);
const count = 500;
const home = join(scratch, 'follow');
rmSync(home, { recursive: true, force: true });
const start = (words, stdio) => spawn('buda', words, { env: { ...process.env, BUDA_HOME: home }, stdio });
const writer = start(['put-stream', 'local:follow', '--forward', '-q'], ['pipe', 'pipe', 'inherit']);
const acknowledgedMs = [];
writer.stdout.on('data', (piece) => {
  for (const [, number] of piece.toString().matchAll(/"to":"(\d+)"/g)) acknowledgedMs[Number(number)] = performance.now();
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const begin = { app: 'writer', source: 'bench', run: 'r', term: 1, at: 0, from: {} };
writer.stdin.write(`${JSON.stringify(['buda.begin', 1, begin])}\n`);
const append = (number) =>
  writer.stdin.write(
    `{"id":"${number}"}\n${JSON.stringify(['buda.mark', 1, { to: String(number), c: [['bench', 0, 1, 0]] }])}\n`,
  );
append(1);
await sleep(1_000);
const follower = start(['get-stream', 'local:follow', '-q'], ['ignore', 'pipe', 'inherit']);
const arrivedMs = [];
follower.stdout.on('data', (piece) => {
  for (const [, number] of piece.toString().matchAll(/"id":"(\d+)"/g)) arrivedMs[Number(number)] = performance.now();
});
await sleep(1_000);
for (let number = 2; number <= count; number++) {
  append(number);
  await sleep(10);
}
await sleep(500);
writer.stdin.end(`${JSON.stringify(['buda.end', 1, { exit: 0 }])}\n`);
follower.kill();
const delays = [];
for (let number = 2; number <= count; number++) delays.push(Math.max(0, arrivedMs[number] - acknowledgedMs[number]));
delays.sort((a, b) => a - b);
process.stdout.write(delays[Math.floor(delays.length * 0.95)].toFixed(2));
