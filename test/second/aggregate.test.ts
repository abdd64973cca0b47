import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deaggregate } from '../../src/lib/stream/kinesis/aggregated.ts';
import { Bundle, Packer } from '../../src/lib/stream/kinesis/packer.ts';
import { temporary } from '../house/bash.ts';
import { describeWith, run } from './needs.ts';

interface Theirs {
  RecordAggregator: new () => { addUserRecord(record: { partitionKey: string; data: Buffer }): void; build(): { data: Buffer } };
  deaggregateSync(
    record: { data: string; partitionKey: string; sequenceNumber: string },
    isChecked: boolean,
    done: (error: Error | undefined, found?: { partitionKey: string; data: string }[]) => void,
  ): void;
}

/** Amazon's own package for the format, written by others than the format's reader and writer here. */
describeWith(['npm'], 'aggregated records and aws-kinesis-agg', () => {
  const folder = mkdtempSync(join(temporary, 'buda-aggregate-'));
  let theirs: Theirs;

  beforeAll(async () => {
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, 'aws-kinesis-agg@4.2.8']);
    theirs = createRequire(`${folder}/`)('aws-kinesis-agg') as Theirs;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Its keys are the names of an object: it takes numbers before the others, and loses __proto__.
  const key = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).map((text) => `key ${text}`);
  const records = fc.array(fc.record({ key, data: fc.uint8Array({ minLength: 1, maxLength: 400 }) }), {
    minLength: 2,
    maxLength: 300,
  });

  test('it reads what is written here', () => {
    fc.assert(
      fc.property(records, (given) => {
        const packer = new Packer();
        const bundle = new Bundle('shard 0');
        // Each in a block of its own: a window ends with it.
        for (const [n, { key, data }] of given.entries()) {
          const block = Buffer.from(data);
          packer.settle(bundle);
          packer.turn(block, 0);
          packer.add(bundle, { block, start: 0, end: block.length, keyStart: -1, keyEnd: -1, text: Buffer.from(key) });
          bundle.numbers.push(n);
        }
        const packed = packer.seal(bundle);
        let found: { partitionKey: string; data: string }[] = [];
        theirs.deaggregateSync(
          { data: packed.toString('base64'), partitionKey: 'a', sequenceNumber: '1' },
          true,
          (error, all = []) => {
            if (error) throw error;
            found = all;
          },
        );
        expect(found.map(({ partitionKey, data }) => [partitionKey, data])).toEqual(
          given.map(({ key: partitionKey, data }) => [partitionKey, Buffer.from(data).toString('base64')]),
        );
      }),
      { seed: 41, numRuns: 60 },
    );
  });

  test('what it writes is read here', () => {
    fc.assert(
      fc.property(records, (given) => {
        const aggregator = new theirs.RecordAggregator();
        for (const { key: partitionKey, data } of given) aggregator.addUserRecord({ partitionKey, data: Buffer.from(data) });
        const found = deaggregate(aggregator.build().data);
        expect(found?.map(({ partitionKey, data }) => [partitionKey, data.toString('hex')])).toEqual(
          given.map(({ key: partitionKey, data }) => [partitionKey, Buffer.from(data).toString('hex')]),
        );
      }),
      { seed: 42, numRuns: 60 },
    );
  });
});
