import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SavedState, Tenure } from '../../src/lib/checkpoints.ts';
import type { Host } from '../../src/lib/context.ts';
import { SavedFolder, type SavedFolderOptions } from '../../src/lib/state/saved.ts';
import { disk, Killed, mend } from './disk.ts';
import { commitOf, Machine, newFolder, storeIn } from './support.ts';

vi.mock('node:fs/promises', async (original) => (await import('./disk.ts')).failingPromises(await original()));
vi.mock('node:fs', async (original) => (await import('./disk.ts')).failingFiles(await original()));

type Table = Map<string, unknown>;

let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = newFolder();
  machine = new Machine();
});
afterEach(() => {
  mend();
  rmSync(folder, { recursive: true, force: true });
});

const step = 'transform mrr';
const stepFolder = () => join(folder, 'billing.saved', 'transform-mrr');
const deltas = () => readdirSync(stepFolder()).filter((name) => /^\d{12}\.[0-9a-f]{8}\.ndjson$/.test(name));

async function tableOf(saved: SavedState, at: number): Promise<Table> {
  const table: Table = new Map();
  for await (const [key, value] of saved.load(at)) {
    if (value === null) table.delete(key);
    else table.set(key, value);
  }
  return table;
}

/** One run of the pipe: its source's tenure, its step, its sink, all of them on one machine. */
class Run {
  readonly host: Host = machine.start();
  readonly store = storeIn(folder, this.host);
  saved!: SavedState;
  tenure!: Tenure;
  loaded: Table = new Map();
  commits = 0;

  async begin(over: Partial<SavedFolderOptions> = {}): Promise<this> {
    this.tenure = await this.store.start('billing', 'x');
    this.commits = this.tenure.begin.at;
    this.saved = new SavedFolder({
      app: 'billing',
      step,
      digest: 'd',
      rebuild: false,
      folder: stepFolder(),
      host: this.host,
      commits: async () => (await this.store.read('billing'))?.commits,
      fold: { deltas: 4, saves: 5, bytes: 1e9 },
      ...over,
    });
    this.loaded = await tableOf(this.saved, this.commits);
    return this;
  }

  async commit(to: number): Promise<void> {
    while (this.commits < to) {
      const from = (await this.store.read('billing'))?.sources.x?.checkpoints[''];
      this.commits++;
      await this.store.commit(commitOf(this.tenure, this.commits - this.tenure.begin.at, from, String(this.commits)));
    }
  }

  async end(): Promise<void> {
    await this.tenure.end(0, 0);
  }
}

async function uncommittedIn(saved: SavedState): Promise<[number, Entries][]> {
  const found: [number, Entries][] = [];
  for await (const one of saved.uncommitted()) found.push(one);
  return found;
}

describe('saved state', () => {
  test('comes back as of the commits; what is later is told apart, and goes when its number is committed', async () => {
    const first = await new Run().begin();
    expect(first.loaded).toEqual(new Map());
    await first.saved.save(1, [
      ['a', 1],
      ['b', { x: [null] }],
    ]);
    await first.saved.save(2, [
      ['a', null],
      ['c', 'é\n'],
      ['c', 2],
    ]);
    await first.saved.save(3, [['a', 3]]);
    await first.commit(2);
    await first.end();
    const second = await new Run().begin();
    expect(second.loaded).toEqual(
      new Map<string, unknown>([
        ['b', { x: [null] }],
        ['c', 2],
      ]),
    );
    expect(deltas()).toHaveLength(3);
    expect(await uncommittedIn(second.saved)).toEqual([[3, [['a', 3]]]]);
    await second.saved.save(3, [['d', 4]]);
    await second.commit(3);
    await second.end();
    const third = await new Run().begin();
    expect(deltas()).toHaveLength(3);
    expect(await uncommittedIn(third.saved)).toEqual([]);
    expect(third.loaded).toEqual(
      new Map<string, unknown>([
        ['b', { x: [null] }],
        ['c', 2],
        ['d', 4],
      ]),
    );
  });

  test('of runs that died one after the other is told, the same only once, and without what was cut short', async () => {
    const dead: { value: number; torn: string }[] = [
      { value: 1, torn: '' },
      { value: 1, torn: '' },
      { value: 2, torn: '["b",' },
    ];
    for (const { value, torn } of dead) {
      const run = await new Run().begin();
      const known = deltas();
      await run.saved.save(1, [['a', value]]);
      const [newest = ''] = deltas().filter((name) => !known.includes(name));
      writeFileSync(join(stepFolder(), newest), torn, { flag: 'a' });
      await run.end();
    }
    const last = await new Run().begin();
    expect(last.loaded).toEqual(new Map());
    expect(await uncommittedIn(last.saved)).toEqual([[1, [['a', 1]]]]);
    expect(deltas()).toHaveLength(2);
  });

  test('may be loaded again by the process that saved it', async () => {
    const run = await new Run().begin();
    await run.saved.save(1, [['a', 1]]);
    await run.saved.save(2, [['a', 2]]);
    await run.commit(1);
    expect(await tableOf(run.saved, 1)).toEqual(new Map([['a', 1]]));
    await run.saved.save(2, [['a', 3]]);
    await run.commit(2);
    expect(await tableOf(run.saved, 2)).toEqual(new Map([['a', 3]]));
    await expect(storeIn(folder).saved('billing', step, 'd').save(3, [])).rejects.toThrow('is loaded before it is saved');
  });

  test('does not grow with runs that change nothing', async () => {
    const meta = () => JSON.parse(readFileSync(join(stepFolder(), 'meta.json'), 'utf8')) as { owners: unknown[] };
    for (let i = 0; i < 10; i++) await (await new Run().begin()).end();
    expect(meta().owners).toHaveLength(1);
    for (let i = 1; i <= 20; i++) {
      const run = await new Run().begin();
      await run.saved.save(i, []);
      await run.commit(i);
      await run.end();
    }
    expect(meta().owners.length).toBeLessThan(6);
    expect(readdirSync(stepFolder())).toHaveLength(2);
  });

  test('of a commit that changed nothing takes no file', async () => {
    const run = await new Run().begin();
    await run.saved.save(1, []);
    expect(deltas()).toEqual([]);
  });

  test('is folded as far as the sink has committed, and no further', async () => {
    const run = await new Run().begin({ fold: { deltas: 1000, saves: 10, bytes: 1e9 } });
    for (let i = 1; i <= 9; i++) await run.saved.save(i, [[`k${i % 4}`, i]]);
    await run.commit(6);
    await run.saved.save(10, [['k1', null]]);
    expect(deltas().map((name) => Number(name.slice(0, 12)))).toEqual([7, 8, 9, 10]);
    await run.end();
    const next = await new Run().begin();
    expect(next.loaded).toEqual(
      new Map([
        ['k1', 5],
        ['k2', 6],
        ['k3', 3],
        ['k0', 4],
      ]),
    );
    expect(deltas()).toHaveLength(4);
  });

  test('is folded by the bytes saved as well, and at a load that finds many deltas', async () => {
    const run = await new Run().begin({ fold: { deltas: 1000, saves: 1000, bytes: 30 } });
    await run.saved.save(1, [['a', 'x'.repeat(10)]]);
    await run.commit(1);
    await run.saved.save(2, [['b', 'x'.repeat(10)]]);
    expect(deltas()).toHaveLength(1);
    await run.end();
    const many = await new Run().begin({ fold: { deltas: 1000, saves: 1000, bytes: 1e9 } });
    for (let i = 2; i <= 7; i++) await many.saved.save(i, [[`k${i}`, i]]);
    await many.commit(7);
    await many.end();
    expect(deltas()).toHaveLength(7);
    expect((await new Run().begin()).loaded.size).toBe(7);
    expect(deltas()).toEqual([]);
  });

  test('made under other options is refused (78) and stays, or is begun anew under --rebuild', async () => {
    const run = await new Run().begin();
    await run.saved.save(1, [['a', 1]]);
    await run.commit(1);
    await run.end();
    const other = new Run();
    await expect(other.begin({ digest: 'e' })).rejects.toMatchObject({ exit: 78, remedy: expect.stringContaining('--rebuild') });
    await other.end();
    const same = await new Run().begin({ rebuild: true });
    expect(same.loaded).toEqual(new Map([['a', 1]]));
    await same.end();
    const rebuilt = await new Run().begin({ digest: 'e', rebuild: true });
    expect(rebuilt.loaded).toEqual(new Map());
    await rebuilt.saved.save(2, [['b', 2]]);
    await rebuilt.commit(2);
    await rebuilt.end();
    const again = await new Run().begin({ digest: 'e', rebuild: true });
    expect(again.loaded).toEqual(new Map([['b', 2]]));
  });

  test('that stands beyond the commits of a document put back is refused (78), and so is a pipe that begins elsewhere (65)', async () => {
    const run = await new Run().begin();
    const document = join(folder, 'billing.json');
    const old = readFileSync(document);
    for (let i = 1; i <= 5; i++) {
      await run.commit(i - 1);
      await run.saved.save(i, [['a', i]]);
    }
    await run.end();
    writeFileSync(document, old);
    const back = new Run();
    await expect(back.begin()).rejects.toMatchObject({
      exit: 78,
      message: expect.stringContaining('stands at commit 4, the app at 0'),
    });
    await expect(tableOf(back.saved, 3)).rejects.toMatchObject({ exit: 65 });
    await back.end();
    expect((await new Run().begin({ rebuild: true })).loaded).toEqual(new Map());
    rmSync(document);
    await expect(tableOf(storeIn(folder).saved('billing', 'x', 'd'), 3)).rejects.toMatchObject({ exit: 78 });
  });

  test('that is damaged is refused (65), naming the file', async () => {
    const run = await new Run().begin();
    await run.saved.save(1, [
      ['a', 1],
      ['b', 2],
    ]);
    await run.commit(1);
    await run.end();
    const [name = ''] = deltas();
    writeFileSync(join(stepFolder(), name), '["a",1]\n["b",');
    const next = new Run();
    await expect(next.begin()).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining(name),
      remedy: expect.any(String),
    });
    await next.end();
    rmSync(
      join(
        stepFolder(),
        name
          .replace(
            /^\d+\.\w+/,
            readdirSync(stepFolder())
              .find((file) => file.includes('.base.'))
              ?.slice(0, 21) ?? '',
          )
          .replace('.ndjson', '.base.ndjson'),
      ),
    );
    const last = new Run();
    await expect(last.begin()).rejects.toMatchObject({ exit: 65, message: expect.stringContaining('.base.ndjson is missing') });
    await last.end();
    writeFileSync(join(stepFolder(), 'meta.json'), '{');
    const broken = new Run();
    await expect(broken.begin()).rejects.toMatchObject({ exit: 78, message: expect.stringContaining('meta.json is damaged') });
    await broken.end();
    expect((await new Run().begin({ rebuild: true })).loaded).toEqual(new Map());
  });

  test.each([
    ['a value', '["c",4]', '["c",#]'],
    ['a value that is superseded', '["a",2]', '["a",#]'],
    ['an end of a line', '["a",2]\n["b"', '["a",2] ["b"'],
  ])('that is damaged in %s is not folded: every file stays', async (_, good, bad) => {
    const run = await new Run().begin({ fold: { deltas: 1000, saves: 1000, bytes: 1e9 } });
    await run.saved.save(1, [
      ['a', 2],
      ['b', 3],
    ]);
    await run.saved.save(2, [['c', 4]]);
    await run.saved.save(3, [['a', 5]]);
    await run.commit(3);
    await run.end();
    const name = deltas().find((one) => readFileSync(join(stepFolder(), one), 'utf8').includes(good)) ?? '';
    writeFileSync(join(stepFolder(), name), readFileSync(join(stepFolder(), name), 'utf8').replace(good, bad));
    const before = deltas();
    const next = new Run();
    await expect(next.begin({ fold: { deltas: 1, saves: 1, bytes: 1 } })).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining(name),
    });
    await next.end();
    expect(deltas()).toEqual(before);
  });

  test('of a run that still drains is refused (75) once a newer one has loaded, and does not count', async () => {
    const zombie = await new Run().begin();
    await zombie.saved.save(1, [['a', 1]]);
    await zombie.saved.save(2, [['a', 'stale']]);
    await zombie.commit(1);
    machine.kill(zombie.host);
    const next = await new Run().begin();
    expect(next.loaded).toEqual(new Map([['a', 1]]));
    await next.saved.save(2, []);
    await next.saved.save(3, [['b', 3]]);
    await expect(zombie.saved.save(3, [['b', 'stale']])).rejects.toMatchObject({ exit: 75 });
    await next.commit(3);
    await expect(zombie.saved.save(5, [['c', 'stale']])).rejects.toMatchObject({ exit: 75 });
    await next.end();
    expect((await new Run().begin()).loaded).toEqual(
      new Map([
        ['a', 1],
        ['b', 3],
      ]),
    );
  });

  test('is on the disk before a save returns, the name of its file too; a commit likewise', async () => {
    const run = await new Run().begin();
    mend();
    await run.saved.save(1, [['a', 1]]);
    expect(disk.log).toEqual([
      'open 000000000001.ndjson',
      'write 000000000001.ndjson',
      'sync 000000000001.ndjson',
      'sync transform-mrr',
    ]);
    mend();
    await run.commit(1);
    const name = folder.replace(/^.*\//, '');
    expect(disk.log).toEqual([
      'open billing.json.new',
      'write billing.json.new',
      'sync billing.json.new',
      'rename billing.json.new billing.json',
      `sync ${name}`,
    ]);
  });

  test('on a full disk leaves what was saved', async () => {
    const run = await new Run().begin();
    await run.saved.save(1, [['a', 1]]);
    await run.commit(1);
    disk.isFull = true;
    await expect(run.saved.save(2, [['a', 2]])).rejects.toMatchObject({ code: 'ENOSPC' });
    const before = await run.store.read('billing');
    await expect(run.commit(2)).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.isFull = false;
    expect(await run.store.read('billing')).toEqual(before);
    await run.end();
    expect(readdirSync(folder)).toEqual(['billing.json', 'billing.saved']);
    expect((await new Run().begin()).loaded).toEqual(new Map([['a', 1]]));
  });
});

/** What the step should have: its table as of each commit that it saved. */
class Model {
  #tables: Table[] = [new Map()];
  at = 0;

  load(): Table {
    this.#tables.length = this.at + 1;
    return this.#tables[this.at] as Table;
  }

  save(entries: Entries): number {
    const table = new Map(this.#tables.at(-1));
    for (const [key, value] of entries) {
      if (value === null) table.delete(key);
      else table.set(key, value);
    }
    return this.#tables.push(table) - 1;
  }

  get saved(): number {
    return this.#tables.length - 1;
  }
}

type Entries = readonly (readonly [string, unknown])[];
type Operation =
  | { kind: 'save'; entries: Entries }
  | { kind: 'commit'; share: number }
  /**
   * The run ends; or its source is killed and the rest drains on; or all of it is killed, after so many operations of the disk.
   */
  | { kind: 'end' }
  | { kind: 'orphan' }
  | { kind: 'kill'; after: number };

const entry = fc.tuple(
  fc.constantFrom('a', 'b', 'c', '__proto__', ''),
  fc.oneof(fc.constant(null), fc.integer(), fc.jsonValue()),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('save' as const), entries: fc.array(entry, { maxLength: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('end' as const, 'orphan' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), after: fc.nat(30) }) },
);

/** Plays the operations on the disk and on the model: every run must load what the model has, whatever was cut short before. */
async function play(operations: readonly Operation[], fold?: SavedFolderOptions['fold']): Promise<void> {
  const model = new Model();
  let run: Run | undefined;
  let orphan: { saved: SavedState; commit: number } | undefined;
  let target = 0;
  const work = async (next: Operation) => {
    if (run === undefined) {
      run = new Run();
      await run.begin(fold === undefined ? {} : { fold });
      expect(run.loaded).toEqual(model.load());
      target = model.at;
    }
    if (next.kind === 'save') {
      if (orphan !== undefined && !(await savesStill(orphan))) orphan = undefined;
      const commit = model.save(next.entries);
      await run.saved.save(commit, next.entries as [string, unknown][]);
    } else if (next.kind === 'commit') {
      target = model.at + Math.round(next.share * (model.saved - model.at));
      await run.commit(target);
      model.at = target;
    } else if (next.kind === 'end') {
      await run.end();
      run = undefined;
    } else if (next.kind === 'orphan') {
      machine.kill(run.host);
      orphan = { saved: run.saved, commit: model.saved };
      run = undefined;
    } else {
      disk.left = next.after;
    }
  };
  for (const next of operations) {
    try {
      await work(next);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      disk.left = Number.POSITIVE_INFINITY;
      if (run !== undefined) machine.kill((run as Run).host);
      run = undefined;
      // A commit that was cut short is there or is not: the document says.
      const at = (await storeIn(folder).read('billing'))?.commits ?? 0;
      expect(at).toBeGreaterThanOrEqual(model.at);
      expect(at).toBeLessThanOrEqual(target);
      model.at = at;
    }
  }
  disk.left = Number.POSITIVE_INFINITY;
  if (run !== undefined) await (run as Run).end();
  expect((await new Run().begin()).loaded).toEqual(model.load());
}

/** What a step saves whose source is dead; false once it has been refused. */
async function savesStill(orphan: { saved: SavedState; commit: number }): Promise<boolean> {
  try {
    await orphan.saved.save(++orphan.commit, [
      ['a', 'stale'],
      ['stale', 1],
    ]);
    return true;
  } catch (error) {
    if (error instanceof Killed) throw error;
    expect(error).toMatchObject({ exit: 75 });
    return false;
  }
}

test('any sequence of saves, commits, ends and kills loads what the model has', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
      rmSync(folder, { recursive: true, force: true });
      await play(operations);
      mend();
    }),
    { seed: 20_261_124, numRuns: 150 },
  );
});

test('a kill at each operation of a run with folds loses nothing', async () => {
  const saves = Array.from({ length: 5 }, (_, i): Operation[] => [
    {
      kind: 'save',
      entries: [
        [`k${i % 3}`, i],
        ['gone', i % 2 === 0 ? null : i],
      ],
    },
    { kind: 'commit', share: 0.7 },
  ]).flat();
  const operations: Operation[] = [...saves, { kind: 'end' }, ...saves.slice(0, 4)];
  const fold = { deltas: 1, saves: 3, bytes: 1e9 };
  await play(operations, fold);
  const all = disk.log.length;
  expect(disk.log.filter((line) => /^rename .*base/.test(line)).length).toBeGreaterThan(1);
  for (let after = 0; after < all; after++) {
    rmSync(folder, { recursive: true, force: true });
    mend();
    await play([{ kind: 'kill', after }, ...operations], fold);
  }
});
