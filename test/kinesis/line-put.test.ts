import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Batch } from '../../src/lib/lines.ts';
import { KeyReader } from '../../src/lib/stream/keys.ts';
import { LinePut } from '../../src/lib/stream/kinesis/put.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const long = 'k'.repeat(257);
const wide = 'ä'.repeat(200);

/** A line, and the key that it has; undefined: none. */
const cases: [string, string | undefined][] = [
  ['{"id":"abc","n":"ä"}', 'abc'],
  ['{"n":{"id":1}, "id" : "abc" }', 'abc'],
  ['{"id":"\\u0061bc"}', 'abc'],
  ['{"id":"zoë"}', 'zoë'],
  ['{"id":"zo\\u00eb"}', 'zoë'],
  ['{"id":"a\\"b"}', 'a"b'],
  [`{"id":"${long}"}`, sha256(long)],
  [`{"id":"${wide}"}`, wide],
  [`{"id":"${wide}${wide}"}`, sha256(wide + wide)],
  ['{"id":42}', '42'],
  ['{"id":-0}', '0'],
  ['{"id":1.0}', '1'],
  ['{"id":12345678901234567890}', '12345678901234567000'],
  ['{"id":false}', 'false'],
  ['{"id":""}', undefined],
  ['{"id":null}', undefined],
  ['{"id":["abc"]}', undefined],
  ['{"name":"abc"}', undefined],
];

it('has the key of its line, where it stands or as a text, and the same order for the same key', () => {
  const keys = new KeyReader('id');
  const orders = new Map<string, number | undefined>();
  // The last line of a block may have no newline; many lines before it are looked at in another way.
  const before = Array.from({ length: 200 }, (_, n) => `{"id":"before ${n}"}\n`).join('');
  for (const [text, key] of cases)
    for (const [first, last] of [
      ['', '\n'],
      ['', ''],
      [before, '\n'],
      [before, ''],
    ]) {
      const { lines } = Batch.ofBytes(Buffer.from(`${first}${text}${last}`), 1);
      for (const line of lines) {
        const hasKey = keys.read(line);
        if (line !== lines.at(-1)) continue;
        const put = new LinePut(line, hasKey ? keys : undefined);
        expect(hasKey, text).toBe(key !== undefined);
        const { block, start, end, keyStart, keyEnd, partitionKey } = put;
        expect(block.toString('utf8', start, end)).toBe(`${text}\n`);
        expect(partitionKey).toBe(key ?? sha256(text));
        if (keyStart >= 0) expect(block.toString('utf8', keyStart, keyEnd)).toBe(partitionKey);
        expect(put.bytes).toBe(end - start + Buffer.byteLength(partitionKey));
        if (key === undefined) expect(put.order).toBeUndefined();
        else expect(put.order).toBe(orders.get(key) ?? put.order);
        if (key !== undefined) orders.set(key, put.order);
      }
    }
  expect(new Set(orders.values()).size).toBe(orders.size);
});
