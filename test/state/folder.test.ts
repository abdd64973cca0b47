import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { clock, commitOf, Machine, newFolder, storeIn } from './support.ts';

let folder: string;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a run', () => {
  test('begins with the next term where the app stands, and ends with its record', async () => {
    const store = storeIn(folder);
    const first = await store.start('billing', 'stripe:events');
    expect(first.begin).toEqual({
      app: 'billing',
      source: 'stripe:events',
      run: expect.stringMatching(/^[0-9a-f-]{36}$/),
      term: 1,
      at: 0,
      from: {},
    });
    await store.commit(commitOf(first, 1, undefined, 'a'));
    await store.commit(commitOf(first, 2, 'a', 'b'));
    await first.end(2, 0);
    const second = await store.start('billing', 'stripe:events');
    expect(second.begin).toMatchObject({ term: 2, at: 2, from: { '': 'b' } });
    await second.end(0, 75);
    expect(await store.read('billing')).toEqual({
      buda: 1,
      app: 'billing',
      term: 2,
      commits: 2,
      sink: 'local:out',
      sources: {
        'stripe:events': {
          checkpoints: { '': 'b' },
          counters: { delivered: 8, dead: 2, epochs: 2 },
          last_counts: [
            ['produce x', 0, 5, 0],
            ['put-stream', 5, 4, 1],
          ],
          committed_at: expect.any(String),
          last_run: {
            run: second.begin.run,
            term: 2,
            at: 2,
            marks: 0,
            exit: 75,
            sink: null,
            unseen: 0,
            started_at: expect.any(String),
            ended_at: expect.any(String),
          },
        },
      },
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: expect.any(String),
    });
    expect(readdirSync(folder)).toEqual(['billing.json']);
    expect(statSync(join(folder, 'billing.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'billing.json'), 'utf8')).toMatch(/^\{\n {2}"buda": 1,\n/);
  });

  test('is refused (75) while another lives, naming it, and begins once that is killed', async () => {
    const machine = new Machine();
    const other = machine.start();
    await storeIn(folder, other).start('billing', 'x');
    const store = storeIn(folder, machine.start());
    await expect(store.start('billing', 'y')).rejects.toMatchObject({
      exit: 75,
      message: expect.stringMatching(`^app billing runs already: .* is held by process ${other.pid} since 20`),
    });
    expect((await store.list()).map(({ app, term, running }) => ({ app, term, running }))).toEqual([
      { app: 'billing', term: 1, running: true },
    ]);
    machine.kill(other);
    expect((await store.list())[0]?.running).toBe(false);
    expect((await store.start('billing', 'y')).begin.term).toBe(2);
  });

  test('of another app is free, also where one name is the beginning of the other', async () => {
    const store = storeIn(folder);
    const tenures = [];
    for (const app of ['a', 'a.run', 'a.json', 'a.run.lock', 'a.json.lock', 'a.saved']) tenures.push(await store.start(app, 'x'));
    for (const tenure of tenures) await store.commit(commitOf(tenure, 1, undefined, tenure.begin.app));
    for (const tenure of tenures) await tenure.end(1, 0);
    expect((await store.list()).map(({ app, sources }) => [app, sources.x?.checkpoints['']])).toEqual(
      ['a', 'a.json', 'a.json.lock', 'a.run', 'a.run.lock', 'a.saved'].sort().map((app) => [app, app]),
    );
  });

  test('that ends late leaves the document of a newer one alone', async () => {
    const machine = new Machine();
    const host = machine.start();
    const zombie = await storeIn(folder, host).start('billing', 'x');
    machine.kill(host);
    const store = storeIn(folder, machine.start());
    const next = await store.start('billing', 'x');
    const before = await store.read('billing');
    await zombie.end(7, 0);
    expect(await store.read('billing')).toEqual(before);
    // Nor does it give the newer one's lock back.
    await expect(storeIn(folder, machine.start()).start('billing', 'x')).rejects.toMatchObject({ exit: 75 });
    await next.end(0, 0);
  });

  test('keeps the checkpoints of two sources that take turns, under one count of commits', async () => {
    const store = storeIn(folder);
    const live = await store.start('billing', 'live');
    await store.commit(commitOf(live, 1, undefined, 'l1'));
    await live.end(1, 0);
    const dump = await store.start('billing', 'dump');
    expect(dump.begin).toMatchObject({ at: 1, from: {} });
    await store.commit(commitOf(dump, 1, undefined, 'd1'));
    await dump.end(1, 0);
    const again = await store.start('billing', 'live');
    expect(again.begin).toMatchObject({ at: 2, from: { '': 'l1' } });
  });
});

describe('a commit', () => {
  test.each([
    ['of an older term (75)', { term: 1 }, 75, 'a newer run has begun (term 2, this one is 1)'],
    ['of a later term than the document has (65)', { term: 3 }, 65, "its document is of term 2, before this run's 3"],
    ['to another sink (78)', { sink: 's3:other' }, 78, 'commits to local:out, not to s3:other'],
    ['that leaves a number out (65)', { commit: 3 }, 65, 'after 1 commits comes no commit 3'],
    ['that repeats a number (65)', { commit: 1 }, 65, 'after 1 commits comes no commit 1'],
    ['that does not begin at the checkpoint (65)', { from: 'b' }, 65, 'x stands at a, the epoch begins at b'],
    ['that begins at none where there is one (65)', { from: undefined }, 65, 'x stands at a, the epoch begins at none'],
    [
      'that begins somewhere in a shard that is new (65)',
      { shard: 'constructor', from: 'a' },
      65,
      'shard constructor of x stands at no checkpoint, the epoch begins at a',
    ],
    ['of an app that is not there (78)', { app: 'other' }, 78, 'knows no app other'],
  ])('is refused: one %s', async (_, over, exit, message) => {
    const store = storeIn(folder);
    const first = await store.start('billing', 'x');
    await store.commit(commitOf(first, 1, undefined, 'a'));
    await first.end(1, 0);
    const tenure = await store.start('billing', 'x');
    const before = await store.read('billing');
    await expect(store.commit(commitOf(tenure, 1, 'a', 'c', over))).rejects.toMatchObject({
      exit,
      message: expect.stringContaining(message),
    });
    expect(await store.read('billing')).toEqual(before);
    await store.commit(commitOf(tenure, 1, 'a', 'c'));
  });

  test('moves one shard of several', async () => {
    const store = storeIn(folder);
    const tenure = await store.start('billing', 'x');
    await store.commit(commitOf(tenure, 1, undefined, 'a1', { shard: 'a' }));
    await store.commit(commitOf(tenure, 2, undefined, 'p1', { shard: '__proto__' }));
    await store.commit(commitOf(tenure, 3, 'a1', 'a2', { shard: 'a' }));
    await store.commit(commitOf(tenure, 4, 'p1', 'p2', { shard: '__proto__' }));
    await tenure.end(4, 0);
    expect(Object.entries((await store.start('billing', 'x')).begin.from)).toEqual([
      ['a', 'a2'],
      ['__proto__', 'p2'],
    ]);
  });

  test('in a state store that has no folder says that the app is not known', async () => {
    const tenure = await storeIn(folder).start('billing', 'x');
    await expect(storeIn(join(folder, 'elsewhere')).commit(commitOf(tenure, 1, undefined, 'a'))).rejects.toMatchObject({
      exit: 78,
    });
  });
});

describe('a person', () => {
  test('moves a checkpoint: the commits stay, and the next term keeps a draining sink out', async () => {
    const store = storeIn(folder);
    const first = await store.start('billing', 'x');
    await store.commit(commitOf(first, 1, undefined, 'a'));
    await store.commit(commitOf(first, 2, 'a', 'b'));
    await expect(storeIn(folder).set('billing', 'x', '', 'a')).rejects.toMatchObject({ exit: 75 });
    await first.end(3, 0);
    const moved = await storeIn(folder).set('billing', 'x', '', 'a');
    expect(moved).toMatchObject({ term: 2, commits: 2, sources: { x: { checkpoints: { '': 'a' } } } });
    await expect(store.commit(commitOf(first, 3, 'b', 'c'))).rejects.toMatchObject({ exit: 75 });
    expect((await store.start('billing', 'x')).begin).toMatchObject({ term: 3, at: 2, from: { '': 'a' } });
  });

  test('is told of a wrong name (78)', async () => {
    const store = storeIn(folder);
    await expect(store.set('billing', 'x', '', 'a')).rejects.toMatchObject({
      exit: 78,
      message: expect.stringContaining('no app billing'),
    });
    expect(readdirSync(folder)).toEqual([]);
    const tenure = await store.start('billing', 'x');
    await store.commit(commitOf(tenure, 1, undefined, 'a', { shard: 's1' }));
    await tenure.end(1, 0);
    await expect(store.set('billing', 'y', '', 'a')).rejects.toMatchObject({ exit: 78, remedy: 'it has: x' });
    await expect(store.set('billing', 'x', '', 'a')).rejects.toMatchObject({ exit: 78, remedy: 'name one: --shard s1' });
    expect((await store.set('billing', 'x', 's2', 'a')).sources.x?.checkpoints).toEqual({ s1: 'a', s2: 'a' });
    await expect(store.read('../billing')).rejects.toMatchObject({ exit: 2 });
  });

  test('forgets an app and what its steps saved, even where the document is damaged; not while it runs', async () => {
    const store = storeIn(folder);
    const tenure = await store.start('billing', 'x');
    const saved = store.saved('billing', 'transform mrr', 'd');
    for await (const _ of saved.load(0)) expect.fail();
    await saved.save(1, [['k', 1]]);
    await expect(storeIn(folder).remove('billing')).rejects.toMatchObject({ exit: 75 });
    await tenure.end(1, 0);
    writeFileSync(join(folder, 'billing.json'), '{"buda":');
    writeFileSync(join(folder, 'billing.json.0123456789ab.new'), '{"bu');
    expect(await store.remove('billing')).toBe(true);
    expect(await store.remove('billing')).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
    expect(await store.list()).toEqual([]);
    expect(await storeIn(join(folder, 'never')).list()).toEqual([]);
    expect(await storeIn(join(folder, 'never')).remove('billing')).toBe(false);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});

test.each([
  ['cut short', '{"buda":1,"app":"bil', 'is not JSON'],
  ['no object', '[]', 'is not a state document'],
  ['of another version', '{"buda":2,"app":"billing"}', 'of version 2, not 1'],
  ['changed by hand', '{"buda":1,"app":"billing","term":1,"commits":-1,"sink":null,"sources":{}}', 'has no good commits'],
  [
    'with a bad checkpoint',
    '{"buda":1,"app":"billing","term":1,"commits":1,"sink":null,"sources":{"x":{"checkpoints":{"":1},"counters":{}}}}',
    'has no good checkpoints of x',
  ],
])('a document that is %s is refused (65), untouched, and nothing stays locked', async (_, text, message) => {
  const store = storeIn(folder);
  writeFileSync(join(folder, 'billing.json'), text);
  await expect(store.start('billing', 'x')).rejects.toMatchObject({
    exit: 65,
    message: expect.stringContaining(message),
    remedy: expect.any(String),
  });
  expect(readFileSync(join(folder, 'billing.json'), 'utf8')).toBe(text);
  expect(readdirSync(folder)).toEqual(['billing.json']);
});

test('a run removes what a killed one had begun to write', async () => {
  writeFileSync(join(folder, 'billing.json.0123456789ab.new'), '{"bu');
  await (await storeIn(folder).start('billing', 'x')).end(0, 0);
  expect(readdirSync(folder)).toEqual(['billing.json']);
});

/** What happens when the store is used by a process that is not root, whom no mode stops. */
function startElsewhere(where: string): { exit: unknown; message: string } {
  const script = join(folder, 'start.mjs');
  const contents = `
    import { storeIn } from './support.ts';
    const error = await storeIn(process.argv[2]).start('billing', 'x').then(() => ({ message: 'it began' }), (error) => error);
    console.log(JSON.stringify({ exit: error.exit ?? error.code, message: error.message }));`;
  buildSync({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
  });
  chmodSync(folder, 0o755);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  const { stdout, stderr } = spawnSync(process.execPath, [script, where], { ...nobody, encoding: 'utf8', cwd: folder });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('a folder that may not be written to is said so, and left as it was', async () => {
  const store = join(folder, 'store');
  await (await storeIn(store).start('billing', 'x')).end(0, 0);
  const before = readFileSync(join(store, 'billing.json'), 'utf8');
  chmodSync(join(store, 'billing.json'), 0o644);
  chmodSync(store, 0o555);
  expect(startElsewhere(store)).toEqual({ exit: 'EACCES', message: expect.stringContaining(store) });
  expect(readFileSync(join(store, 'billing.json'), 'utf8')).toBe(before);
  expect(readdirSync(store)).toEqual(['billing.json']);
  chmodSync(store, 0o700);
});

test('--state takes a folder in three spellings, and nothing else yet', async () => {
  const world = { home: join(folder, 'home'), host: new Machine().start(), now: clock() };
  const where = join(folder, 'a b');
  for (const url of [`file:${where}`, `file://${where.replace(' ', '%20')}`, where]) {
    await (await openCheckpoints(url, world).start('billing', 'x')).end(0, 0);
  }
  expect(JSON.parse(readFileSync(join(where, 'billing.json'), 'utf8')).term).toBe(3);
  for (const url of [undefined, '']) await (await openCheckpoints(url, world).start('billing', 'x')).end(0, 0);
  expect(JSON.parse(readFileSync(join(folder, 'home/state/billing.json'), 'utf8')).term).toBe(2);
  for (const url of ['s3://bucket/state', 'dynamodb:TABLE', 'file:', 'file://host/x']) {
    expect(() => openCheckpoints(url, world), url).toThrow(expect.objectContaining({ exit: 2 }));
  }
});
