// node bench/memory.mjs [--gigabytes 10]... [--check]: so many gigabytes of Stripe events through a pipeline into a stream, and out of
// it again; what every process held at most, by /usr/bin/time -v, goes into bench/memory.md. --check exits 1 where it was too much.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stripeEvents } from './events.mjs';
import { keep, readTime, whereAndWhen } from './report.mjs';

/** What a process may hold; a step that remembers may hold what its --memory says beside. */
const maxBytes = 150e6;
const rememberedBytes = { 'transform dedupe': 256 * 2 ** 20 };
const isTooMuch = ({ step, peakBytes }) => peakBytes > maxBytes + (rememberedBytes[step] ?? 0);

const repo = resolve(import.meta.dirname, '..');
const report = join(repo, 'bench', 'memory.md');
const { values } = parseArgs({
  options: { gigabytes: { type: 'string', multiple: true, default: ['1'] }, check: { type: 'boolean', default: false } },
});

const pipelines = [
  {
    title: 'into a stream',
    isFed: true,
    app: 'into',
    source: (state) => Object.values(state.sources)[0],
    steps: ['produce stripe --from - --app into', 'transform flatten', 'put-stream memory'],
  },
  {
    title: 'and back',
    isFed: false,
    app: 'back',
    source: (state) => state.sources['local:memory'],
    steps: ['get-stream memory --app back -e', 'transform dedupe', 'each -- cat', 'put-stream again --max-size 1GiB'],
  },
];

/** Blocks of events, `bytes` in all: those of a file again and again, each event with an id of its own. */
function* eventBlocks(bytes) {
  const events = stripeEvents(2_000);
  const lines = readFileSync(events.path, 'utf8').trimEnd().split('\n');
  const before = /^\{"id":"evt_/.exec(lines[0])[0];
  const rests = lines.map((line) => line.slice(line.indexOf('"', before.length)));
  let number = 0;
  for (let made = 0; made < bytes; ) {
    let block = '';
    for (const rest of rests) block += `${before}${String(number++).padStart(14, '0')}${rest}\n`;
    const piece = Buffer.from(block);
    made += piece.length;
    yield { piece, number };
  }
}

/** Runs a pipeline; gives its steps with what each held and used, and how many records were fed. */
async function play({ steps, isFed, app, source }, bytes, { folder, env }) {
  const script = steps
    .map((step, i) => `/usr/bin/time -v -o "$RUN/time.${i}" "$NODE" "$REPO/bin/buda" ${step.replace(/( -- |$)/, ' -q$1')}`)
    .join(' | \\\n');
  const child = spawn('bash', ['-o', 'pipefail', '-c', script], {
    cwd: folder,
    env: { ...env, RUN: folder },
    stdio: [isFed ? 'pipe' : 'ignore', 'ignore', 'inherit'],
  });
  const closed = once(child, 'close');
  let fed = 0;
  if (isFed) {
    child.stdin.on('error', () => {});
    for (const { piece, number } of eventBlocks(bytes)) {
      if (child.exitCode !== null) break;
      if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain').catch(() => {}), closed]);
      fed = number;
    }
    child.stdin.end();
  }
  const [exit] = await closed;
  if (exit !== 0) throw new Error(`exit ${exit}: ${steps.join(' | ')}`);
  const state = spawnSync(process.execPath, [join(repo, 'bin', 'buda'), 'state', 'show', app], { cwd: folder, env });
  const { delivered } = source(JSON.parse(state.stdout)).counters;
  const rows = steps.map((step, i) => ({ step, ...readTime(join(folder, `time.${i}`)) }));
  return { rows, fed, delivered };
}

const head =
  '# Memory\n\nGigabytes through whole pipelines under an app, a process a step: `node bench/memory.mjs --gigabytes 10`. Events of 3.2 kB are made on the fly; on the way back each goes through `transform dedupe`, which remembers every id, and through a foreign filter. The peak is the greatest resident set that `/usr/bin/time -v` saw. The goal: under 150 MB a process, however much comes. `transform dedupe` is an exception: it may hold 256 MiB beside (`--memory`), goes to disk past that, and is over 150 MB with millions of ids (153 MB with 3.1 million of them under `--memory 16MiB`, measured by itself). Seconds are those of a machine that was busy with other things.\n';

let isMissed = false;
for (const gigabytes of values.gigabytes.map(Number)) {
  const folder = mkdtempSync(join(tmpdir(), 'buda-memory-'));
  // Certificates that are added to Node's own are read at each start, and stay in memory.
  const { NODE_EXTRA_CA_CERTS, NODE_OPTIONS, BUDA_STATE, BUDA_STREAMS, ...kept } = process.env;
  const env = {
    ...kept,
    PATH: [join(repo, 'bin'), process.env.PATH].join(delimiter),
    BUDA_HOME: join(folder, 'home'),
    REPO: repo,
    NODE: process.execPath,
  };
  const parts = [`## ${gigabytes} GB`];
  let records = 0;
  try {
    for (const pipeline of pipelines) {
      const { rows, fed, delivered } = await play(pipeline, gigabytes * 1e9, { folder, env });
      if (pipeline.isFed) records = fed;
      if (delivered !== records) throw new Error(`${delivered} of ${records} records were delivered: ${pipeline.title}`);
      isMissed ||= rows.some(isTooMuch);
      const table = rows.map(
        (row) =>
          `| \`buda ${row.step}\` | ${(row.peakBytes / 1e6).toFixed(0)}${isTooMuch(row) ? ' **missed**' : ''} | ${row.seconds.toFixed(0)} | ${row.cpuSeconds.toFixed(0)} |`,
      );
      const count = `${records.toLocaleString('en')} records`;
      parts.push(
        `### ${count} ${pipeline.title}\n\n| process | peak, MB | s | CPU s |\n|---|---:|---:|---:|\n${table.join('\n')}`,
      );
    }
    parts.push(`*${whereAndWhen()}*`);
    const text = parts.join('\n\n');
    console.log(`${text}\n`);
    keep(report, `${gigabytes} GB`, text, head);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (values.check && isMissed) process.exitCode = 1;
