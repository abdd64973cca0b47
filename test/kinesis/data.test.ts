import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deaggregate, hashKeyOf } from '../../src/lib/stream/kinesis/aggregated.ts';
import { linesOfData } from '../../src/lib/stream/kinesis/data.ts';
import { aggregate } from './aggregate.ts';

const lines = (data: string | Buffer) =>
  linesOfData(Buffer.from(data)).map(({ bytes, bad }) => (bad === undefined ? bytes.toString() : `bad: ${bad}`));

describe('the data of a record', () => {
  it.each([
    ['{"a":1}', ['{"a":1}']],
    ['{"a":1}\n', ['{"a":1}']],
    ['{"a":1}\r\n', ['{"a":1}']],
    ['{"a":1}\n{"b":1.0}\n', ['{"a":1}', '{"b":1.0}']],
    ['{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']],
    ['{"a":1}{"b":{"c":"}{"}}\n{"d":"\\"}{"}', ['{"a":1}', '{"b":{"c":"}{"}}', '{"d":"\\"}{"}']],
    ['{"text":"}{"}', ['{"text":"}{"}']],
    ['{\n  "id": 12345678901234567890,\n  "b": 1.0\n}\n', ['{   "id": 12345678901234567890,   "b": 1.0 }']],
    ['', []],
    ['\n', []],
    ['hello', ['bad: not JSON']],
    ['[1]', ['bad: not a JSON object']],
    ['["buda.mark",1,{"to":"9","c":[]}]', ['bad: not a JSON object']],
    ['{"a":1}\nhello\n{"b":2}{"c":3}', ['{"a":1}', 'bad: not JSON', '{"b":2}', '{"c":3}']],
    ['{"a":1}{"b":', ['bad: not JSON']],
    ['{"a":1}{"b" 2}', ['{"a":1}', 'bad: not JSON']],
  ])('%j', (data, expected) => {
    expect(lines(data)).toEqual(expected);
  });

  it('calls binary data what it is', () => {
    expect(lines(Buffer.from([0x1f, 0x8b, 0xff, 0x00]))).toEqual(['bad: not UTF-8']);
  });

  it('finds every object again, however they were joined', () => {
    const objects = fc.array(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null))),
      { minLength: 1, maxLength: 8 },
    );
    const joint = fc.constantFrom('', '\n', '\r\n', ' ', '\n\n');
    fc.assert(
      fc.property(objects, joint, fc.constantFrom(undefined, 2), (values, between, indent) => {
        const found = lines(values.map((value) => JSON.stringify(value, null, indent)).join(between));
        expect(found.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(values)));
        for (const line of found) expect(line).not.toContain('\n');
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});

describe('aggregated records', () => {
  /** Made by aws-kinesis-agg 4.2.8 from three records of two keys, the second with an explicit hash key. */
  const golden = Buffer.from(
    'f3899ac20a0a637573746f6d657220310a0a637573746f6d65722032122731373031343131383334363034363932333137333136383733303337313538383431303537323' +
      '81a1008001a0c7b226964223a22725f31227d1a13080110001a0d7b226964223a22725f32227d0a1a1008001a0c7b226964223a22725f33227dbb4a0490fa7ff0bd9add37324283ff0c',
    'hex',
  );

  it('reads golden bytes', () => {
    expect(deaggregate(golden)).toEqual([
      { data: Buffer.from('{"id":"r_1"}'), partitionKey: 'customer 1', explicitHashKey: undefined },
      {
        data: Buffer.from('{"id":"r_2"}\n'),
        partitionKey: 'customer 2',
        explicitHashKey: '170141183460469231731687303715884105728',
      },
      { data: Buffer.from('{"id":"r_3"}'), partitionKey: 'customer 1', explicitHashKey: undefined },
    ]);
  });

  it('passes over fields that it does not know, as the tags of a record', () => {
    // Partition keys ["a"]; one record: key 0, data "yz", a tag; a field 9 of each other wire type.
    const message = Buffer.from(
      ['0a0161', '1a0b', '0800', '1a02797a', '22030a0174', '4805', '490000000000000000', '4d00000000'].join(''),
      'hex',
    );
    const data = Buffer.concat([golden.subarray(0, 4), message, createHash('md5').update(message).digest()]);
    expect(deaggregate(data)).toEqual([{ data: Buffer.from('yz'), partitionKey: 'a', explicitHashKey: undefined }]);
  });

  it('takes data for plain where the magic, the digest or the message is not right', () => {
    expect(deaggregate(Buffer.from('{"a":1}'))).toBeUndefined();
    expect(deaggregate(Buffer.concat([golden.subarray(0, -1), Buffer.from([0])]))).toBeUndefined();
    const cut = golden.subarray(4, -18);
    expect(deaggregate(Buffer.concat([golden.subarray(0, 4), cut, createHash('md5').update(cut).digest()]))).toBeUndefined();
  });

  it('finds again what was packed', () => {
    const packed = fc.array(
      fc.record({ partitionKey: fc.string({ minLength: 1, maxLength: 300 }), data: fc.uint8Array({ maxLength: 400 }) }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(packed, (records) => {
        const found = deaggregate(
          aggregate(records.map(({ partitionKey, data }) => ({ partitionKey, data: Buffer.from(data) }))),
        );
        expect(found?.map(({ partitionKey, data }) => [partitionKey, data.toString('hex')])).toEqual(
          records.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString('hex')]),
        );
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  it('knows where a key falls', () => {
    expect(hashKeyOf({ partitionKey: 'a', explicitHashKey: undefined })).toBe(BigInt('0x0cc175b9c0f1b6a831c399e269772661'));
    expect(hashKeyOf({ partitionKey: 'a', explicitHashKey: '340282366920938463463374607431768211455' })).toBe(2n ** 128n - 1n);
  });
});
