import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AppState } from '../../src/lib/checkpoints.ts';
import { bash, environmentIn, type Ran, temporary } from '../house/bash.ts';

/** The same pipeline by the shell and by `buda run`: the same records, marks, commits, dead letters and exit code. */

const folder = mkdtempSync(join(temporary, 'buda-run-'));
const records = Array.from({ length: 30 }, (_, n) => `{"id":"e_${n}","n":${n},"k":"${n % 7}"}`);
const input = `${records.join('\n')}\n`;

vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  // A stream written in pieces, so that its epochs are not one.
  const script = 'head -n 12 input | buda put-stream -q numbers && tail -n +13 input | buda put-stream -q numbers';
  writeFileSync(join(folder, 'input'), input);
  const { exit, stderr } = await bash(script, { cwd: folder, env: environmentIn(folder) });
  expect(exit, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Steps {
  source: string | undefined;
  middle: string[];
  sink: string | undefined;
}

const middle = fc.constantFrom(
  'buda each -- cat',
  'buda each -- sort -r',
  'buda each -j 2 --ok 1 -- grep 5',
  'buda each --dead-letter dead -- grep -F no-such',
  "buda each -- awk '/e_4/ { exit 3 } { print }'",
  'buda each --dead-letter dead -- sed \'s/^{"id":"e_1/oops/\'',
  'buda each -- sed \'s/^{"id":"e_21/oops/\'',
  'buda each -- head -n 2',
  'buda each -j 3 -- tac',
  'buda each --dead-letter dead --max-dead 10% -- sed \'s/^{"id":"e_3/oops/\'',
);
const pipelines: fc.Arbitrary<Steps> = fc.record({
  source: fc.constantFrom(
    undefined,
    'buda get-stream numbers -e',
    'buda get-stream numbers -e --app it --epoch 8',
    'buda get-stream numbers -e --app it -n 17 --epoch 10',
  ),
  middle: fc.array(middle, { maxLength: 3 }),
  sink: fc.constantFrom(
    undefined,
    'buda put-stream out',
    'buda put-stream out --app it',
    'buda put-stream out --app other',
    'buda put-stream out --forward',
  ),
});

/** Runs a script twice in a home of its own: the second run goes on where the first has stopped. */
async function runTwice(name: string, script: string) {
  const cwd = join(folder, name);
  mkdirSync(join(cwd, 'home'), { recursive: true, mode: 0o700 });
  const env = environmentIn(cwd);
  const copied = await bash(`cp -R '${folder}/home/streams' home/`, { cwd, env });
  expect(copied.exit, copied.stderr).toBe(0);
  const runs: Ran[] = [];
  for (let i = 0; i < 2; i++) runs.push(await bash(script, { cwd, env, input: Buffer.from(input), pipefail: true }));
  const out = await bash('buda get-stream out -e -q', { cwd, env });
  const exits = runs.map(({ exit }) => exit);
  const result = {
    exits,
    stdout: runs.map(({ stdout }) => normalised(stdout)),
    delivered: out.exit === 0 ? out.stdout : 'none',
    state: stateIn(join(cwd, 'home/state'), exits),
    // How far the steps before one that failed have come by then is a matter of time, in a shell's pipe.
    dead: exits.every((exit) => exit === 0) && existsSync(join(cwd, 'dead')) ? lettersIn(join(cwd, 'dead')) : [],
    said: runs.map(({ stderr }) => stderr),
  };
  rmSync(cwd, { recursive: true, force: true });
  return result;
}

/** Without what differs from run to run. */
function normalised(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'RUN')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

function stateIn(place: string, exits: Ran['exit'][]): unknown[] {
  if (!existsSync(place)) return [];
  const names = readdirSync(place).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => {
    const { sources, ...document } = JSON.parse(normalised(readFileSync(join(place, name), 'utf8'))) as AppState;
    const hasFailed = exits.some((exit) => exit !== 0);
    const known = Object.values(sources).map(({ last_run, ...source }) => (hasFailed ? source : { ...source, last_run }));
    return { ...document, sources: known };
  });
}

/** Steps of one process write one after the other; those of several in any order. */
function lettersIn(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as Record<string, string>)
    .map(({ step, reason, position, record }) => JSON.stringify({ step, reason, position, record }))
    .sort();
}

describe('random pipelines', () => {
  const rounds = 10;
  const all = fc.sample(pipelines, { seed: 7, numRuns: rounds * 3 });
  // Without any step there is no pipeline.
  const tried = all.filter(({ source, middle, sink }) => source ?? sink ?? middle[0]).slice(0, rounds);
  test.each(tried.map((steps, i) => [[steps.source, ...steps.middle, steps.sink].filter(Boolean) as string[], i] as const))(
    '%j',
    async (steps, i) => {
      const quoted = steps.join(' | ').replaceAll("'", `'\\''`);
      const [shell, run] = await Promise.all([
        runTwice(`shell-${i}`, steps.join(' | ')),
        runTwice(`run-${i}`, `buda run '${quoted}'`),
      ]);
      const { said: _, ...expected } = shell;
      expect(run, `the shell's said:\n${shell.said.join('--\n')}`).toMatchObject(expected);
    },
  );
});

test('line numbers are those of each step’s own input, as in a shell’s pipe', async () => {
  const cwd = join(folder, 'numbers');
  mkdirSync(join(cwd, 'home'), { recursive: true, mode: 0o700 });
  const env = environmentIn(cwd);
  const made = Array.from({ length: 9 }, (_, id) => JSON.stringify({ id, n: id % 4 === 3 ? 'x' : id }));
  await bash('buda put-stream numbers -q', { cwd, env, input: Buffer.from(`${made.join('\n')}\n`) });
  writeFileSync(join(cwd, 'schema.json'), '{"properties":{"n":{"type":"number"}}}');
  const steps = ['transform flatten', 'transform validate --schema schema.json --dead-letter dead', 'put-stream out'];
  const positions: unknown[] = [];
  for (const [app, script] of [
    ['one', ['get-stream numbers --app one -e --epoch 2', ...steps].map((step) => `buda ${step}`).join(' | ')],
    ['two', `buda run '${['get-stream numbers --app two -e --epoch 2', ...steps].join(' | ')}'`],
  ] as const) {
    rmSync(join(cwd, 'dead'), { force: true });
    const { exit, stderr } = await bash(script, { cwd, env, pipefail: true });
    expect(exit, `${app}: ${stderr}`).toBe(0);
    const letters = readFileSync(join(cwd, 'dead'), 'utf8').trim().split('\n');
    positions.push(letters.map((line) => (JSON.parse(line) as { position: string }).position));
  }
  expect(positions[1]).toEqual(positions[0]);
  expect(positions[0]).toEqual(['line 6', 'line 12']);
});

test('a step’s --max-line holds for what another step hands it, as in a shell’s pipe', async () => {
  const cwd = join(folder, 'longest');
  mkdirSync(join(cwd, 'home'), { recursive: true, mode: 0o700 });
  const env = environmentIn(cwd);
  const made = Array.from({ length: 9 }, (_, id) => JSON.stringify({ id, n: 'x'.repeat(id % 3 === 1 ? 40 : 3) }));
  await bash('buda put-stream lines -q', { cwd, env, input: Buffer.from(`${made.join('\n')}\n`) });
  const came: unknown[] = [];
  for (const made of ['get-stream lines -e', 'get-stream lines -e | transform flatten']) {
    const steps = [...made.split(' | '), 'transform flatten --max-line 32 --dead-letter dead'];
    for (const script of [steps.map((step) => `buda ${step}`).join(' | '), `buda run '${steps.join(' | ')}'`]) {
      rmSync(join(cwd, 'dead'), { force: true });
      const { exit, stdout, stderr } = await bash(script, { cwd, env, pipefail: true });
      expect(exit, stderr).toBe(0);
      const letters = readFileSync(join(cwd, 'dead'), 'utf8').trim().split('\n');
      const places = letters.map((line) => JSON.parse(line) as Record<string, string>);
      came.push([stdout.toString(), places.map(({ reason, position, sha256 }) => [reason, position, sha256])]);
    }
  }
  for (const one of came) expect(one).toEqual(came[0]);
  expect(came[0]).toEqual([
    `${made.filter((line) => line.length <= 32).join('\n')}\n`,
    [2, 5, 8].map((number) => ['longer than 32 bytes (--max-line)', `line ${number}`, expect.any(String)]),
  ]);
  const refused = await bash("buda run 'get-stream lines -e | transform flatten --max-line 32'", { cwd, env });
  expect(refused.exit).toBe(65);
});

test('a step that cannot begin ends the whole before anything runs', async () => {
  const cwd = join(folder, 'early');
  mkdirSync(join(cwd, 'home'), { recursive: true, mode: 0o700 });
  const { exit, stderr } = await bash("buda run 'get-stream nothing --app it -e | put-stream out'", {
    cwd,
    env: environmentIn(cwd),
  });
  expect(exit).toBe(78);
  expect(stderr).toContain('buda run: there is no stream local:nothing');
  expect(readdirSync(join(cwd, 'home'))).toEqual([]);
});

test('-v says what every step has counted', async () => {
  const { stderr } = await bash("buda run -v 'each -- head -n 5 | buda put-stream counted'", {
    cwd: folder,
    env: environmentIn(folder),
    input: Buffer.from(input),
  });
  const table = stderr.split('\n').filter((line) => / {2}/.test(line));
  expect(table.map((line) => line.replace('buda run: ', '').trim().split(/ {2,}/))).toEqual([
    ['step', 'in', 'out', 'dead', 'epochs'],
    ['each', '30', '5', '0', '0'],
    ['put-stream', '5', '5', '0', '0'],
  ]);
});
