import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kinesisStreams } from '../../src/lib/stream/kinesis.ts';
import { failureOf, testContext } from '../support/context.ts';
import { aggregate } from './aggregate.ts';
import { type Answer, entries, get, line, numbers, range, serveShard, shardOf, sorted } from './reading.ts';
import { pointSdkAt, type Running, startKinesalite, startKinesisLocal } from './servers.ts';
import { makeStream, mergeShards, putData, splitShard, withClient } from './streams.ts';

let running: Running | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

describe('reading, with kinesalite', () => {
  beforeEach(async () => {
    running = await startKinesalite();
    pointSdkAt(running.endpoint);
  });

  it('drains every shard to the tip', async () => {
    await makeStream('movements', 3);
    await putData('movements', entries(0, 1_000));
    const { epochs, lines } = await get();
    expect(sorted(numbers(lines))).toEqual(range(0, 1_000));
    expect(new Set(epochs.map(({ shard }) => shard)).size).toBe(3);
  });

  it('goes on behind the checkpoints, losing and repeating nothing', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 300));
    const first = await get({ options: { exitAtEnd: true, app: 'a' } });
    await putData('movements', entries(300, 500));
    const second = await get({ options: { exitAtEnd: true, app: 'a' }, from: first.positions });
    expect(sorted(numbers(first.lines))).toEqual(range(0, 300));
    expect(sorted(numbers(second.lines))).toEqual(range(300, 500));
    expect(second.context.said).toEqual([]);
    const third = await get({ options: { exitAtEnd: true, app: 'a' }, from: second.positions });
    expect(third.epochs).toEqual([]);
  });

  it('cuts epochs by count, never mixing shards, at the same places in a replay', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 450));
    const options = { exitAtEnd: true, app: 'a', epoch: { maxRecords: 100, maxBytes: 1 << 23 } };
    const cuts = async () => {
      const { epochs } = await get({ options });
      return epochs.map(({ shard, to, lines }) => `${shard} ${to} ${lines.length}`).sort();
    };
    const first = await cuts();
    expect(first.filter((cut) => cut.endsWith(' 100')).length).toBeGreaterThanOrEqual(3);
    expect(await cuts()).toEqual(first);
  });

  it('cuts epochs by bytes', async () => {
    await makeStream('movements', 1);
    await putData(
      'movements',
      range(0, 40).map((n) => ({ data: JSON.stringify({ n, pad: 'x'.repeat(990) }), partitionKey: 'k' })),
    );
    const { epochs } = await get({ options: { exitAtEnd: true, app: 'a', epoch: { maxRecords: 10_000, maxBytes: 10_000 } } });
    expect(epochs.map(({ lines }) => lines.length)).toEqual([10, 10, 10, 10]);
  });

  it('reads both parents of a merge and the parent of a split before the children', async () => {
    await makeStream('movements', 2);
    const half = 2n ** 126n;
    await putData(
      'movements',
      entries(0, 100, () => 'customer 1'),
    );
    await splitShard('movements', 'shardId-000000000000', half);
    await putData(
      'movements',
      entries(100, 200, () => 'customer 1'),
    );
    await mergeShards('movements', 'shardId-000000000002', 'shardId-000000000003');
    await putData(
      'movements',
      entries(200, 300, () => 'customer 1'),
    );
    const { lines, positions } = await get({ options: { exitAtEnd: true, app: 'a' } });
    // One key, in order over three generations of shards.
    expect(numbers(lines)).toEqual(range(0, 300));
    expect(positions).toMatchObject({
      'shardId-000000000000': 'SHARD_END',
      'shardId-000000000002': 'SHARD_END',
      'shardId-000000000003': 'SHARD_END',
    });
    await putData(
      'movements',
      entries(300, 310, () => 'customer 1'),
    );
    const again = await get({ options: { exitAtEnd: true, app: 'a' }, from: positions });
    expect(numbers(again.lines)).toEqual(range(300, 310));
  });

  it('finds the children of a shard that is split while it follows', async () => {
    await makeStream('movements', 1);
    await putData('movements', entries(0, 50));
    let isSplit = false;
    const { lines } = await get({
      options: {},
      until: async (_, epochs) => {
        const count = epochs.flatMap((epoch) => epoch.lines).length;
        if (count >= 50 && !isSplit) {
          isSplit = true;
          await splitShard('movements', 'shardId-000000000000', 2n ** 127n);
          await putData('movements', entries(50, 150));
        }
        return count === 150;
      },
    });
    expect(sorted(numbers(lines))).toEqual(range(0, 150));
  });

  it('stops after --count records, and goes on behind them', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 100));
    const first = await get({ options: { count: 30, app: 'a' } });
    expect(first.lines).toHaveLength(30);
    const rest = await get({ options: { exitAtEnd: true, app: 'a' }, from: first.positions });
    expect(sorted(numbers([...first.lines, ...rest.lines]))).toEqual(range(0, 100));
  });

  it('reads from a sequence number to a sequence number, both included', async () => {
    await makeStream('movements', 1);
    const sequence = await putData('movements', entries(0, 20));
    const { lines } = await get({ options: { position: sequence[5], until: sequence[9] } });
    expect(numbers(lines)).toEqual([5, 6, 7, 8, 9]);
  });

  it('reads up to the end as it is now: --until end', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 20));
    const { lines } = await get({ options: { until: 'end' } });
    expect(sorted(numbers(lines))).toEqual(range(0, 20));
  });

  it('ends with 65 for a sequence number that is not in the stream', async () => {
    await makeStream('movements', 1);
    await putData('movements', entries(0, 2));
    expect(
      await failureOf(get({ options: { position: '49600000000000000000000000000000000000000000000000000002' } })),
    ).toMatchObject({ exit: 65 });
    expect(await failureOf(get({ from: { 'shardId-000000000000': '12' } }))).toMatchObject({
      exit: 65,
      remedy: expect.stringContaining('--position'),
    });
  });

  it('ends with 78 where the stream is not there', async () => {
    expect(await failureOf(get())).toMatchObject({ exit: 78, message: expect.stringContaining('kinesis:movements') });
  });

  it('unpacks what producers did to the data, and rejects what is no record with its sequence number', async () => {
    await makeStream('movements', 1);
    const sequence = await putData('movements', [
      { data: '{"n":0}', partitionKey: 'k' },
      { data: '{"n":1}{"n":2}', partitionKey: 'k' },
      { data: '{"n":3}\n{"n":4}\n', partitionKey: 'k' },
      {
        data: aggregate([
          { partitionKey: 'a', data: Buffer.from('{"n":5}') },
          { partitionKey: 'b', data: Buffer.from('{"n":6}\n') },
        ]),
        partitionKey: 'k',
      },
      { data: 'oops', partitionKey: 'k' },
      { data: '{"n":7}', partitionKey: 'k' },
    ]);
    const { lines, letters } = await get({ keep: true });
    expect(numbers(lines)).toEqual(range(0, 8));
    expect(letters).toMatchObject([
      { record: 'oops', reason: `not JSON (shardId-000000000000, sequence number ${sequence[4]})` },
    ]);
    expect(await failureOf(get())).toMatchObject({ exit: 65, message: expect.stringContaining(String(sequence[4])) });
  });

  it('passes over aggregated records of another shard, as the KCL does', async () => {
    await makeStream('movements', 2);
    const packed = aggregate(range(0, 40).map((n) => ({ partitionKey: `key ${n}`, data: Buffer.from(line(n)) })));
    // One copy in each shard: between them every record is read once.
    const { createHash } = await import('node:crypto');
    const keys = range(0, 100).map(String);
    const isLow = (key: string) => createHash('md5').update(key).digest()[0]! < 0x80;
    await putData(
      'movements',
      [keys.find(isLow), keys.find((key) => !isLow(key))].map((key) => ({ data: packed, partitionKey: String(key) })),
    );
    const { lines } = await get();
    expect(sorted(numbers(lines))).toEqual(range(0, 40));
  });

  it('keeps an aggregated record whole under --count and an app', async () => {
    await makeStream('movements', 1);
    await putData('movements', [
      { data: aggregate(range(0, 5).map((n) => ({ partitionKey: 'k', data: Buffer.from(line(n)) }))), partitionKey: 'k' },
    ]);
    expect((await get({ options: { count: 3 } })).lines).toHaveLength(3);
    expect((await get({ options: { count: 3, app: 'a' } })).lines).toHaveLength(5);
  });

  it('stops at a signal, and what it held comes again', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 500));
    const options = { app: 'a', epoch: { maxRecords: 50, maxBytes: 1 << 23 } };
    const first = await get({ options, until: (_, epochs) => epochs.length === 3 });
    expect(first.lines.length).toBeLessThan(500);
    const rest = await get({ options: { ...options, exitAtEnd: true }, from: first.positions });
    expect(sorted(numbers([...first.lines, ...rest.lines]))).toEqual(range(0, 500));
  });

  it('closes a cell of arrival time once the clock has passed it', async () => {
    await makeStream('movements', 1);
    await putData('movements', entries(0, 10));
    let ahead = 0;
    const { epochs } = await get({
      options: { app: 'a' },
      tuning: { now: () => Date.now() + (ahead += 4_000) },
      until: ({ lines }) => lines.length > 0,
    });
    expect(epochs.flatMap(({ lines }) => lines)).toHaveLength(10);
  });
});

describe('reading, with faults', () => {
  async function serve(answer: Answer) {
    const faulty = await serveShard(answer);
    running = faulty;
    pointSdkAt(faulty.endpoint);
    return faulty;
  }

  it('makes a new iterator from the last sequence number when one has expired', async () => {
    let hasExpired = false;
    const { asked } = await serve((operation, body) => {
      if (operation !== 'GetRecords' || body.ShardIterator !== '104' || hasExpired) return undefined;
      hasExpired = true;
      return { status: 400, error: 'ExpiredIteratorException' };
    });
    const { lines } = await get();
    expect(numbers(lines)).toEqual(range(0, 10));
    expect(
      asked
        .filter(({ operation }) => operation === 'GetShardIterator')
        .map(({ body }) => [body.ShardIteratorType, body.StartingSequenceNumber]),
    ).toEqual([
      ['TRIM_HORIZON', undefined],
      // That record once more: were it gone, others might be.
      ['AT_SEQUENCE_NUMBER', '103'],
    ]);
  });

  it('waits when it is throttled, and ends with 75 when that does not pass', async () => {
    let isPassing = true;
    await serve((operation, _, call) =>
      operation === 'GetRecords' && (call % 2 === 0 || !isPassing)
        ? { status: 400, error: 'ProvisionedThroughputExceededException' }
        : undefined,
    );
    expect(numbers((await get()).lines)).toEqual(range(0, 10));
    isPassing = false;
    expect(await failureOf(get())).toMatchObject({ exit: 75 });
  });

  it('goes through resets and answers of nothing on the way to the tip', async () => {
    let empties = 0;
    await serve((operation, body, call) => {
      if (call % 4 === 3) return { reset: true };
      if (operation === 'GetRecords' && empties++ < 3)
        return { body: { Records: [], NextShardIterator: body.ShardIterator, MillisBehindLatest: 60_000 } };
      return undefined;
    });
    expect(numbers((await get()).lines)).toEqual(range(0, 10));
  });

  it('cuts where the arrival time enters the next ten seconds', async () => {
    await serve(() => undefined);
    const { epochs } = await get({ options: { exitAtEnd: true, app: 'a' } });
    // Records 4 s apart, the first at second 0 of a cell.
    expect(epochs.map(({ to, lines }) => [to, lines.length])).toEqual([
      ['102', 3],
      ['104', 2],
      ['107', 3],
      ['109', 2],
      // They are years old: the shard is quiet.
      [expect.stringMatching(/^109@20..-..-..T/), 0],
    ]);
  });

  it('lists the shards page by page', async () => {
    const { asked } = await serve((operation, body) => {
      if (operation !== 'ListShards') return undefined;
      const page = Number(body.NextToken ?? 0);
      return { body: { Shards: [shardOf(`shardId-00000000000${page}`)], ...(page < 2 ? { NextToken: String(page + 1) } : {}) } };
    });
    const { epochs } = await get();
    expect(new Set(epochs.map(({ shard }) => shard)).size).toBe(3);
    expect(asked.filter(({ operation }) => operation === 'ListShards').map(({ body }) => body)).toEqual([
      { StreamName: 'movements' },
      { NextToken: '1' },
      { NextToken: '2' },
    ]);
  });

  it('does not wait for a child whose parent has passed out of retention', async () => {
    await serve((operation) =>
      operation === 'ListShards'
        ? {
            body: {
              Shards: [
                {
                  ...shardOf('shardId-000000000007'),
                  ParentShardId: 'shardId-000000000001',
                  AdjacentParentShardId: 'shardId-000000000002',
                },
              ],
            },
          }
        : undefined,
    );
    expect(numbers((await get()).lines)).toEqual(range(0, 10));
  });

  it('stops before --until, a time, and tells the lag on the way', async () => {
    await serve(() => undefined);
    const { lines, context } = await get({ options: { until: new Date(1_700_000_016_000).toISOString() } });
    expect(numbers(lines)).toEqual([0, 1, 2, 3]);
    expect(context.progress.lagMs).toBeDefined();
  });

  it('reads to the tip as it was at the start, though the stream never rests', async () => {
    let n = 0;
    let elapsedMs = 0;
    await serve((operation, body) => {
      if (operation !== 'GetRecords') return undefined;
      n++;
      // Each answer is a second nearer to a tip that moves on a second.
      elapsedMs += 1_000;
      const record = {
        Data: Buffer.from(line(n)).toString('base64'),
        PartitionKey: 'k',
        SequenceNumber: String(n),
        ApproximateArrivalTimestamp: 1_700_000_000 + n,
      };
      return { body: { Records: [record], NextShardIterator: body.ShardIterator, MillisBehindLatest: 5_000 } };
    });
    const { lines } = await get({ tuning: { elapsed: () => elapsedMs, sleep: async () => {} } });
    expect(numbers(lines)).toEqual(range(1, 7));
  });
});

describe('reading, with kinesis-local', () => {
  let local: Running;
  beforeAll(async () => {
    local = await startKinesisLocal();
  });
  afterAll(() => local.stop());
  beforeEach(() => pointSdkAt(local.endpoint));
  afterEach(async () => {
    const streams = kinesisStreams(testContext());
    for (const name of await streams.list()) await streams.delete(name);
    await new Promise((resolve) => setTimeout(resolve, 30));
    streams.close();
  });

  it('begins at the end, under an app, and a restart goes on from that moment', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 20));
    // The service's time is known in whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const first = await get({ options: { position: 'end', exitAtEnd: true, app: 'a' } });
    expect(first.lines).toEqual([]);
    expect(first.epochs).toHaveLength(2);
    await putData('movements', entries(20, 40));
    const second = await get({ options: { position: 'end', exitAtEnd: true, app: 'a' }, from: first.positions });
    expect(sorted(numbers(second.lines))).toEqual(range(20, 40));
  });

  it('reads over a change of the number of shards', async () => {
    await makeStream('movements', 2);
    await putData('movements', entries(0, 60));
    await withClient(async (client) => {
      const { UpdateShardCountCommand } = await import('@aws-sdk/client-kinesis');
      await client.send(
        new UpdateShardCountCommand({ StreamName: 'movements', TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }),
      );
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await putData('movements', entries(60, 120));
    const { lines, positions } = await get({ options: { exitAtEnd: true, app: 'a' } });
    expect(sorted(numbers(lines))).toEqual(range(0, 120));
    expect(Object.values(positions)).toContain('SHARD_END');
  });

  it('lists, describes and deletes streams', async () => {
    await makeStream('movements', 3);
    const streams = kinesisStreams(testContext());
    expect(await streams.list()).toEqual(['movements']);
    expect(await streams.describe('movements')).toMatchObject({
      name: 'movements',
      status: 'ACTIVE',
      openShards: 3,
      retentionHours: 24,
    });
    expect((await streams.describe('movements')).shards).toHaveLength(3);
    await streams.delete('movements');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await streams.list()).toEqual([]);
    expect(await failureOf(streams.describe('movements'))).toMatchObject({ exit: 78 });
    streams.close();
  });
});
