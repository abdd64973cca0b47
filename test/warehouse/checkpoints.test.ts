import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dyingAt, linesOf, newHome, put, rowsOf, runPipe, storeOf, wireOf } from './support.ts';

const records = Array.from({ length: 47 }, (_, i) => ({ id: i % 30, revision: i < 30 ? 1 : 2, n: i }));
const log = Array.from({ length: 47 }, (_, n) => ({ n }));
const append = { append: true };

async function whole(options: Record<string, unknown> = {}) {
  const home = newHome();
  await runPipe(home, 't', options.append ? log : records, options);
  return linesOf(home, options.append ? 'select n from t order by all' : 'select * from t order by all');
}

test('an epoch and its checkpoint are in the table together', async () => {
  const home = newHome();
  await runPipe(home, 't', records);
  expect(
    await rowsOf(home, 'select app, source, shard, "from", "to", commit, term from _buda_checkpoints order by commit'),
  ).toEqual(
    [10, 20, 30, 40, 47].map((to, i) => ({
      app: 'a',
      source: 'test:numbers',
      shard: '',
      from: i === 0 ? null : String(i * 10),
      to: String(to),
      commit: i + 1,
      term: 1,
    })),
  );
  expect(await rowsOf(home, 'select count(*) as count, sum(n)::bigint as sum from t')).toEqual([expectedOf(records)]);
  // Again from where it stands: nothing comes, nothing changes.
  await runPipe(home, 't', records);
  expect(await rowsOf(home, 'select count(*) as count, sum(n)::bigint as sum from t')).toEqual([expectedOf(records)]);
});

function expectedOf(list: { id: number; n: number }[]) {
  const last = new Map(list.map(({ id, n }) => [id, n]));
  return { count: last.size, sum: [...last.values()].reduce((a, b) => a + b, 0) };
}

describe.each([
  ['merged', {}],
  ['appended', append],
])('%s: killed between the table and the app’s document', (_, options) => {
  const list = options === append ? log : records;
  test.each([
    ['cut as before, the epoch is skipped', 10],
    ['cut shorter, it is put again', 7],
    ['cut longer, it is put again', 25],
  ])('%s', async (_, epoch) => {
    const home = newHome();
    await expect(runPipe(home, 't', list, { ...options, checkpoints: dyingAt(home, 3) })).rejects.toThrow('killed');
    expect((await storeOf(home).read('a'))?.commits).toBe(2);
    expect((await rowsOf(home, 'select max(commit) as commit from _buda_checkpoints'))[0]).toEqual({ commit: 3 });
    const { context } = await runPipe(home, 't', list, { ...options, epoch });
    expect(context.progress.records).toBe(27);
    expect((await storeOf(home).read('a'))?.sources['test:numbers']?.checkpoints).toEqual({ '': '47' });
    expect(await linesOf(home, options === append ? 'select n from t order by all' : 'select * from t order by all')).toEqual(
      await whole(options),
    );
    expect(
      await rowsOf(home, 'select count(*) = count(distinct commit) as is_chain, max("to") as "to" from _buda_checkpoints'),
    ).toEqual([{ is_chain: true, to: '47' }]);
  });
});

test('under --forward a table can be ahead by several epochs: they come again', async () => {
  for (const epoch of [10, 13]) {
    const home = newHome();
    const first = await wireOf(home, 'a', log, 10);
    await put(home, 't', first.wire, { ...append, forward: true });
    await first.tenure.end(0, 0);
    expect((await storeOf(home).read('a'))?.commits).toBe(0);
    await runPipe(home, 't', log, { ...append, epoch });
    expect(await rowsOf(home, 'select count(*) as count, sum(n)::bigint as sum from t')).toEqual([
      { count: 47, sum: (46 * 47) / 2 },
    ]);
  }
});

test('a table that stands elsewhere is refused, and the remedy works', async () => {
  const home = newHome();
  await runPipe(home, 't', records.slice(0, 20));
  // Somebody has moved the app's checkpoint.
  await storeOf(home).set('a', 'test:numbers', '', '15');
  const refusal = runPipe(home, 't', records);
  await expect(refusal).rejects.toMatchObject({ exit: 65, message: expect.stringMatching(/stands at 20.*begins at 15/) });
  const remedy = await refusal.then(String, (error) => error.remedy as string);
  const [, app, position, source] = /buda state set (\S+) (\S+) --source (\S+);/.exec(remedy) ?? [];
  await storeOf(home).set(app as string, source as string, '', position as string);
  await runPipe(home, 't', records);
  expect(await linesOf(home, 'select * from t order by all')).toEqual(await whole());
});

test('a warehouse that was removed is noticed', async () => {
  const home = newHome();
  await runPipe(home, 't', records.slice(0, 20));
  rmSync(join(home, 'warehouse.duckdb'));
  await expect(runPipe(home, 't', records)).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining('has nothing of app a'),
  });
});

test('an app that was forgotten loads the same again, and nothing twice', async () => {
  const home = newHome();
  await runPipe(home, 't', log.slice(0, 20), append);
  await storeOf(home).remove('a');
  await runPipe(home, 't', log, { ...append, epoch: 8 });
  expect(await linesOf(home, 'select n from t order by all')).toEqual(await whole(append));
});

test.each([
  ['a checkpoint was moved back', append, (home: string) => storeOf(home).set('a', 'test:numbers', '', '10')],
  ['a checkpoint was moved back, merged', {}, (home: string) => storeOf(home).set('a', 'test:numbers', '', '10')],
  ['the app was forgotten', append, (home: string) => storeOf(home).remove('a')],
  ['the app was forgotten, merged', {}, (home: string) => storeOf(home).remove('a')],
] as const)('%s: epochs that are cut as before come again, and may hold something else', async (_, options, goBack) => {
  const home = newHome();
  const numbered = log.map(({ n }) => ({ id: n, n }));
  await runPipe(home, 't', numbered, options);
  await goBack(home);
  const corrected = numbered.map(({ id, n }) => ({ id, n: n >= 10 ? n + 1000 : n }));
  await runPipe(home, 't', corrected, options);
  expect(await rowsOf(home, 'select id, n from t order by id')).toEqual(corrected);
});

test('a run that has been replaced can no longer commit', async () => {
  const home = newHome();
  const old = await wireOf(home, 'a', records.slice(0, 20), 10);
  await old.tenure.end(0, 0);
  const zombie = await wireOf(home, 'a', records.slice(0, 20), 10);
  await zombie.tenure.end(0, 0);
  await put(home, 't', zombie.wire);
  // The state store would refuse it first: here only the table does.
  const blind = new Proxy(storeOf(home), {
    get: (store, name) => (name === 'claim' || name === 'commit' ? async () => {} : Reflect.get(store, name)),
  });
  await expect(put(home, 't', old.wire, { checkpoints: blind })).rejects.toMatchObject({
    exit: 75,
    message: expect.stringContaining('newer run'),
  });
});

test('a torn epoch leaves the table at its last mark', async () => {
  const home = newHome();
  const { wire, tenure } = await wireOf(home, 'a', records, 10);
  await expect(put(home, 't', [...wire.slice(0, 17), '{"id":99,"n'])).rejects.toMatchObject({ exit: 75 });
  await tenure.end(0, 0);
  expect(await rowsOf(home, 'select count(*) as count from t')).toEqual([{ count: 10 }]);
  await runPipe(home, 't', records);
  expect(await linesOf(home, 'select * from t order by all')).toEqual(await whole());
});

test('epochs without records move the checkpoint', async () => {
  const home = newHome();
  await runPipe(home, 't', records.slice(0, 10));
  const { wire, tenure } = await wireOf(home, 'a', records.slice(0, 20), 10);
  // A filter in between took all of them.
  const counts = wire
    .filter((line) => !line.startsWith('{'))
    .map((line) => line.replace('"c":[["test",0,10,0]]', '"c":[["test",0,0,0]]'));
  await put(home, 't', counts);
  await tenure.end(0, 0);
  expect((await rowsOf(home, 'select max("to") as "to" from _buda_checkpoints'))[0]).toEqual({ to: '20' });
});
