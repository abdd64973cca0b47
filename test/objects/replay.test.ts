import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Commit } from '../../src/lib/checkpoints.ts';
import { deliver } from '../../src/lib/delivery.ts';
import { Batch } from '../../src/lib/lines.ts';
import type { Begin } from '../../src/lib/marks.ts';
import { ObjectFolder } from '../../src/lib/objects/folder.ts';
import { ObjectSink } from '../../src/lib/objects/sink.ts';
import { bash, environmentIn, temporary } from '../house/bash.ts';
import { Machine, storeIn } from '../state/support.ts';
import { testCall, testContext, textOf } from '../support/context.ts';
import { startBucket } from './bucket.ts';

/** Under an app objects are there once in effect, whatever was killed, and however the next run cuts. */

const shards = ['0000', '0001'];
const perShard = 40;
const sources = ['live', 'backfill'];
const recordOf = (source: string, shard: string, n: number) => `{"id":"${source}/${shard}/${n}"}`;
/** A filter before the sink empties whole epochs. */
const passes = (n: number) => n < 10 || n >= 20;
const everyRecord = sources.flatMap((source) =>
  shards.flatMap((shard) =>
    Array.from({ length: perShard }, (_, n) => n)
      .filter(passes)
      .map((n) => recordOf(source, shard, n)),
  ),
);

class Killed extends Error {}

/** One run: how its source cuts, which shard each epoch is of, and after how many operations it dies, before or after the last is done. */
interface Run {
  source: string;
  cuts: number[];
  order: number[];
  diesAfter: number;
  isDone: boolean;
  /** With --forward: how many epochs are on their way to who commits. */
  lag: number;
}

class World {
  readonly folder = mkdtempSync(join(temporary, 'buda-replay-'));
  readonly lake = join(this.folder, 'lake');
  readonly #machine = new Machine();
  readonly #isForward: boolean;
  /** The keys of what was told, without those that were told to be gone. */
  readonly known = new Set<string>();

  constructor(isForward: boolean) {
    this.#isForward = isForward;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  keys(): string[] {
    return existsSync(this.lake) ? readdirSync(this.lake) : [];
  }

  /** Every record in the lake. */
  records(): string[] {
    return this.keys().flatMap((key) => readFileSync(join(this.lake, key), 'utf8').split('\n').slice(0, -1));
  }

  /** Every record that the state says is there. */
  async committed(): Promise<string[]> {
    const document = await storeIn(join(this.folder, 'state')).read('lake');
    return sources.flatMap((source) =>
      shards.flatMap((shard) =>
        Array.from({ length: Number(document?.sources[source]?.checkpoints[shard] ?? 0) }, (_, n) => n)
          .filter(passes)
          .map((n) => recordOf(source, shard, n)),
      ),
    );
  }

  /** As a person does, with `buda state set`. */
  async move(source: string, shard: string, position: number): Promise<void> {
    await storeIn(join(this.folder, 'state'), this.#machine.start()).set('lake', source, shard, String(position));
  }

  async run({ source, cuts, order, diesAfter, isDone, lag }: Run): Promise<void> {
    const host = this.#machine.start();
    const checkpoints = storeIn(join(this.folder, 'state'), host);
    const tenure = await checkpoints.start('lake', source);
    let left = diesAfter;
    const step = async <T>(work: () => Promise<T>): Promise<T> => {
      if (left < 0) throw new Killed();
      if (left-- > 0) return work();
      if (isDone) await work();
      throw new Killed();
    };
    const commit = checkpoints.commit.bind(checkpoints);
    checkpoints.commit = (one: Commit) => step(() => commit(one));
    const context = testContext({ host, openCheckpoints: () => checkpoints });
    const { call } = testCall('put-s3', { forward: this.#isForward }, context);
    const store = new ObjectFolder(this.lake, host);
    const failing = {
      put: (key: string, bytes: Buffer) => step(() => store.put(key, bytes)),
      remove: (key: string) => step(() => store.remove(key)),
      close() {},
    };
    const place = { id: 'file:lake', root: 'file:lake/', prefix: '', open: async () => failing };
    // An object holds few lines: an epoch is several.
    const options = { time: undefined, partition: undefined, isCompressed: false, objectBytes: 70 };
    const { begin } = tenure;
    const positions = { ...begin.from };
    async function* read(): AsyncGenerator<Batch> {
      yield Batch.ofControl({ kind: 'begin', begin });
      for (let i = 0; shards.some((shard) => Number(positions[shard] ?? 0) < perShard); i++) {
        const shard = shards[(order[i % order.length] as number) % 2] as string;
        const at = Number(positions[shard] ?? 0);
        const to = Math.min(perShard, at + (cuts[i % cuts.length] as number));
        const other = shards.find((one) => one !== shard) as string;
        if (at === perShard) {
          // This shard is at its end: its epochs are empty, and the other goes on.
          order = [shards.indexOf(other)];
          continue;
        }
        const lines = Array.from({ length: to - at }, (_, n) => at + n)
          .filter(passes)
          .map((n) => `${recordOf(source, shard, n)}\n`);
        positions[shard] = String(to);
        const mark = { shard, to: String(to), c: [['each', to - at, lines.length, 0] as [string, number, number, number]] };
        yield Batch.ofBytes(Buffer.from(lines.join('')), lines.length, { kind: 'mark', mark });
      }
      yield Batch.ofControl({ kind: 'end', end: { exit: 0 } });
    }
    try {
      if (this.#isForward)
        await this.#follow(deliver(call, new ObjectSink(call, place, options))(read()), checkpoints, begin, lag);
      else this.#hear(await textOf(deliver(call, new ObjectSink(call, place, options))(read())));
      await tenure.end(1, 0);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#machine.kill(host);
    }
  }

  /** The last step of a pipe, which commits what the sink hands on. */
  async #follow(output: AsyncIterable<Batch>, checkpoints: ReturnType<typeof storeIn>, begin: Begin, lag: number) {
    const waiting: Commit[] = [];
    const positions = { ...begin.from };
    let commit = begin.at;
    for await (const batch of output) {
      this.#hear(batch.bytes.toString());
      if (batch.control?.kind !== 'mark') continue;
      const { shard = '', to, c: counts } = batch.control.mark;
      expect(counts.at(-1)?.[2]).toBe(batch.count);
      const from = positions[shard];
      positions[shard] = to;
      waiting.push({ app: 'lake', source: begin.source, term: begin.term, commit: ++commit, shard, from, to, sink: 'x', counts });
      if (waiting.length > lag) await checkpoints.commit(waiting.shift() as Commit);
    }
    for (const one of waiting) await checkpoints.commit(one);
  }

  #hear(text: string): void {
    for (const line of text.split('\n')) {
      if (!line.startsWith('{')) continue;
      const { key, op } = JSON.parse(line) as { key: string; op?: string };
      if (op === 'delete') this.known.delete(key);
      else this.known.add(key);
    }
  }
}

const runs = fc.record({
  source: fc.constantFrom(...sources),
  cuts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
  order: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 4 }),
  diesAfter: fc.integer({ min: 0, max: 25 }),
  isDone: fc.boolean(),
  lag: fc.integer({ min: 0, max: 3 }),
});

test('whatever a run is killed in, and however the next one cuts: what is committed is there, and in the end each record once', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(runs, { maxLength: 6 }), fc.boolean(), async (killed, isForward) => {
      const world = new World(isForward);
      try {
        for (const run of killed) {
          await world.run(run);
          const there = world.records();
          for (const record of await world.committed()) expect(there.filter((line) => line === record)).toHaveLength(1);
        }
        for (const source of sources) await world.run({ ...undisturbed, source });
        expect(world.records().sort()).toEqual([...everyRecord].sort());
        // Who keeps what is told, and takes out what is told to be gone, knows the objects that are there.
        if (isForward) expect([...world.known].sort()).toEqual(world.keys().sort());
      } finally {
        world.remove();
      }
    }),
    {
      numRuns: Number(process.env.REPLAY_RUNS ?? 60),
      // What one run had put for its second commit is the first of the next run: it may not be taken away by the third.
      examples: [
        [
          [
            { source: 'live', cuts: [1, 4, 1], order: [1, 0], diesAfter: 1, isDone: false, lag: 1 },
            { source: 'live', cuts: [3, 1], order: [0], diesAfter: 4, isDone: true, lag: 0 },
          ],
          true,
        ],
      ],
    },
  );
});

const undisturbed = { source: 'live', cuts: [5], order: [0, 1], diesAfter: Number.POSITIVE_INFINITY, isDone: true, lag: 1 };

test('a checkpoint that is moved back, and forth again after a kill, takes nothing away that was committed', async () => {
  const world = new World(false);
  await world.run(undisturbed);
  const all = world.records().sort();
  await world.move('live', '0000', 5);
  // It puts the second epoch again, in the same objects, and dies before the commit.
  await world.run({ ...undisturbed, diesAfter: 2, isDone: false });
  expect(world.records().sort()).toEqual(all);
  await world.move('live', '0000', perShard - 3);
  await world.run({ ...undisturbed, cuts: [3] });
  const there = world.records();
  for (const record of all) expect(there).toContain(record);
  world.remove();
});

test('is killed again and again under an app: in the end each record is there once', { timeout: 60_000 }, async () => {
  const bucket = await startBucket({ delayMs: 40 });
  const cwd = mkdtempSync(join(temporary, 'buda-s3-'));
  const env = { ...environmentIn(cwd), ...bucket.env };
  const lines = Array.from({ length: 6000 }, (_, n) => `{"n":${n}}\n`);
  expect(await bash('buda put-stream movements -q', { cwd, env, input: Buffer.from(lines.join('')) })).toMatchObject({ exit: 0 });
  const copy = (start: string, epoch: number) =>
    bash(`buda get-stream movements --app lake -e --epoch ${epoch} -q | ${start} buda put-s3 s3://lake/movements --app lake -q`, {
      cwd,
      env,
    });
  const there = async () => [...(await bucket.objects()).values()].map(String).join('');
  let kills = 0;
  // A source that three sinks in a row have not heard out refuses: the last ones have time to begin, however slow the machine is.
  for (const [i, seconds] of [0.4, 0.6, 0.8, 1].entries())
    if ((await copy(`timeout -s KILL ${seconds}`, 100 + 37 * i)).exit !== 0) kills++;
  expect(kills).toBeGreaterThan(0);
  const { exit, stderr, stdout } = await copy('', 250);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const sorted = (text: string) => text.split('\n').sort();
  expect(sorted(await there())).toEqual(sorted(lines.join('')));
  // Each line that is told is an object with what it says.
  const objects = await bucket.objects();
  for (const line of stdout.split('\n').slice(0, -1)) {
    const { key, bytes, records } = JSON.parse(line);
    const text = objects.get(key)?.toString() ?? '';
    expect([text.length, text.split('\n').length - 1]).toEqual([bytes, records]);
  }
  const asked = bucket.asked.length;
  expect(await copy('', 99)).toMatchObject({ exit: 0, stdout: '' });
  expect(bucket.asked).toHaveLength(asked);
  await bucket.stop();
  rmSync(cwd, { recursive: true });
});
