import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256Of } from '../../src/lib/hashing.ts';
import { Gathered } from '../../src/lib/objects/gather.ts';

const blocks = fc.array(
  fc.array(
    fc.record({
      partition: fc.constantFrom('', 'a/', 'b/'),
      length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(9_000)),
    }),
    {
      maxLength: 30,
    },
  ),
  { maxLength: 8 },
);

test('lines come out as they went in, by partition, none of whose objects is too large, from memory as from a file', async () => {
  await fc.assert(
    fc.asyncProperty(
      blocks,
      fc.constantFrom(0, 6_000, 1e9),
      fc.integer({ min: 1, max: 20_000 }),
      async (given, heldBytes, objectBytes) => {
        const gathered = new Gathered({ heldBytes, objectBytes });
        const wanted = new Map<string, string>();
        let n = 0;
        for (const lines of given) {
          const texts = lines.map(({ length }) => `${String(n++).padStart(length, '.')}\n`);
          const block = Buffer.from(texts.join(''));
          let start = 0;
          for (const [i, text] of texts.entries()) {
            const { partition } = lines[i] as { partition: string };
            gathered.add(partition, block, start, start + text.length, n);
            wanted.set(partition, (wanted.get(partition) ?? '') + text);
            start += text.length;
          }
          await gathered.settle();
          // Nothing of the block is needed any more.
          block.fill(0);
        }
        const found = new Map<string, string>();
        for (const part of gathered.parts) {
          const text = (await gathered.read(part)).toString();
          expect([part.bytes, part.count]).toEqual([text.length, text.split('\n').length - 1]);
          expect(part.bytes <= objectBytes || part.count === 1).toBe(true);
          expect(part.digest('range')).toBe(sha256Of(Buffer.from(`${text}range`)));
          found.set(part.partition, (found.get(part.partition) ?? '') + text);
        }
        expect(found).toEqual(wanted);
        await gathered.close();
      },
    ),
    { numRuns: 200 },
  );
});

test('many partitions that hold a little each hold little memory', async () => {
  const gathered = new Gathered({ heldBytes: 1e9, objectBytes: 1e9 });
  const line = Buffer.from('{"id":"1"}\n');
  for (let n = 0; n < 1000; n++) gathered.add(`${n}/`, line, 0, line.length, undefined);
  await gathered.settle();
  expect(gathered.parts.reduce((sum, { heldBytes }) => sum + heldBytes, 0)).toBe(1000 * 4096);
  await gathered.close();
});
