import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { guarded, nothing } from '../../src/lib/call.ts';
import type { Checkpoints } from '../../src/lib/checkpoints.ts';
import { keepDeadLetters } from '../../src/lib/dead-letters.ts';
import { deliver, type Sink } from '../../src/lib/delivery.ts';
import { BadLine } from '../../src/lib/lines.ts';
import { Rejects } from '../../src/lib/rejects.ts';
import { produce } from '../../src/lib/sources.ts';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { each } from '../../src/lib/steps.ts';
import { localSink, localSource } from '../../src/lib/stream/local.ts';
import { temporary } from '../house/bash.ts';
import { batchesOf, type TestContext, testCall, testContext } from '../support/context.ts';

/** A pipe that dies at each point of a commit, and what comes twice when it is run again. Epochs of ten; the third one dies. */

type Point = 'before it is written' | 'when it is written' | 'when it is durable' | 'when it is committed';

const folder = mkdtempSync(join(temporary, 'buda-crash-'));
const numbers = Array.from({ length: 50 }, (_, n) => n);
let context: TestContext;
let store: Checkpoints;

beforeAll(async () => {
  const { host } = testContext();
  const open = (url: string | undefined) => openCheckpoints(url, { home: folder, host, now: () => new Date() });
  store = open(undefined);
  context = testContext({ home: folder, openCheckpoints: open });
  const lines = numbers.map((n) => `{"id":${n}}\n`);
  const { call } = testCall('put-stream', {}, context);
  for await (const _ of guarded(call, deliver(call, localSink(call, 'numbers')))(batchesOf(lines)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Copies the stream; dies in its third epoch of this run, if it is told where. A number that ends in 7 is rejected on the way. */
async function copy(app: string, diesAt?: Point): Promise<void> {
  let epochs = 0;
  const dies = (point: Point) => {
    if (point === diesAt && epochs === 2) throw new Error('it died');
  };
  const epoch = { maxRecords: 10, maxBytes: 1 << 23 };
  const get = testCall('get-stream', { app, exitAtEnd: true, epoch }, context).call;
  const letters = keepDeadLetters(join(folder, `${app}.letters`));
  const rejects = new Rejects('filter', letters, () => new Date(0));
  const filter = { ...testCall('filter', {}, context).call, rejects };
  const dying: TestContext = {
    ...context,
    openCheckpoints: () => ({
      ...store,
      claim: (begin, sink) => store.claim(begin, sink),
      async commit(commit) {
        dies('when it is durable');
        await store.commit(commit);
        dies('when it is committed');
        epochs++;
      },
    }),
  };
  const put = testCall('put-stream', { app }, dying).call;
  const inner = localSink(put, app);
  const sink: Sink = {
    id: inner.id,
    async write(batch) {
      dies('before it is written');
      await inner.write(batch);
    },
    async flush(marked) {
      dies('when it is written');
      await inner.flush(marked);
    },
    close: () => inner.close(),
  };
  const step = each(filter, (line) => {
    if (Number(line.record.id) % 10 === 7) throw new BadLine('a seven');
    return line;
  });
  const pipe = guarded(filter, step)(guarded(get, produce(get, localSource(get, 'numbers')))(nothing()));
  try {
    for await (const _ of guarded(put, deliver(put, sink))(pipe));
  } finally {
    await rejects.close();
  }
}

/** How often each number stands in a stream. */
async function countsIn(stream: string): Promise<Map<number, number>> {
  const { call } = testCall('get-stream', { exitAtEnd: true }, context);
  const counts = new Map<number, number>();
  for await (const { lines } of guarded(call, produce(call, localSource(call, stream)))(nothing())) {
    for (const { record } of lines) counts.set(record.id as number, (counts.get(record.id as number) ?? 0) + 1);
  }
  return counts;
}

const delivered = numbers.filter((n) => n % 10 !== 7);
const third = delivered.filter((n) => n >= 20 && n < 30);

test.each<[Point, 'nothing' | 'some of it' | 'it']>([
  ['before it is written', 'nothing'],
  ['when it is written', 'some of it'],
  ['when it is durable', 'it'],
  ['when it is committed', 'nothing'],
])('a pipe that dies with an epoch, %s, repeats %s, and never another one', async (point, repeated) => {
  const app = point.replaceAll(' ', '-');
  await expect(copy(app, point)).rejects.toThrow('it died');
  expect((await store.read(app))?.commits).toBe(point === 'when it is committed' ? 3 : 2);
  // A process that dies gives its lock back with its life, a step that throws a moment later.
  await vi.waitUntil(() => !existsSync(join(folder, 'state', `${app}.run.lock`)));
  await copy(app);
  expect((await store.read(app))?.commits).toBe(5);
  const counts = await countsIn(app);
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(delivered);
  const twice = [...counts].filter(([, count]) => count > 1).map(([n]) => n);
  if (repeated === 'nothing') expect(twice).toEqual([]);
  if (repeated === 'it') expect(twice).toEqual(third);
  if (repeated === 'some of it') expect(third).toEqual(expect.arrayContaining(twice));
});

test('dead letters are kept before the commit: those of an epoch that is repeated are there twice', async () => {
  const letters = readFileSync(join(folder, 'when-it-is-durable.letters'), 'utf8').trimEnd().split('\n');
  const ids = letters.map((letter) => (JSON.parse((JSON.parse(letter) as { record: string }).record) as { id: number }).id);
  expect(ids.filter((id) => id < 20)).toEqual([7, 17]);
  expect(ids.filter((id) => id === 27)).toEqual([27, 27]);
  expect(new Set(ids)).toEqual(new Set([7, 17, 27, 37, 47]));
});
