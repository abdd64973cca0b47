import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AppState } from '../../src/lib/checkpoints.ts';
import { bash, environmentIn, temporary } from '../house/bash.ts';

/** What docs/delivery.md says of whole pipes, by real processes. */

const folder = mkdtempSync(join(temporary, 'buda-delivery-'));
const env = environmentIn(folder);
const run = (script: string, input = '') => bash(script, { cwd: folder, env, input: Buffer.from(input), timeoutMs: 60_000 });
const idsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { id: number }).id);
const read = async (stream: string, words = '') => idsOf((await run(`buda get-stream ${stream} -q -e ${words}`)).stdout);
const state = (app: string) => JSON.parse(readFileSync(join(folder, `home/state/${app}.json`), 'utf8')) as AppState;

/** So that the pipes between the processes do not hold the whole stream. */
const fill = 'x'.repeat(10_000);
const all = Array.from({ length: 100 }, (_, id) => id);

vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  const { exit, stderr } = await run('buda put-stream -q numbers', all.map((id) => `{"id":${id},"fill":"${fill}"}\n`).join(''));
  expect(exit, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.concurrent.each([
  ['the source', 0],
  ['the filter', 1],
  ['the sink', 2],
])('kill -9 of %s: nothing is lost, at most one epoch comes twice, and --dedupe leaves that out', async (_, victim) => {
  const app = `killed-${victim}`;
  // Each process writes down its number, and is the buda of its step.
  const step = (i: number, words: string) => `sh -c 'echo $$ > pid.${victim}.${i}; exec buda ${words}'`;
  const pipe = [
    step(0, `get-stream numbers -q -e --epoch 10 --app ${app}`),
    step(1, `each -q -- sh -c "sleep 0.05; cat"`),
    step(2, `put-stream -q ${app} --app ${app}`),
  ].join(' | ');
  const { stdout } = await run(`${pipe} & 
    until grep -q '"commits": [1-9]' home/state/${app}.json 2>/dev/null; do sleep 0.02; done
    kill -9 $(cat pid.${victim}.${victim}); wait; echo ended`);
  expect(stdout).toBe('ended\n');
  const { commits } = state(app);
  expect(commits).toBeGreaterThan(0);
  expect(commits).toBeLessThan(10);
  const before = await read(app);
  const again = await run(pipe);
  expect(again.exit, again.stderr).toBe(0);
  expect(state(app).commits).toBe(10);
  const found = await read(app);
  expect(found.slice(0, before.length)).toEqual(before);
  // What was committed when it was killed did not come again; the rest did, whole.
  expect(found.slice(before.length)).toEqual(all.slice(10 * commits));
  expect(before.length - 10 * commits).toBeLessThanOrEqual(10);
  expect(await read(app, '--dedupe')).toEqual(all);
});

test.concurrent('a producer that sends again makes a second record; --dedupe gives each once, over the runs of an app too', async () => {
  const lines = '{"id":1}\n{"id":2}\n{"id":1,"revision":2}\n';
  await run('buda put-stream -q twice', `${lines}${lines}`);
  expect(await read('twice')).toEqual([1, 2, 1, 1, 2, 1]);
  expect(await read('twice', '--dedupe')).toEqual([1, 2, 1]);
  const pipe = 'buda get-stream twice -q -e --dedupe --app once --epoch 2 | buda put-stream -q once --app once';
  expect(await run(pipe)).toMatchObject({ exit: 0 });
  await run('buda put-stream -q twice', '{"id":2}\n{"id":3}\n');
  expect(await run(pipe)).toMatchObject({ exit: 0 });
  expect(await read('once')).toEqual([1, 2, 1, 3]);
});

test.concurrent('what goes to stdout is committed by nobody: it comes again, and the fourth run is refused', async () => {
  const script = 'buda get-stream numbers -q -e --app seen';
  for (const _ of [1, 2, 3]) {
    const { exit, stdout } = await run(script);
    expect([exit, idsOf(stdout)]).toEqual([0, all]);
  }
  expect(state('seen').commits).toBe(0);
  expect((await run(script)).exit).toBe(78);
});

test.concurrent('without an app, and under another one, all is read again', async () => {
  const pipe = (app: string) => `buda get-stream numbers -q -e --app ${app} | buda put-stream -q many --app ${app}`;
  await run(pipe('one'));
  await run(pipe('one'));
  expect(await read('many')).toEqual(all);
  await run(pipe('another'));
  await run('buda get-stream numbers -q -e | buda put-stream -q many');
  expect(await read('many')).toEqual([...all, ...all, ...all]);
});

test.concurrent('state set moves a checkpoint back: what lies behind it comes again', async () => {
  const pipe = 'buda get-stream numbers -q -e --app moved | buda put-stream -q moved --app moved';
  await run(pipe);
  const set = await run('buda state set moved beginning');
  expect(set.exit, set.stderr).toBe(0);
  await run(pipe);
  expect(await read('moved')).toEqual([...all, ...all]);
});

test.concurrent('--forward: the records are safe, the marks go on, and nothing is committed', async () => {
  const script = 'buda get-stream numbers -q -e --epoch 25 --app forwarded | buda put-stream -q ahead --forward';
  const { exit, stdout } = await run(script);
  expect([exit, stdout.split('\n').map((line) => line.slice(0, 12))]).toEqual([
    0,
    ['["buda.begin', ...Array(4).fill('["buda.mark"'), '["buda.end",', ''],
  ]);
  expect(await read('ahead')).toEqual(all);
  expect(state('forwarded').commits).toBe(0);
});

test.concurrent('a table without an app: records merge by id, and --append adds each again', async () => {
  for (const words of ['merged', 'added --append']) {
    const twice = 'buda get-stream numbers -q -e > whole; cat whole whole';
    const { exit, stderr } = await run(`${twice} | buda put-table -q ${words}`);
    expect(exit, stderr).toBe(0);
  }
  const { stdout } = await run(
    'buda query "select (select count(*) from merged) as merged, (select count(*) from added) as added"',
  );
  expect(JSON.parse(stdout)).toEqual({ merged: 100, added: 200 });
});

test.concurrent('a filter that acts on the world acts again for an epoch that is repeated', async () => {
  const source = 'buda get-stream numbers -q -e --epoch 25 --app acts | buda each -q -- tee -a calls';
  await run(`${source} | head -n 40 >/dev/null`);
  expect(await run(`${source} | buda put-stream -q acts --app acts`)).toMatchObject({ exit: 0 });
  expect(await read('acts')).toEqual(all);
  const calls = idsOf(readFileSync(join(folder, 'calls'), 'utf8'));
  expect(calls.length).toBeGreaterThan(100);
  expect(new Set(calls).size).toBe(100);
});

test('a sink that fails says what it had taken, not that it is delivered', async () => {
  const failed = await run('buda put-stream failed', '{"id":1}\n[1]\n');
  expect(failed.exit).toBe(65);
  expect(failed.stderr).toMatch(/^buda put-stream: it had taken 1 record in /);
  expect((await run('buda put-stream well', '{"id":1}\n')).stderr).toMatch(/^buda put-stream: 1 record in /);
});
