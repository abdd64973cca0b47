// Rounds of real pipelines under fire: node test/faults/run.mjs [--rounds N] [--minutes M] [--seed N] [--first ROUND] [--only ROUND] [--least N] [-v]
// Each round picks a source, a filter and a sink, kills, stops, starves and breaks them by a seeded schedule, starts them again
// until a run is clean, and then counts: nothing lost, nothing twice in a table, nothing twice in a stream but inside an epoch that
// was not committed. `--first ROUND` goes on with a night that was cut short, `--only ROUND` repeats one round of a seed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canMount, Disk } from './disk.mjs';
import { startPipeline } from './pipeline.mjs';
import { randomOf } from './random.mjs';
import * as sinks from './sinks.mjs';
import * as sources from './sources.mjs';
import { bin, kinesisEnv, startKinesis, stopKinesis } from './world.mjs';

const { values: words } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '1' },
    only: { type: 'string' },
    least: { type: 'string', default: '0' },
    verbose: { type: 'boolean', short: 'v', default: false },
  },
});
const seed = Number(words.seed);
const endsMs = Date.now() + Number(words.minutes) * 60_000;

/** Filters that give one record for each that they take, so that records can be counted. */
const filters = [
  [],
  [],
  ['buda transform flatten'],
  ['buda each -- cat'],
  ['buda each -j 2 -- grep evt_'],
  ['buda transform dedupe'],
  ['buda transform flatten', 'buda each -- sort'],
];

const faults = ['kill', 'kill', 'kill', 'killAll', 'term', 'termAll', 'stop', 'fileLimit', 'slowReader', 'slowWriter'];
const diskFaults = ['fullDisk', 'fullDisk', 'fullDisk', 'fullDisk'];
/** Exit codes that say: run it again. What else ends a run under fire is a finding. */
const mayRunAgain = new Set([0, 1, 75, 130, 137, 141, 143]);
const maxAttempts = 40;
const attemptMs = 60_000;

function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}

async function playRound(round, kinesisPort) {
  const random = randomOf(seed * 1_000_003 + round);
  const folder = mkdtempSync(join(tmpdir(), 'buda-faults-'));
  const { NODE_EXTRA_CA_CERTS, ...inherited } = process.env;
  const env = { ...inherited, PATH: `${bin}:${inherited.PATH}`, BUDA_HOME: join(folder, 'home') };
  const world = { folder, env, random, round: `${seed}-${round}`, seed: seed * 1_000_003 + round, kinesisPort };
  // A part of the rounds has a small disk of its own, which can be filled.
  const disk = random() < 0.25 && canMount ? new Disk(join(folder, 'home')) : undefined;
  const source = await pick(random, Object.values(sources))(world);
  const sink = await pick(random, Object.values(sinks))(world);
  const filter = pick(random, filters);
  const isolated = [source.step, ...filter, sink.step];
  // Some rounds run the same pipeline in one process; two services of Kinesis cannot be told apart there.
  const isOne = random() < 0.2 && !(source.env?.AWS_REGION && sink.env?.AWS_REGION);
  const steps = isOne ? [`buda run "${isolated.map((step) => step.replace(/^buda /, '')).join(' | ')}"`] : isolated;
  const title = steps.join(' | ');
  const log = [title];
  try {
    await playUntilDone({ ...world, disk }, source, sink, steps, log);
    await check(source, sink, log);
    return { title, attempts: log.attempts };
  } catch (error) {
    error.message = `round ${round} of seed ${seed}: ${error.message}\n  ${log.join('\n  ')}\n  repeat it: npm run faults -- --seed ${seed} --only ${round} -v\n  its folder: ${folder}`;
    throw error;
  } finally {
    await source.close?.();
    await sink.close?.();
    disk?.close(words.verbose ? `${folder}/disk` : undefined);
    if (!words.verbose) rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the pipeline under faults, a bounded number of times, then without, until a run ends with 0. */
async function playUntilDone({ folder, env, random, disk }, source, sink, steps, log) {
  const stepEnvs = steps.map((_, i) => ({ ...(i === 0 ? source.env : {}), ...(i === steps.length - 1 ? sink.env : {}) }));
  const faulty = 1 + Math.floor(random() * 5);
  let counts = new Map();
  for (let attempt = 0; ; attempt++) {
    if (attempt >= maxAttempts) throw new Error(`no clean run in ${maxAttempts}`);
    const document = readState(env);
    const fault = attempt < faulty ? pick(random, disk === undefined ? faults : [...faults, ...diskFaults]) : 'none';
    const target = Math.floor(random() * steps.length);
    const delayMs = 20 + Math.floor(random() * random() * 2500);
    const exports = stepEnvs.map((own) =>
      Object.entries(own)
        .map(([key, value]) => `export ${key}='${value}'`)
        .join('; '),
    );
    const limits = steps.map((_, i) => {
      const limit = fault === 'fileLimit' && i === target ? `ulimit -f ${Math.floor(random() * 200)}; trap '' XFSZ` : '';
      return [exports[i], limit].filter((one) => one !== '').join('; ') || undefined;
    });
    const slowed = [...steps];
    if (fault === 'slowReader' && steps.length > 1) slowed.splice(slowed.length - 1, 0, `buda each -- sh -c 'sleep 0.2; cat'`);
    if (fault === 'slowWriter' && steps.length > 1)
      slowed.splice(1, 0, `buda each -- sh -c "awk '{ print; fflush() }'; sleep 0.1"`);
    if (slowed.length > steps.length) limits.splice(fault === 'slowReader' ? steps.length - 1 : 1, 0, undefined);
    if (fault === 'fullDisk') disk.fill(Math.floor(random() * 400_000));
    const pipeline = startPipeline(slowed, { folder, env, before: limits });
    const acting = act(pipeline, fault, target, delayMs, random);
    const result = await pipeline.wait(attemptMs);
    await acting;
    disk?.empty();
    log.push(`${fault} on step ${target} after ${delayMs} ms: exits ${result.codes.join(' ')}`);
    log.attempts = attempt + 1;
    if (words.verbose)
      log.push(
        ...result.said
          .trim()
          .split('\n')
          .map((line) => `    ${line}`),
      );
    if (result.isLate) throw new Error(`a run did not end in ${attemptMs} ms`);
    for (const code of result.codes) if (!mayRunAgain.has(code)) throw new Error(`a step ended with ${code}\n${result.said}`);
    if (fault === 'none' && result.codes.some((code) => code === 1))
      throw new Error(`a run without a fault failed\n${result.said}`);
    if (!sink.isOnce) {
      const before = counts;
      counts = countIds(await sink.ids());
      if (document !== undefined) checkRepeats(source.committed(document), before, counts);
    }
    if (fault === 'none' && result.codes.every((code) => code === 0)) return;
  }
}

async function act(pipeline, fault, target, delayMs, random) {
  if (['none', 'fileLimit', 'fullDisk', 'slowReader', 'slowWriter'].includes(fault)) return;
  await Promise.race([sleep(delayMs), pipeline.ended]);
  if (fault === 'kill') pipeline.signal(target, 'SIGKILL');
  if (fault === 'killAll') pipeline.signalAll('SIGKILL');
  if (fault === 'term') pipeline.signal(target, 'SIGTERM');
  if (fault === 'termAll') pipeline.signalAll('SIGTERM');
  if (fault === 'stop') {
    pipeline.signal(target, 'SIGSTOP');
    await Promise.race([sleep(Math.floor(random() * 1500)), pipeline.ended]);
    if (random() < 0.3) pipeline.signal(target === 0 ? 1 : 0, 'SIGKILL');
    pipeline.signal(target, 'SIGCONT');
  }
}

function readState(env) {
  try {
    return JSON.parse(readFileSync(join(env.BUDA_HOME, 'state', 'x.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function countIds(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** What was committed when a run began must not have been written once more by it. */
function checkRepeats(committed, before, after) {
  for (const id of committed) {
    if ((after.get(id) ?? 0) > (before.get(id) ?? 0)) throw new Error(`${id} was committed, and came again`);
  }
}

async function check(source, sink, log) {
  const counts = countIds(await sink.ids());
  const expected = new Set(source.ids);
  const lost = source.ids.filter((id) => !counts.has(id));
  if (lost.length > 0) throw new Error(`${lost.length} of ${expected.size} records were lost: ${lost.slice(0, 5).join(', ')}`);
  const strange = [...counts.keys()].filter((id) => !expected.has(id));
  if (strange.length > 0) throw new Error(`${strange.length} records that nobody wrote: ${strange.slice(0, 5).join(', ')}`);
  const doubled = [...counts].filter(([, count]) => count > 1).map(([id]) => id);
  if (sink.isOnce && doubled.length > 0)
    throw new Error(`${doubled.length} records are there twice: ${doubled.slice(0, 5).join(', ')}`);
  if (log.attempts === 1 && doubled.length > 0 && !sink.doublesAlone)
    throw new Error(`${doubled.length} records are twice after one clean run`);
  if (sink.deduped === undefined) return;
  const deduped = await sink.deduped();
  if (deduped.length !== expected.size) throw new Error(`--dedupe gives ${deduped.length} records, not ${expected.size}`);
}

if (!canMount) console.log('this user may not mount a disk: none is filled, files are limited only');
await startKinesis();
const kinesisPort = Number(new URL(kinesisEnv().AWS_ENDPOINT_URL_KINESIS).port);
let passed = 0;
let failed = 0;
let attempts = 0;
const first = Number(words.only ?? words.first);
const last = words.only === undefined ? first + Number(words.rounds) - 1 : first;
for (let round = first; round <= last && Date.now() < endsMs; round++) {
  try {
    const played = await playRound(round, kinesisPort);
    passed++;
    attempts += played.attempts;
    if (words.verbose) console.log(`round ${round}: ${played.title}: ${played.attempts} runs`);
  } catch (error) {
    failed++;
    console.error(error.stack);
  }
  if (round % 20 === 0) console.log(`${round} rounds, ${failed} failed`);
}
await stopKinesis();
console.log(`seed ${seed}: ${passed + failed} rounds of ${(attempts / Math.max(1, passed)).toFixed(1)} runs each`);
console.log(`${passed} passed, ${failed} failed`);
if (passed + failed < Number(words.least)) console.error(`fewer than ${words.least} rounds were done`);
process.exitCode = failed > 0 || passed + failed < Number(words.least) ? 1 : 0;
