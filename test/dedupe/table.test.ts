import { expect, test } from 'vitest';
import { Table } from '../../src/lib/dedupe/table.ts';
import { Generations } from '../../src/lib/dedupe/window.ts';
import { seeded } from '../mrr/replay.ts';

test.each([0, 1125])(
  'a window that slides over many hashes is remembered whole, with room for %d from the beginning',
  (expected) => {
    const random = seeded(expected);
    const window = new Generations({ count: 1000 });
    const table = new Table(expected);
    const word = () => Math.floor(random() * 2 ** 32) | 0;
    const all: { hash: Int32Array; generation: number }[] = [];
    let wrong = 0;
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50_000; i++) {
      const hash = Int32Array.of(word(), word(), word(), word());
      // Some begin with the same bits, at either end of the slots.
      if (i % 20 === 0) hash.set([i % 40 === 0 ? -1 : 0]);
      const { current, oldest } = window;
      if (table.find(hash) !== 0) wrong++;
      if (i % 2 === 0) table.setFound(hash, current, oldest);
      else table.set(hash, current, oldest);
      window.added++;
      all.push({ hash, generation: current });
      if (i % 500 !== 0) continue;
      for (const one of all.slice(-1000)) if (table.find(one.hash) !== one.generation) wrong++;
    }
    expect(wrong).toBe(0);
    expect(table.size).toBeLessThan(4000);
    // Each time that it is full it is swept where it stands.
    if (expected > 0) expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8e6);
  },
);

test('a window of a number says how many it remembers', () => {
  expect([
    new Generations({ count: 1_000_000 }).most,
    new Generations({ ms: 1000 }).most,
    new Generations(undefined).most,
  ]).toEqual([1_125_000, 0, 0]);
});
