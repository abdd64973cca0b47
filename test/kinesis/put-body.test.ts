import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { writePutBody } from '../../src/lib/aws/put-body.ts';

/** What the SDK itself would send: taken where it has been serialised, and given an empty answer. */
async function bodyOfSdk(client: KinesisClient, stream: string, records: { data: Buffer; key: string }[]): Promise<string> {
  const command = new PutRecordsCommand({
    StreamName: stream,
    Records: records.map(({ data, key }) => ({ Data: data, PartitionKey: key })),
  });
  let body = '';
  command.middlewareStack.add(
    () => async (args) => {
      body = Buffer.from((args.request as { body: string | Uint8Array }).body).toString();
      return { response: {}, output: { $metadata: {}, Records: [] } };
    },
    { step: 'build', priority: 'high' },
  );
  await client.send(command);
  return body;
}

/** Lengths that leave base64 with no, one and two bytes over, and some that are large. */
const length = fc.oneof(fc.nat(7), fc.nat(600), fc.constantFrom(65_535, 65_536));
const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 256 }),
  fc.string({ minLength: 1, maxLength: 256, unit: 'binary' }),
  fc.constantFrom('"', '\\', '\u0000', '\u007f', '\u00e9', '\u{1f600}', '\ud800', 'a"b\\c\n', '\u2028'),
);

it('is the body that the SDK would send, also in memory that was used before', async () => {
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const records = fc.array(fc.record({ before: fc.nat(9), length, key }), { maxLength: 12 });
  let spare: Buffer | undefined;
  await fc.assert(
    fc.asyncProperty(records, fc.boolean(), async (given, isSpared) => {
      const entries = given.map(({ before, length: size, key: partitionKey }, n) => {
        const block = Buffer.alloc(before + size + 3, (n + 1) * 37);
        return { block, start: before, end: before + size, partitionKey };
      });
      const body = writePutBody('movements', entries, isSpared ? spare : undefined);
      const theirs = await bodyOfSdk(
        client,
        'movements',
        entries.map(({ block, start, end, partitionKey }) => ({ data: block.subarray(start, end), key: partitionKey })),
      );
      expect(JSON.parse(body.toString())).toEqual(JSON.parse(theirs));
      spare = Buffer.from(body.buffer);
    }),
    { seed: 21, numRuns: 150 },
  );
  client.destroy();
});
