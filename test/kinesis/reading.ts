import type { Batch } from '../../src/lib/lines.ts';
import type { Piece } from '../../src/lib/sources.ts';
import type { Tuning } from '../../src/lib/stream/kinesis/tuning.ts';
import { kinesisSource } from '../../src/lib/stream/kinesis.ts';
import { testCall, testContext } from '../support/context.ts';
import { type Body, startFaultyKinesis } from './servers.ts';
import { fastTuning } from './streams.ts';

export interface Epoch {
  shard: string;
  to: string | undefined;
  lines: string[];
}

interface GetOptions {
  options?: Record<string, unknown>;
  from?: Record<string, string>;
  tuning?: Partial<Tuning>;
  keep?: boolean;
  /** Called with each piece; stops the context when it returns true. */
  until?: (epoch: Epoch, epochs: readonly Epoch[]) => boolean | Promise<boolean>;
}

const textsOf = (batch: Batch) => batch.lines.map((line) => line.bytes.toString());

/** Reads by the source alone, as the step of get-stream would. */
export async function get({ options = { exitAtEnd: true }, from = {}, tuning = {}, keep = false, until }: GetOptions = {}) {
  const context = testContext();
  const { call, letters } = testCall('get-stream', options, context, [], keep);
  const source = kinesisSource(call, 'movements', { ...fastTuning(), ...tuning });
  const epochs: Epoch[] = [];
  try {
    for await (const { batch, shard, to } of source.read(from) as AsyncIterable<Piece>) {
      const epoch = { shard: shard ?? '', to, lines: textsOf(batch) };
      epochs.push(epoch);
      if (await until?.(epoch, epochs)) context.stop();
    }
  } finally {
    await source.close?.();
  }
  const positions: Record<string, string> = { ...from };
  for (const { shard, to } of epochs) if (to !== undefined) positions[shard] = to;
  return { epochs, lines: epochs.flatMap(({ lines }) => lines), positions, letters, context };
}

export const line = (n: number) => JSON.stringify({ id: `r_${n}`, n });
export const entries = (from: number, to: number, key = (n: number) => `key ${n}`) =>
  Array.from({ length: to - from }, (_, index) => ({ data: `${line(from + index)}\n`, partitionKey: key(from + index) }));
export const numbers = (lines: readonly string[]) => lines.map((text) => JSON.parse(text).n as number);
export const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** A shard as ListShards tells of it, over all keys. */
export const shardOf = (id: string, more: object = {}) => ({
  ShardId: id,
  HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) },
  SequenceNumberRange: { StartingSequenceNumber: '1' },
  ...more,
});

/** A record as GetRecords gives it; `at` is when it arrived, in milliseconds. */
export const recordOf = (n: number, at: number) => ({
  Data: Buffer.from(line(n)).toString('base64'),
  PartitionKey: 'k',
  SequenceNumber: String(100 + n),
  ApproximateArrivalTimestamp: at / 1000,
});

export type Answer = (
  operation: string,
  body: Body,
  call: number,
) => ReturnType<Parameters<typeof startFaultyKinesis>[0]> | undefined;

/** A stream of one shard with ten records, the numbers 100 to 109, 4 s apart in 2023; `answer` may say something else. */
export function serveShard(answer: Answer) {
  const records = range(0, 10).map((n) => recordOf(n, 1_700_000_000_000 + n * 4_000));
  return startFaultyKinesis((operation, body, call) => {
    const told = answer(operation, body, call);
    if (told !== undefined) return told;
    if (operation === 'ListShards') return { body: { Shards: [shardOf('shardId-000000000000')] } };
    if (operation === 'GetShardIterator') {
      const from = Number(body.StartingSequenceNumber ?? 0);
      return { body: { ShardIterator: String(body.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER' ? from + 1 : from) } };
    }
    const at = Number(body.ShardIterator);
    const found = records.filter((record) => Number(record.SequenceNumber) >= at).slice(0, 4);
    const next = found.length === 0 ? at : Number(found.at(-1)?.SequenceNumber) + 1;
    return { body: { Records: found, NextShardIterator: String(next), MillisBehindLatest: next > 109 ? 0 : 5_000_000 } };
  });
}
