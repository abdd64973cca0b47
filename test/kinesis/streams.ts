import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Kinesis } from '../../src/lib/aws/kinesis.ts';
import type { Tuning } from '../../src/lib/stream/kinesis/tuning.ts';

/** Waits of milliseconds, and chance with a seed. */
export function fastTuning(): Partial<Tuning> {
  let seed = 42;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  return { random, baseDelayMs: 1, maxDelayMs: 4, pollMs: 20, spacingMs: 0 };
}

/** A plain client, for what buda itself does not do. */
export async function withClient<T>(use: (client: KinesisClient) => Promise<T>): Promise<T> {
  const client = new KinesisClient({ requestHandler: new NodeHttpHandler() });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

export function makeStream(name: string, shards: number): Promise<void> {
  return withClient(async (client) => {
    await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    await untilActive(client, name);
  });
}

export function splitShard(name: string, shard: string, newStartingHashKey: bigint): Promise<void> {
  return withClient(async (client) => {
    await client.send(
      new SplitShardCommand({ StreamName: name, ShardToSplit: shard, NewStartingHashKey: String(newStartingHashKey) }),
    );
    await untilActive(client, name);
  });
}

export function mergeShards(name: string, shard: string, other: string): Promise<void> {
  return withClient(async (client) => {
    await client.send(new MergeShardsCommand({ StreamName: name, ShardToMerge: shard, AdjacentShardToMerge: other }));
    await untilActive(client, name);
  });
}

async function untilActive(client: KinesisClient, name: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { StreamDescriptionSummary: found } = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    if (found?.StreamStatus === 'ACTIVE') return;
    await sleep(10);
  }
  throw new Error(`${name} is not active`);
}

/** Puts data as a foreign producer would, each with its partition key; one at a time, so that the order is theirs. */
export async function putData(
  name: string,
  entries: readonly { data: string | Buffer; partitionKey: string }[],
): Promise<string[]> {
  return withClient(async (client) => {
    const numbers: string[] = [];
    for (let start = 0; start < entries.length; start += 500) {
      const command = new PutRecordsCommand({
        StreamName: name,
        Records: entries
          .slice(start, start + 500)
          .map(({ data, partitionKey }) => ({ Data: Buffer.from(data), PartitionKey: partitionKey })),
      });
      for (const { SequenceNumber } of (await client.send(command)).Records ?? []) {
        if (SequenceNumber === undefined) throw new Error('not taken');
        numbers.push(SequenceNumber);
      }
    }
    return numbers;
  });
}

/** Everything in a stream, shard by shard, read without the code under test: each record of Kinesis as it is. */
export async function rawRecordsIn(name: string): Promise<{ shard: string; sequenceNumber: string; data: Buffer }[]> {
  const kinesis = new Kinesis();
  const found: { shard: string; sequenceNumber: string; data: Buffer }[] = [];
  try {
    for (const { id } of await kinesis.shards(name)) {
      let iterator: string | undefined = await kinesis.iterator(name, id, { type: 'TRIM_HORIZON' });
      while (iterator !== undefined) {
        const { records, next } = await kinesis.read(name, id, iterator, 10_000);
        for (const { sequenceNumber, data } of records) found.push({ shard: id, sequenceNumber, data: Buffer.from(data) });
        if (records.length === 0) break;
        iterator = next;
      }
    }
  } finally {
    kinesis.close();
  }
  return found;
}

/** The same as text. */
export async function recordsIn(name: string): Promise<{ shard: string; sequenceNumber: string; data: string }[]> {
  return (await rawRecordsIn(name)).map((record) => ({ ...record, data: record.data.toString() }));
}
