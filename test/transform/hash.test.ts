import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hasher } from '../../src/lib/hash/hasher.ts';
import { Line, parseRecord } from '../../src/lib/lines.ts';
import { record, spoiltRecord } from '../support/json-text.ts';

const key = Buffer.from('a secret of 32 bytes, or so, oh.');
const makers: [string, () => Hasher][] = [
  ['hash id, a.b, customer', () => new Hasher(key, ['id', 'a.b', 'customer'])],
  ['hash a, a.b: one lies in the other', () => new Hasher(key, ['a', 'a.b'])],
  ['hash a.*', () => new Hasher(key, ['a.*'])],
];

/** Changes a line as it stands in a block by its bytes, and holds the answer to that of the text. Gives whether the bytes answered. */
function check({ bytes, text }: { bytes: Hasher; text: Hasher }, line: Buffer): boolean {
  const before = Buffer.from('{"id":"before"}\n');
  const block = Buffer.concat([before, line, Buffer.from('\n{"id":"after"}\n')]);
  const out = Buffer.alloc(2 * line.length + 1024);
  const end = bytes.bytes(new Line(2, block, before.length, before.length + line.length), block, out, 3);
  if (end === 'unknown') return false;
  // What is answered is JSON; the text trusts that it is.
  parseRecord(line);
  const expected = text.text(line.toString('latin1'));
  expect(end === 'same' ? undefined : out.toString('latin1', 3, end)).toBe(expected);
  return true;
}

test.each(makers)('%s: the bytes answer as the text does, or leave it to the text', (name, make) => {
  const both = { bytes: make(), text: make() };
  let answered = 0;
  fc.assert(
    fc.property(record, (text) => {
      if (check(both, Buffer.from(text))) answered++;
    }),
    { seed: 20261128, numRuns: 2000 },
  );
  fc.assert(
    fc.property(spoiltRecord, (line) => void check(both, line)),
    { seed: 20261129, numRuns: 3000 },
  );
  // It would be right to leave all of them, and of no use.
  if (/\*|, a\.b:/.test(name)) expect(answered).toBe(0);
  else expect(answered).toBeGreaterThan(500);
});

test('a record that has no room is left to the text', () => {
  const line = Buffer.from('{"a":{"b":1}}');
  expect(new Hasher(key, ['a']).bytes(new Line(1, line, 0, line.length), line, Buffer.alloc(60), 0)).toBe('unknown');
});
