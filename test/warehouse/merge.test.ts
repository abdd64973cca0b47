import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf, newHome, put, rowsOf } from './support.ts';

const seed = 20261124;

test('of several records of an id the highest revision wins, then the last; an older one that comes late changes nothing', async () => {
  const home = newHome();
  await put(home, 't', [
    { id: 'a', revision: 2, v: 'two' },
    { id: 'a', revision: 1, v: 'one' },
    { id: 'b', v: 'first' },
    { id: 'b', v: 'last' },
  ]);
  await put(home, 't', [
    { id: 'a', revision: 1, v: 'late' },
    { id: 'b', v: 'again' },
  ]);
  expect(await rowsOf(home, 'select * from t order by id')).toEqual([
    { id: 'a', revision: 2, v: 'two' },
    { id: 'b', revision: null, v: 'again' },
  ]);
});

test('of many records of an id the last wins also where several threads read them', async () => {
  const home = newHome();
  // Threads take some megabytes each.
  const [ids, times, pad] = [60_000, 5, 'x'.repeat(40)];
  const lines = Array.from({ length: ids * times }, (_, n) => `{"id":"${n % ids}","n":${n},"pad":"${pad}"}\n`);
  expect((await put(home, 't', lines)).reasons).toEqual([]);
  const rows = await linesOf(home, 'select count(*) as ids, min(n) as least from t');
  expect(rows).toEqual([`{"ids":${ids},"least":${ids * (times - 1)}}`]);
});

test('a delete removes its row, is remembered, and a higher revision brings the id back', async () => {
  const home = newHome();
  const upsert = (revision: number) => ({ id: 'a', op: 'upsert', revision, n: revision });
  await put(home, 't', [upsert(1)]);
  await put(home, 't', [{ id: 'a', op: 'delete', revision: 2 }]);
  expect(await rowsOf(home, 'select * from t')).toEqual([]);
  await put(home, 't', [upsert(1), upsert(2)]);
  expect(await rowsOf(home, 'select * from t')).toEqual([]);
  await put(home, 't', [upsert(3)]);
  expect(await rowsOf(home, 'select * from t')).toEqual([upsert(3)]);
  // Late, and older than what is there.
  await put(home, 't', [{ id: 'a', op: 'delete', revision: 2 }]);
  expect(await rowsOf(home, 'select * from t')).toEqual([upsert(3)]);
});

test('a delete without a revision removes, and what comes after it is new', async () => {
  const home = newHome();
  await put(home, 't', [
    { id: 1, v: 1 },
    { id: 1, op: 'delete' },
    { id: 2, v: 2 },
  ]);
  expect(await rowsOf(home, 'select id, v from t')).toEqual([{ id: 2, v: 2 }]);
  await put(home, 't', [
    { id: 1, v: 3 },
    { id: 2, op: 'delete' },
  ]);
  expect(await rowsOf(home, 'select id, v from t')).toEqual([{ id: 1, v: 3 }]);
});

test('--key merges by other fields, several together', async () => {
  const home = newHome();
  const key = ['month', 'currency'];
  await put(
    home,
    't',
    [
      { month: '2026-01', currency: 'usd', v: 1 },
      { month: '2026-01', currency: 'eur', v: 2 },
    ],
    { key },
  );
  await put(
    home,
    't',
    [
      { month: '2026-01', currency: 'usd', v: 3 },
      { month: '2026-01', currency: 'usd', v: 4 },
      { month: '2026-02', currency: 'usd', v: 5 },
    ],
    { key },
  );
  expect(await rowsOf(home, 'select * from t order by all')).toEqual([
    { month: '2026-01', currency: 'eur', v: 2 },
    { month: '2026-01', currency: 'usd', v: 4 },
    { month: '2026-02', currency: 'usd', v: 5 },
  ]);
});

test('a record without its key fails with the remedy, or is kept by --dead-letter; --append takes it', async () => {
  const home = newHome();
  const lines = [{ id: 1 }, { n: 2 }, { id: null }, { id: 3 }];
  await expect(put(home, 't', lines)).rejects.toMatchObject({
    exit: 65,
    message: expect.stringMatching(/line 2: it has no "id".*--append/),
  });
  expect((await put(home, 't', lines, { keep: true })).reasons).toHaveLength(2);
  expect(await rowsOf(home, 'select id from t order by id')).toEqual([{ id: 1 }, { id: 3 }]);
  await put(home, 'log', [...lines, ...lines], { append: true });
  expect(await rowsOf(home, 'select count(*) as count from log')).toEqual([{ count: 8 }]);
});

test('the table is what applying the records one by one comes to, however they are cut into loads', async () => {
  const home = newHome();
  let run = 0;
  const record = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    revision: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    op: fc.constantFrom('upsert', 'delete', undefined),
    v: fc.integer({ min: 0, max: 99 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(record, { maxLength: 10 }), { minLength: 1, maxLength: 4 }), async (loads) => {
      const t = `t${++run}`;
      // So that the table is there, and its columns.
      await put(home, t, [{ id: 'z', revision: 1, op: 'upsert', v: 0 }]);
      const expected = new Map<string, { revision: number; v: number | undefined }>([['z', { revision: 1, v: 0 }]]);
      for (const load of loads) {
        await put(home, t, load);
        for (const { id, revision = 0, op, v } of load) {
          const known = expected.get(id);
          const isDelete = op === 'delete';
          if (known !== undefined && known.revision > revision) continue;
          // A deleted revision stays deleted.
          if (known !== undefined && known.v === undefined && known.revision === revision && revision > 0 && !isDelete) continue;
          expected.set(id, { revision, v: isDelete ? undefined : v });
        }
      }
      const rows = await rowsOf(home, `select id, coalesce(revision, 0) as revision, v from ${t} order by id`);
      expect(rows).toEqual(
        [...expected]
          .filter(([, { v }]) => v !== undefined)
          .map(([id, { revision, v }]) => ({ id, revision, v }))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
      );
    }),
    { seed, numRuns: 12, endOnFailure: true },
  );
}, 60_000);
