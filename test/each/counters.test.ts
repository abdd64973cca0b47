import { expect, test } from 'vitest';
import { filter } from '../../src/lib/each/filter.ts';
import { Batch } from '../../src/lib/lines.ts';
import type { Count } from '../../src/lib/marks.ts';
import { testCall } from '../support/context.ts';

test('what is rejected of the next epoch, while one is answered, is not counted twice', async () => {
  const { call, letters } = testCall('each', { maxLine: 1 << 24 }, undefined, [], true);
  let isAnswered = () => {};
  const answered = new Promise<void>((resolve) => {
    isAnswered = resolve;
  });
  async function* input() {
    yield Batch.ofControl({ kind: 'begin', begin: { app: 'a', source: 's', run: 'r', term: 1, at: 0, from: {} } });
    // More than one read of the child's output.
    yield Batch.ofBytes(Buffer.from(`{"s":"${'x'.repeat(990)}"}\n`.repeat(1000)), 1000);
    yield Batch.ofControl({ kind: 'mark', mark: { to: '1', c: [['s', 0, 1000, 0]] } });
    await answered;
    call.rejects.raw({ reason: 'no record', number: 1001, sha256: '', head: Buffer.from('x'), length: 1 });
    yield Batch.ofBytes(Buffer.alloc(0), 0, { kind: 'mark', mark: { to: '2', c: [['s', 0, 1, 0]] } }, 1);
    yield Batch.ofControl({ kind: 'end', end: { exit: 0 } });
  }
  const counts: Count[] = [];
  let batches = 0;
  for await (const { count, control } of filter(call, { words: ['cat'], okCodes: [] }, 1)(input())) {
    if (control?.kind === 'mark') counts.push(control.mark.c.at(-1) as Count);
    if (count === 0 || ++batches > 1) continue;
    isAnswered();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(batches).toBeGreaterThan(1);
  expect(counts).toEqual([
    ['each', 1000, 1000, 0],
    ['each', 1, 0, 1],
  ]);
  expect(letters).toHaveLength(1);
});
