import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Hasher } from '../../src/lib/hash/hasher.ts';
import { Hmac } from '../../src/lib/hash/hmac.ts';
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

describe('the HMAC', () => {
  const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, n) => (n * 7 + length) & 0xff));
  const hmacOf = (key: Buffer, message: Buffer) => {
    const hmac = new Hmac(key);
    hmac.find(message, 0, message.length);
    return hmac.digits.toString('latin1');
  };

  it('is that of RFC 4231', () => {
    expect(hmacOf(Buffer.alloc(20, 0x0b), Buffer.from('Hi There'))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(hmacOf(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(hmacOf(Buffer.alloc(131, 0xaa), Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'))).toBe(
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    );
  });

  it('is as Node makes it, under a key of any length and of a value of any length', () => {
    for (const keyLength of [1, 16, 32, 63, 64, 65, 200]) {
      const key = bytesOf(keyLength);
      const hmac = new Hmac(key);
      for (let length = 0; length < 1200; length++) {
        const block = bytesOf(length + 3);
        hmac.find(block, 3, block.length);
        const expected = createHmac('sha256', key).update(block.subarray(3)).digest('hex');
        expect(hmac.digits.toString('latin1'), `${keyLength}, ${length}`).toBe(expected);
      }
    }
  });
});
