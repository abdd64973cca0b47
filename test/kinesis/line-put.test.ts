import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Batch } from '../../src/lib/lines.ts';
import { KeyedLines } from '../../src/lib/stream/put/keyed-lines.ts';
import { kinesisLimits, LinePut } from '../../src/lib/stream/put/put.ts';
import { testCall } from '../support/context.ts';

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
  const { call } = testCall('put-stream');
  const lines = new KeyedLines(call.rejects, kinesisLimits, 'id');
  const orders = new Map<string, number | undefined>();
  // Many lines before it are looked at in another way.
  const before = Array.from({ length: 200 }, (_, n) => `{"id":"before ${n}"}\n`).join('');
  for (const [text, key] of cases)
    for (const first of ['', before]) {
      const bytes = Buffer.from(`${first}${text}\n`);
      const count = bytes.toString().split('\n').length - 1;
      lines.turn(Batch.ofBytes(bytes, count, undefined, 0, 7));
      for (let n = 1; n < count; n++) expect(lines.next()).toBe(true);
      expect(lines.next()).toBe(true);
      const put = new LinePut(lines);
      expect(lines.next()).toBe(false);
      const { block, start, end, keyStart, keyEnd, partitionKey } = put;
      expect(put.number).toBe(6 + count);
      expect(block.toString('utf8', start, end)).toBe(`${text}\n`);
      expect(partitionKey).toBe(key ?? sha256(text));
      if (keyStart >= 0) expect(block.toString('utf8', keyStart, keyEnd)).toBe(partitionKey);
      expect(put.bytes).toBe(end - start + Buffer.byteLength(partitionKey));
      if (key === undefined) expect(put.order).toBeUndefined();
      else expect(put.order).toBe(orders.get(key) ?? put.order);
      if (key !== undefined) orders.set(key, put.order);
    }
  expect(new Set(orders.values()).size).toBe(orders.size);
  expect(lines.note).toMatch(/^8 records have no id: /);
});
