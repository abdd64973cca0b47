import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { keepInSink } from '../src/lib/dead-letters.ts';
import type { Sink } from '../src/lib/delivery.ts';
import { type Batch, Line } from '../src/lib/lines.ts';
import { Rejects } from '../src/lib/rejects.ts';

/** A sink that takes its time; the ids of what it has made durable. */
function slowSink(fails: () => boolean = () => false) {
  const kept: unknown[] = [];
  let written: unknown[] = [];
  const sink: Sink = {
    id: 'slow',
    async write(batch: Batch) {
      await sleep(1);
      written.push(...batch.lines.map(({ record }) => JSON.parse(String(record.record)).n));
    },
    async flush() {
      await sleep(5);
      if (fails()) throw new Error('the disk is full');
      kept.push(...written);
      written = [];
    },
    async close() {},
  };
  return { kept, letters: keepInSink(async () => sink) };
}

test('what is rejected while others are made durable is durable before the next mark', async () => {
  const { kept, letters } = slowSink();
  const rejects = new Rejects('a step', letters, () => new Date(0));
  rejects.line(Line.of({ n: 1 }), 'no');
  const first = rejects.flush();
  await sleep(2);
  rejects.line(Line.of({ n: 2 }), 'no');
  // A mark that comes while the first is under way waits for both.
  await rejects.flush();
  expect(kept).toEqual([1, 2]);
  await first;
  rejects.line(Line.of({ n: 3 }), 'no');
  void rejects.flush();
  await sleep(2);
  rejects.line(Line.of({ n: 4 }), 'no');
  await rejects.close();
  expect(kept).toEqual([1, 2, 3, 4]);
});

test('what could not be kept is not taken for kept', async () => {
  let isFull = true;
  const { kept, letters } = slowSink(() => isFull);
  const rejects = new Rejects('a step', letters, () => new Date(0));
  rejects.line(Line.of({ n: 1 }), 'no');
  await expect(rejects.flush()).rejects.toThrow('full');
  await expect(rejects.flush()).rejects.toThrow('full');
  isFull = false;
  await rejects.flush();
  expect(new Set(kept)).toEqual(new Set([1]));
});
