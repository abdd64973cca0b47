import { expect, test } from 'vitest';
import { inOrder, type Movement, writeMovement } from '../../src/lib/mrr/movement.ts';
import { Sorter } from '../../src/lib/mrr/sorter.ts';
import { seeded } from './replay.ts';

function movements(count: number, long = ''): Movement[] {
  const random = seeded(count);
  return Array.from({ length: count }, (_, i) => {
    const keys = {
      account: i % 3 === 0 ? null : 'acct_1',
      livemode: i % 2 === 0,
      customer: `cus_\u00e9${long}`,
      subscription: `sub_${i}`,
    };
    return writeMovement(keys, { occurred_at: Math.floor(random() * 1000), currency: 'usd' }, 1);
  });
}

test.each([
  ['none', []],
  ['a few, in memory', movements(100)],
  ['some thousands, in several runs on disk', movements(30_000)],
  ['long ones, and one longer than the memory', [...movements(40, 'x'.repeat(200_000)), ...movements(1, 'y'.repeat(5_000_000))]],
])('sorts %s', (_, all) => {
  const sorter = new Sorter();
  for (const movement of all) sorter.add(movement);
  const sorted = [...sorter.texts()];
  sorter.close();
  expect(
    sorted.join('\n') ===
      [...all]
        .sort(inOrder)
        .map((movement) => JSON.stringify(movement))
        .join('\n'),
  ).toBe(true);
});
