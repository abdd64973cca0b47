// node bench/scale.mjs [mrr] [dedupe] [unbounded] [--most N] [--check]: the same work at ten and a hundred times the size, on records that are
// made as they are read; what every process used, by /usr/bin/time -v, goes into bench/scale.md. --most leaves greater sizes out.
// --check exits 1 where a goal is missed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { keep, readTime, whereAndWhen } from './report.mjs';

const repo = resolve(import.meta.dirname, '..');
const report = join(repo, 'bench', 'scale.md');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { most: { type: 'string', default: '100000000' }, check: { type: 'boolean', default: false } },
});
const most = Number(values.most);

/** How much more a record may cost, and a process hold, at the greatest size than at the smallest. */
const flat = 1.1;
const eventsEach = 7.25;
const maxMillionBytes = 2e9;

const timed = (name, line) => `/usr/bin/time -v -o "$RUN/${name}" "$NODE" "$REPO/bin/buda" ${line} -q`;
const made = (program, count) => `"$NODE" "$REPO/bench/programs/${program}.mjs" ${count}`;

const questions = {
  mrr: {
    title: '`transform mrr`, one batch without an app',
    about:
      'What Stripe told of so many subscriptions over a year each, oldest first (`bench/programs/subscriptions.mjs`): 7.25 events of 1.7 kB for each. CPU a record and memory a subscription are those beyond the first line, in which starting is most.',
    sizes: [1_000, 10_000, 100_000, 1_000_000],
    ask(size) {
      const { mrr } = play(`${made('subscriptions', size)} | ${timed('mrr', 'transform mrr')} > "$RUN/out"`, ['mrr']);
      return { step: 'transform mrr', size, ...mrr, records: size * eventsEach };
    },
    misses(rows) {
      const { size, peakBytes, cost } = rows.at(-1);
      const missed = size === 1_000_000 && peakBytes > maxMillionBytes ? [`${mb(peakBytes)} MB for a million subscriptions`] : [];
      // The first line is the start; the second is the first that tells what a record costs.
      if (rows.length > 2 && cost > flat * rows[1].cost) missed.push(`${us(cost)} µs a record, ${us(rows[1].cost)} at first`);
      return missed;
    },
  },
  dedupe: {
    title: '`get-stream | transform dedupe --window 1000000 | put-stream`, under an app',
    about:
      'Records of 60 bytes, one in ten a repeat of one of the last 100,000 (`bench/programs/identities.mjs`), out of a local stream and into another. CPU a record is that of the whole process, its start included.',
    sizes: [1_000_000, 10_000_000, 100_000_000],
    ask(size) {
      play(`${made('identities', size)} | "$NODE" "$REPO/bin/buda" put-stream from -q`, []);
      const steps = {
        'get-stream': 'get-stream from --app scale -e',
        'transform dedupe': 'transform dedupe --window 1000000',
        'put-stream': 'put-stream to',
      };
      const names = Object.keys(steps);
      const used = play(
        names.map((name) => timed(name.replace(' ', '-'), steps[name])).join(' | '),
        names.map((name) => name.replace(' ', '-')),
      );
      return names.map((name) => {
        const one = used[name.replace(' ', '-')];
        return { step: name, size, ...one, records: size };
      });
    },
    misses: notFlat,
  },
  unbounded: {
    title: '`transform dedupe`, all remembered, without an app',
    about:
      'The same records out of the generator. Past `--memory 256MiB` what is remembered lies on disk, and is merged there now and then.',
    sizes: [1_000_000, 10_000_000, 100_000_000],
    ask(size) {
      const { dedupe } = play(`${made('identities', size)} | ${timed('dedupe', 'transform dedupe')} > /dev/null`, ['dedupe']);
      return { step: 'transform dedupe', size, ...dedupe, records: size };
    },
    misses: () => [],
  },
};

function notFlat(rows) {
  const missed = [];
  for (const step of new Set(rows.map((row) => row.step))) {
    const own = rows.filter((row) => row.step === step);
    const [first, last] = [own[0], own.at(-1)];
    if (last.cost > flat * first.cost) missed.push(`${step}: ${us(last.cost)} µs a record, ${us(first.cost)} at first`);
    if (last.peakBytes > flat * first.peakBytes)
      missed.push(`${step}: ${mb(last.peakBytes)} MB, ${mb(first.peakBytes)} at first`);
  }
  return missed;
}

/** What a record costs; of subscriptions, what each beyond the first size costs and holds. */
function costOf(row, rows) {
  const first = rows.find(({ step }) => step === row.step);
  if (row === first || row.records === row.size) return { ...row, cost: row.cpuSeconds / row.records, held: '' };
  return {
    ...row,
    cost: (row.cpuSeconds - first.cpuSeconds) / (row.records - first.records),
    held: `${((row.peakBytes - first.peakBytes) / (row.size - first.size) / 1000).toFixed(2)} kB each`,
  };
}

let folder = '';

/** Runs a pipe in bash; gives what its timed processes used, by name. */
function play(script, names) {
  // Certificates that are added to Node's own are read at each start, and stay in memory.
  const { NODE_EXTRA_CA_CERTS, NODE_OPTIONS, BUDA_STATE, BUDA_STREAMS, ...kept } = process.env;
  const env = { ...kept, BUDA_HOME: join(folder, 'home'), RUN: folder, REPO: repo, NODE: process.execPath, TMPDIR: folder };
  const { status } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`exit ${status}: ${script}`);
  return Object.fromEntries(names.map((name) => [name, readTime(join(folder, name))]));
}

/** Asks in a folder of its own, of which nothing is left. */
function askApart(ask, size) {
  folder = mkdtempSync(join(tmpdir(), 'buda-scale-'));
  try {
    const rows = [ask(size)].flat();
    console.log(rows.at(-1));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One row in place of three, with the median of each number. */
function medianOf(rows) {
  const middle = (values) => values.toSorted((a, b) => a - b)[1];
  const entries = Object.entries(rows[0]).map(([name, value]) => [
    name,
    typeof value === 'number' ? middle(rows.map((row) => row[name])) : value,
  ]);
  return Object.fromEntries(entries);
}

const mb = (bytes) => (bytes / 1e6).toFixed(0);
const us = (seconds) => (seconds * 1e6).toFixed(2);

const head =
  '# Scale\n\nThe same work at ten and a hundred times the size: `node bench/scale.mjs`. Records are made as they are read; peaks and seconds are those of `/usr/bin/time -v`. What should be flat, or grow straight, is CPU a record and the peak; wall time hangs on what else the machine does.\n';

for (const name of positionals.length > 0 ? positionals : Object.keys(questions)) {
  const { title, about, sizes, ask, misses } = questions[name];
  const asked = sizes.filter((size) => size <= most).map((size) => askApart(ask, size));
  // What takes seconds says little of a machine whose speed swings: the smallest size is asked twice more when all is done.
  const smallest = [asked[0], askApart(ask, sizes[0]), askApart(ask, sizes[0])];
  asked[0] = smallest[0].map((_, i) => medianOf(smallest.map((rows) => rows[i])));
  const rows = asked.flat().map((row) => costOf(row, asked.flat()));
  const missed = misses(rows);
  const table = rows.map(
    ({ step, size, cpuSeconds, cost, seconds, peakBytes, held }) =>
      `| \`${step}\` | ${size.toLocaleString('en')} | ${cpuSeconds.toFixed(1)} | ${us(cost)} | ${seconds.toFixed(0)} | ${mb(peakBytes)} | ${held} |`,
  );
  const load = loadavg()[2].toFixed(1);
  const text = [
    `## ${title}`,
    about,
    `| process | size | CPU s | CPU µs a record | s | peak, MB | |\n|---|---:|---:|---:|---:|---:|---:|\n${table.join('\n')}`,
    ...missed.map((miss) => `**Missed**: ${miss}.`),
    `*${whereAndWhen()}, load ${load} over the last quarter of an hour*`,
  ].join('\n\n');
  console.log(`${text}\n`);
  keep(report, name, text, head);
  if (values.check && missed.length > 0) process.exitCode = 1;
}
