// npm run bench [NAME...] [-- --check] [-- --rounds N] [-- --scale 0.25]: asks the questions in bench/questions and writes the answers into bench/README.md.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { keep, whereAndWhen } from './report.mjs';

/**
 * A question is a file in bench/questions. Its contenders take turns, round after round, so that a noisy machine is noisy to all.
 *
 * @typedef {object} Question
 * @property {string} title
 * @property {string} note            What is done, in a sentence or two.
 * @property {'rate' | 'cpu' | 'time' | 'told'} kind   A rate counts records a second, or a second of CPU time (more is better), a time milliseconds
 *   (less); told are the milliseconds that the contender itself has measured and writes to stdout.
 * @property {number} [records]       How many records a round has.
 * @property {(records: number) => {path: string}} [input]   The file that is piped in.
 * @property {Record<string, Contender>} contenders
 * @property {Goal[]} goals
 * @property {number} [rounds]
 *
 * @typedef {object} Contender
 * @property {string} run      A command of bash, between `cat INPUT |` and `| cat`; $REPO, $INPUT and $SCRATCH are set.
 * @property {string} [needs]  The program that has to be installed, or the package (npm:NAME, found by NODE_PATH); without it the contender is
 *   named as missing.
 * @property {number} [share]  The part of the records that it is given: a slow one is not measured more truly by waiting for it.
 * @property {boolean} [alone] The command is run as it is, without `cat` round it.
 * @property {string} [before] A command that makes ready, outside the time.
 *
 * @typedef {object} Goal
 * @property {string} of        The contender that has to reach it.
 * @property {string} [over]    A rate: at least `times` that of this one. A time: at most `times` this one's, or this one's and `plusMs`.
 * @property {number} [times]
 * @property {number} [plusMs]
 * @property {number} [whereMs]   What `over` took where the goal was set; `plusMs` grows and shrinks with it.
 * @property {number} [atMostMs]  A time, by itself.
 */

const repo = resolve(import.meta.dirname, '..');
const readme = join(repo, 'bench', 'README.md');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false }, rounds: { type: 'string' }, scale: { type: 'string', default: '1' } },
});

const scratch = mkdtempSync(join(tmpdir(), 'buda-bench-'));
// Where NODE_EXTRA_CA_CERTS is set, each start of Node 20 takes 33 ms more.
const { NODE_EXTRA_CA_CERTS, NODE_OPTIONS, BUDA_STATE, ...kept } = process.env;
const environment = {
  ...kept,
  PATH: [join(repo, 'bin'), process.env.PATH].join(delimiter),
  BUDA_HOME: join(scratch, 'home'),
  REPO: repo,
  SCRATCH: scratch,
};

const isThere = (program) => {
  const look = program.startsWith('npm:') ? `node -e "require.resolve('${program.slice(4)}')"` : `command -v ${program}`;
  return spawnSync('bash', ['-c', look], { env: environment }).status === 0;
};

/** How Debian's jq 1.6 compares with 1.8.1: against an older one a goal is so much higher. */
const oldJq = 1.2;
const jqVersion = isThere('jq')
  ? spawnSync('jq', ['--version'], { env: environment, encoding: 'utf8' }).stdout.trim()
  : undefined;
const jqFactor = jqVersion !== undefined && /^jq-1\.[0-7]\b/.test(jqVersion) ? oldJq : 1;

/** Wall and CPU time of one command, in ms, and what it tells. It fails loudly: a command that does nothing is fast. */
function time(command, input) {
  return new Promise((done, fail) => {
    const script = `set -o pipefail; TIMEFORMAT='%3R %3U %3S'; time { ${command}; } 2>"$SCRATCH/stderr"`;
    const child = spawn('bash', ['-c', script], {
      env: { ...environment, INPUT: input ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let written = '';
    child.stdout.on('data', (piece) => {
      written += piece;
    });
    let told = '';
    child.stderr.on('data', (piece) => {
      told += piece;
    });
    child.on('close', (status) => {
      const [wall, user, system] = told
        .trim()
        .split('\n')
        .at(-1)
        .split(' ')
        .map((seconds) => Number(seconds) * 1000);
      if (status !== 0) fail(new Error(`exit ${status}: ${command}\n${readFileSync(join(scratch, 'stderr'), 'utf8')}`));
      else done({ wall, cpu: user + system, told: Number(written) });
    });
  });
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** @param {Question} question */
async function ask(question) {
  const { kind, records = 0, input, rounds = 5 } = question;
  const runs = [];
  const missing = [];
  for (const [name, contender] of Object.entries(question.contenders)) {
    const { needs, share = 1, alone = false } = contender;
    if (needs !== undefined && !isThere(needs)) {
      missing.push(name);
      continue;
    }
    const count = Math.round(records * share * Number(values.scale));
    const path = input?.(count).path;
    runs.push({
      name,
      contender,
      count,
      path,
      command: alone ? contender.run : `cat "$INPUT" | ${contender.run} | cat >/dev/null`,
      times: [],
    });
  }
  const count = Number(values.rounds ?? rounds);
  // The first round warms the caches and is not counted.
  for (let round = 0; round <= count; round++) {
    for (const { contender, command, path, times } of runs) {
      if (contender.before !== undefined) await time(contender.before, path);
      const taken = await time(command, path);
      if (round > 0) times.push(taken);
    }
  }
  const answers = runs.map(({ name, count: counted, times }) => {
    const wallMs = median(times.map(({ wall }) => wall));
    const cpuMs = median(times.map(({ cpu }) => cpu));
    const rated = ({ wall, cpu, told }) => ({ time: wall, told, cpu: counted / cpu, rate: counted / wall })[kind];
    const values = times.map(rated);
    return { name, wallMs, cpuMs, values, value: median(values), perCpu: counted / cpuMs };
  });
  return { answers, missing, goals: judge(question, answers) };
}

/** Round by round: the machine's speed is another in each. */
const ratioOf = (one, other) => median(one.values.map((value, round) => value / other.values[round]));

function judge({ kind, goals }, answers) {
  const named = (name) => answers.find((answer) => answer.name === name);
  return goals.map((goal) => {
    const reached = named(goal.of);
    if (goal.atMostMs !== undefined && reached !== undefined)
      return {
        text: `${goal.of} ≤ ${goal.atMostMs} ms: ${reached.value.toFixed(1)} ms`,
        isMet: reached.value <= goal.atMostMs,
      };
    const base = named(goal.over);
    if (reached === undefined || base === undefined)
      return { text: `${goal.of} against ${goal.over}: not measured`, isMet: undefined };
    if (goal.plusMs === undefined && (kind === 'time' || kind === 'told')) {
      const ratio = ratioOf(reached, base);
      return { text: `${goal.of} ≤ ${goal.times} × ${goal.over}: ${ratio.toFixed(2)} ×`, isMet: ratio <= goal.times };
    }
    if (kind === 'time') {
      const plusMs = reached.value - base.value;
      const thereMs = (ratioOf(reached, base) - 1) * goal.whereMs;
      const told = `+ ${thereMs.toFixed(1)} ms (here ${base.value.toFixed(1)} and + ${plusMs.toFixed(1)})`;
      const text = `${goal.of} ≤ ${goal.over} + ${goal.plusMs} ms where that takes ${goal.whereMs}: ${told}`;
      return { text, isMet: thereMs <= goal.plusMs };
    }
    const times = goal.times * (/\bjq\b/.test(goal.over) ? jqFactor : 1);
    const ratio = ratioOf(reached, base);
    const byCpu = (reached.perCpu / base.perCpu).toFixed(2);
    const text = `${goal.of} ≥ ${Number(times.toFixed(2))} × ${goal.over}: ${ratio.toFixed(2)} × (by CPU time: ${byCpu} ×)`;
    return { text, isMet: ratio >= times };
  });
}

/** @param {Question} question */
function tableOf(question, { answers, missing, goals }) {
  const first = answers[0]?.value ?? 1;
  const isRate = question.kind === 'rate' || question.kind === 'cpu';
  const rows = answers.map(({ name, value, wallMs, cpuMs }) =>
    isRate
      ? `| ${name} | ${Math.round(value).toLocaleString('en')} | ${(value / first).toFixed(2)} | ${Math.round(wallMs)} | ${Math.round(cpuMs)} |`
      : `| ${name} | ${value.toFixed(1)} | ${(value - first >= 0 ? '+ ' : '− ') + Math.abs(value - first).toFixed(1)} | ${Math.round(cpuMs)} |`,
  );
  const names = Object.keys(question.contenders)[0];
  const head = isRate
    ? `| | k records/${question.kind === 'cpu' ? 'CPU-s' : 's'} | × ${names} | ms | CPU ms |\n|---|---:|---:|---:|---:|`
    : `| | ms | against ${names} | CPU ms |\n|---|---:|---:|---:|`;
  const verdicts = goals.map(({ text, isMet }) => `- ${isMet === undefined ? '–' : isMet ? 'met' : '**missed**'}: ${text}`);
  return [
    `## ${question.title}`,
    question.note,
    `${head}\n${rows.join('\n')}`,
    verdicts.join('\n'),
    ...(missing.length > 0 ? [`Not installed here: ${missing.join(', ')}.`] : []),
    machine(),
  ].join('\n\n');
}

function machine() {
  return `*${whereAndWhen()}, ${jqVersion ?? 'no jq'}; load ${loadavg()[0].toFixed(1)}*`;
}

const all = readdirSync(join(repo, 'bench', 'questions')).map((file) => file.replace(/\.mjs$/, ''));
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`no question ${unknown}; there are: ${all.join(', ')}`);
  process.exit(2);
}
let isMissed = false;
try {
  for (const name of positionals.length > 0 ? positionals : all) {
    const { default: question } = await import(`./questions/${name}.mjs`);
    const outcome = await ask(question);
    const text = tableOf(question, outcome);
    console.log(`${text}\n`);
    keep(readme, name, text);
    isMissed ||= outcome.goals.some(({ isMet }) => isMet === false);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (values.check && isMissed) process.exitCode = 1;
