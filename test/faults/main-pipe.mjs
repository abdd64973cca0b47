// The main pipeline, each of its three processes killed at random points, then run again until it is clean: the ledger and the
// table must be those of a run that nobody killed, row for row. node test/faults/main-pipe.mjs [--rounds 50] [--seed N] [--only N]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPipeline } from './pipeline.mjs';
import { randomOf } from './random.mjs';
import { bin, buda } from './world.mjs';

const { values: words } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' }, only: { type: 'string' } },
});
const seed = Number(words.seed);

const intoStream = [
  'buda produce stripe --from ../events.ndjson --app billing --epoch 120',
  'buda transform mrr',
  'buda put-stream mrr_movements',
];
const intoTable = ['buda get-stream mrr_movements --app warehouse -e --epoch 50', 'buda put-table mrr_movements'];

const { NODE_EXTRA_CA_CERTS, ...inherited } = process.env;

/** Runs both pipelines to a clean end, with `kills` kills on the way; gives what they left. */
async function play(folder, random, kills) {
  const env = { ...inherited, PATH: `${bin}:${inherited.PATH}`, BUDA_HOME: join(folder, 'home') };
  const history = [];
  for (const steps of [intoStream, intoTable]) {
    let killed = 0;
    for (let attempt = 0; ; attempt++) {
      if (attempt > 30) throw new Error('no clean run in 30');
      const pipeline = startPipeline(steps, { folder, env });
      const target = Math.floor(random() * steps.length);
      const delayMs = 60 + Math.floor(random() * 900);
      if (killed < kills) {
        await Promise.race([sleep(delayMs), pipeline.ended]);
        pipeline.signal(target, 'SIGKILL');
        killed++;
      }
      const { codes, said, isLate } = await pipeline.wait(60_000);
      history.push(`kill ${target} after ${delayMs} ms: ${codes.join(' ')}`);
      if (isLate) throw new Error(`a run did not end\n${said}`);
      for (const code of codes) {
        if (![0, 75, 137, 141].includes(code)) throw new Error(`a step ended with ${code}\n${said}`);
      }
      if (killed >= kills && codes.every((code) => code === 0)) break;
    }
  }
  const stream = await buda('get-stream mrr_movements -e --position beginning', { folder, env });
  const seen = new Set();
  const ledger = stream
    .split('\n')
    .filter((line) => line !== '')
    .filter((line) => {
      const { id, revision } = JSON.parse(line);
      const isNew = !seen.has(`${id} ${revision}`);
      seen.add(`${id} ${revision}`);
      return isNew;
    })
    .join('\n');
  const table = await buda('query "select * from mrr_movements order by id"', { folder, env });
  return { ledger, table, history };
}

const root = mkdtempSync(join(tmpdir(), 'buda-main-pipe-'));
await buda('sandbox stripe --customers 60 --months 8 --events events.ndjson --no-serve', {
  folder: root,
  env: { ...inherited, PATH: `${bin}:${inherited.PATH}`, BUDA_HOME: join(root, 'home') },
});
const folderOf = (name) => mkdtempSync(join(root, `${name}-`));
const expected = await play(folderOf('whole'), randomOf(0), 0);
if (expected.ledger.length < 1000) throw new Error('the uninterrupted run wrote hardly anything');

let passed = 0;
let failed = 0;
const first = words.only === undefined ? 1 : Number(words.only);
for (let round = first; round <= (words.only === undefined ? Number(words.rounds) : first); round++) {
  const folder = folderOf(round);
  const random = randomOf(seed * 1_000_003 + round);
  try {
    const found = await play(folder, random, 1 + Math.floor(random() * 3));
    for (const part of ['ledger', 'table']) {
      if (found[part] !== expected[part]) throw new Error(`the ${part} differs\n  ${found.history.join('\n  ')}`);
    }
    passed++;
    rmSync(folder, { recursive: true });
  } catch (error) {
    failed++;
    console.error(`round ${round} of seed ${seed} (its folder: ${folder}): ${error.message}`);
  }
}
if (failed === 0) rmSync(root, { recursive: true });
console.log(`the main pipeline under kill -9, seed ${seed}: ${passed + failed} rounds`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
