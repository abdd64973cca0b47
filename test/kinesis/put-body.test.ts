import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BodyWriter } from '../../src/lib/aws/put-body.ts';

const settings = {
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

type Put = { data: Buffer; key: string };

/** Each service that takes records: who writes the bodies here, and a request of the SDK. */
const services = {
  kinesis: {
    writer: () => new BodyWriter({ stream: { StreamName: 'movements' }, hasKeys: true }),
    client: () => new KinesisClient(settings),
    command: (records: readonly Put[]) =>
      new PutRecordsCommand({
        StreamName: 'movements',
        Records: records.map(({ data, key }) => ({ Data: data, PartitionKey: key })),
      }),
  },
  firehose: {
    writer: () => new BodyWriter({ stream: { DeliveryStreamName: 'movements' }, hasKeys: false }),
    client: () => new FirehoseClient(settings) as unknown as KinesisClient,
    command: (records: readonly Put[]) =>
      new PutRecordBatchCommand({
        DeliveryStreamName: 'movements',
        Records: records.map(({ data }) => ({ Data: data })),
      }) as unknown as PutRecordsCommand,
  },
};

/** What the SDK itself would send: taken where it has been serialised, and given an empty answer. */
async function bodyOfSdk(client: KinesisClient, command: PutRecordsCommand): Promise<string> {
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

/** A key that is told beside its record, or stands in it as ids do. */
const beside = key.map((partitionKey) => ({ partitionKey, isInside: false }));
const inside = fc.stringMatching(/^[ !#-[\]-~ä-ö😀]{1,40}$/u).map((partitionKey) => ({ partitionKey, isInside: true }));
const entry = fc.record({
  gap: fc.oneof(fc.nat(20), fc.constant(3000)),
  before: fc.nat(40),
  length,
  key: fc.oneof(beside, inside),
});

const both = Object.entries(services);
it.each(both)(
  'is the body that the SDK would send to %s, also in memory that was used before',
  { timeout: 60_000 },
  async (_, service) => {
    const client = service.client();
    const writer = service.writer();
    // Blocks of records that stand one behind another, more or less, as those of a stream's lines.
    const blocks = fc.array(fc.array(entry, { maxLength: 12 }), { maxLength: 4 });
    let seed = 1;
    await fc.assert(
      fc.asyncProperty(blocks, fc.boolean(), fc.boolean(), async (given, isSpared, isTurned) => {
        const entries = given.flatMap((records) => {
          const sizes = records.map(
            ({ gap, before, length: size, key: { partitionKey } }) => gap + before + Buffer.byteLength(partitionKey) + size,
          );
          const block = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 3));
          for (let i = 0; i < block.length; i++) block[i] = (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24;
          let at = 0;
          return records.map(({ gap, before, length: size, key: { partitionKey, isInside } }) => {
            const start = at + gap;
            const keyStart = isInside ? start + before : -1;
            if (isInside) block.write(partitionKey, keyStart);
            at = start + before + Buffer.byteLength(partitionKey) + size;
            return { block, start, end: at, keyStart, keyEnd: keyStart + Buffer.byteLength(partitionKey), partitionKey };
          });
        });
        if (isTurned) entries.reverse();
        const body = writer.write(entries);
        const theirs = await bodyOfSdk(
          client,
          service.command(
            entries.map(({ block, start, end, partitionKey }) => ({ data: block.subarray(start, end), key: partitionKey })),
          ),
        );
        expect(JSON.parse(body.toString())).toEqual(JSON.parse(theirs));
        if (isSpared) writer.takeBack(body);
      }),
      { seed: 21, numRuns: 150 },
    );
    client.destroy();
  },
);

it('takes requests of every kind at once: many records, keys that fill the room for them, what Kinesis would not take', () => {
  const block = Buffer.alloc(3 * 1024 ** 2, 'abc');
  const of = (start: number, end: number, partitionKey: string) => ({
    block,
    start,
    end,
    keyStart: -1,
    keyEnd: -1,
    partitionKey,
  });
  const many = Array.from({ length: 1200 }, (_, n) => of(n * 100, n * 100 + (n % 100), `\u0001${n}`.repeat(40)));
  for (const entries of [
    [],
    many,
    [of(0, 1024 ** 2, 'k')],
    [of(0, 2 * 1024 ** 2, 'k'), of(3, 9, 'k')],
    [of(0, 1, '\u0001'.repeat(9000))],
  ])
    expect(JSON.parse(services.kinesis.writer().write(entries).toString())).toEqual({
      StreamName: 'movements',
      Records: entries.map(({ start, end, partitionKey }) => ({
        Data: block.toString('base64', start, end),
        PartitionKey: partitionKey,
      })),
    });
});
