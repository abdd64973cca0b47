import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KinesisShard } from '../../src/lib/aws/kinesis.ts';
import { deliver, type Sink } from '../../src/lib/delivery.ts';
import { Batch } from '../../src/lib/lines.ts';
import { deaggregate, hashKeyOf, type SubRecord } from '../../src/lib/stream/kinesis/aggregated.ts';
import { Bundle, Packer, packAgain } from '../../src/lib/stream/kinesis/packer.ts';
import { ShardMap } from '../../src/lib/stream/kinesis/shard-map.ts';
import { kinesisSink, kinesisSource } from '../../src/lib/stream/kinesis.ts';
import { openSink } from '../../src/lib/stream/open.ts';
import { batchesOf, failureOf, testCall, testContext, textOf } from '../support/context.ts';
import { aggregate } from './aggregate.ts';
import { type Body, pointSdkAt, type Running, startFaultyKinesis, startKinesalite } from './servers.ts';
import { fastTuning, makeStream, mergeShards, rawRecordsIn, splitShard } from './streams.ts';

let running: Running | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const record = (n: number, key = `key ${n}`, pad = '') => JSON.stringify({ n, k: key, ...(pad && { pad }) });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const batchOf = (lines: readonly string[]) => Batch.ofBytes(Buffer.from(lines.map((line) => `${line}\n`).join('')), lines.length);

function openAggregating({ keep = false }: { keep?: boolean } = {}) {
  const context = testContext();
  const { call, letters } = testCall('put-stream', { key: 'k', aggregate: true }, context, [], keep);
  const sink: Sink = kinesisSink(call, 'movements', fastTuning());
  return { sink, letters, call, context };
}

/** Puts lines by the real step into whatever the SDK is pointed at. */
async function put(lines: readonly string[], options: { keep?: boolean } = {}) {
  const { sink, letters, call } = openAggregating(options);
  await textOf(deliver(call, sink)(batchesOf([lines.map((line) => `${line}\n`).join('')])));
  return letters;
}

/** What get-stream reads to the tip, and what it passed over. */
async function get(options: Record<string, unknown> = { exitAtEnd: true }, from: Record<string, string> = {}) {
  const { call } = testCall('get-stream', options);
  const source = kinesisSource(call, 'movements', fastTuning());
  const lines: string[] = [];
  const positions = { ...from };
  for await (const { batch, shard, to } of source.read(from)) {
    for (const line of batch.lines) lines.push(line.bytes.toString());
    if (to !== undefined) positions[shard ?? ''] = to;
  }
  await source.close?.();
  return { records: lines.map((line) => JSON.parse(line) as { n: number; k: string }), positions };
}

function expectInOrder(records: readonly { n: number; k: string }[]): void {
  const last = new Map<string, number>();
  for (const { n, k } of records) {
    expect(n).toBeGreaterThan(last.get(k) ?? -1);
    last.set(k, n);
  }
}
const numbers = (records: readonly { n: number }[]) => records.map(({ n }) => n).sort((a, b) => a - b);

describe('an aggregated record', () => {
  const isPlain = /^[ !#-[\]-~]+$/;
  const key = fc.oneof(
    fc.constantFrom('a', 'b'),
    fc.stringMatching(/^[a-z]{1,40}$/),
    fc.string({ minLength: 1, maxLength: 256, unit: 'binary' }),
  );

  it('is what the plain encoder of the tests makes, byte for byte, unless a key comes back in another window', () => {
    // On both sides of what a varint of one and of two bytes can say.
    const edges = fc.constantFrom(127, 128, 16_383, 16_384);
    const length = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: edges });
    const line = fc.record({ key, gap: fc.oneof(fc.nat(9), fc.constant(3000)), length, isNew: fc.boolean(), shard: fc.nat(2) });
    const packer = new Packer();
    let turned = 0;
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), fc.nat(300), (given, more) => {
        // More keys than a byte can number.
        const lines = [
          ...given,
          ...range(0, more).map((n) => ({ key: `more ${n}`, gap: 0, length: 1, isNew: n === 0, shard: 0 })),
        ];
        const bundles = range(0, 3).map((n) => ({ bundle: new Bundle(`shard ${n}`), plain: [] as Plain[] }));
        // Some stand in one block, one behind another.
        const size = lines.reduce((sum, one) => sum + one.gap + one.length, 0);
        let block = Buffer.alloc(0);
        let at = 0;
        const placed = lines.map(({ key, gap, length, isNew, shard }, n) => {
          if (isNew || n === 0) [block, at] = [Buffer.alloc(size, n + 1), 0];
          const start = at + gap;
          at = start + length;
          // A key stands in its record, if it may and has room there.
          const isInside = isPlain.test(key) && length > key.length;
          if (isInside) block.write(key, start + 1);
          const keyStart = isInside ? start + 1 : -1;
          const text = isInside ? undefined : Buffer.from(key);
          return { key, shard, packed: { block, start, end: at, keyStart, keyEnd: keyStart + key.length, text } };
        });
        let turns = 0;
        for (const [n, { key, shard, packed }] of placed.entries()) {
          const { bundle, plain } = bundles[shard] as (typeof bundles)[0];
          const { block, start, end } = packed;
          if (!packer.add(bundle, packed)) {
            turns++;
            for (const { bundle: one } of bundles) packer.settle(one);
            packer.turn(block, start);
            expect(packer.add(bundle, packed)).toBe(true);
          }
          bundle.numbers.push(n);
          plain.push({ partitionKey: Buffer.from(key).toString(), data: block.subarray(start, end) });
        }
        for (const { bundle, plain } of bundles) {
          if (plain.length === 0) continue;
          const packed = packer.seal(bundle);
          bundle.numbers = [];
          if (plain.length === 1) expect(packed).toEqual(plain[0]?.data);
          else if (turns === 1) expect(packed).toEqual(aggregate(plain));
          else expect(foundIn(packed)).toEqual(plain);
          packer.takeBack(packed);
        }
        if (turns > 1) turned++;
      }),
      { seed: 31, numRuns: 120 },
    );
    expect(turned).toBeGreaterThan(20);
  });

  it('is the same where some of its records go out again', () => {
    const length = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384, 2_097_151, 2_097_152));
    const records = fc.array(fc.record({ partitionKey: key, length }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(records, (given) => {
        const plain = given.map(({ partitionKey, length }, n) => ({
          partitionKey: Buffer.from(partitionKey).toString(),
          data: Buffer.alloc(length, n + 1),
        }));
        const packed = packAgain(plain);
        expect(packed.equals(aggregate(plain))).toBe(true);
        expect(deaggregate(packed)?.length).toBe(plain.length);
      }),
      { seed: 33, numRuns: 40 },
    );
  });

  it('holds as many records as there is room for, each with a key of its own', () => {
    const packer = new Packer();
    const bundle = new Bundle('shard 0');
    const plain: Plain[] = [];
    for (const n of range(0, 11_000)) {
      const block = Buffer.from(String(n));
      const line = { block, start: 0, end: 1, keyStart: -1, keyEnd: -1, text: block };
      if (!packer.add(bundle, line)) {
        packer.settle(bundle);
        packer.turn(block, 0);
        packer.add(bundle, line);
      }
      bundle.numbers.push(n);
      plain.push({ partitionKey: String(n), data: block.subarray(0, 1) });
    }
    expect(foundIn(packer.seal(bundle))).toEqual(plain);
  });
});

type Plain = Pick<SubRecord, 'data' | 'partitionKey'>;

const foundIn = (packed: Buffer) => deaggregate(packed)?.map(({ data, partitionKey }) => ({ partitionKey, data }));

describe('the map of shards', () => {
  it('leads a key where its MD5 falls, closed shards left out, in whatever order they are listed', async () => {
    const cuts = fc.uniqueArray(fc.bigInt({ min: 1n, max: 2n ** 128n - 2n }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.array(fc.string({ minLength: 1, unit: 'binary' }), { maxLength: 30 }), async (given, keys) => {
        const firsts = [0n, ...given.sort((a, b) => (a < b ? -1 : 1))];
        const shards = firsts.map((first, i) => ({
          id: `shard ${i}`,
          parents: [],
          hashKeys: { first, last: (firsts[i + 1] ?? 2n ** 128n) - 1n },
          isClosed: false,
          firstSequenceNumber: '1',
        }));
        const parent = {
          ...shards[0],
          id: 'parent',
          hashKeys: { first: 0n, last: 2n ** 128n - 1n },
          isClosed: true,
        } as KinesisShard;
        const map = new ShardMap(async () => [parent, ...shards].reverse());
        await map.refresh();
        for (const partitionKey of keys) {
          const hashKey = hashKeyOf({ partitionKey, explicitHashKey: undefined });
          const own = shards.find(({ hashKeys }) => hashKeys.first <= hashKey && hashKey <= hashKeys.last);
          const block = Buffer.from(`{"id":"${partitionKey}"}`);
          const keyEnd = 7 + Buffer.byteLength(partitionKey);
          expect(map.shardOf(block, 7, keyEnd)).toBe(own?.id);
          for (const { id } of shards) expect((await map.finder(id))(partitionKey)).toBe(id === own?.id);
        }
      }),
      { seed: 32, numRuns: 60 },
    );
  });
});

describe('--aggregate, with kinesalite', () => {
  beforeEach(async () => {
    running = await startKinesalite();
    pointSdkAt(running.endpoint);
  });

  it('packs many records into few, of one shard each, and get-stream takes them apart in order', async () => {
    await makeStream('movements', 4);
    await put(range(0, 10_000).map((n) => record(n, `customer ${n % 211}`)));
    const stored = await rawRecordsIn('movements');
    expect(stored.length).toBeLessThan(20);
    for (const { data } of stored) expect(data.length).toBeLessThan(300 * 1024);
    const { records } = await get();
    expect(numbers(records)).toEqual(range(0, 10_000));
    expectInOrder(records);
  });

  it('keeps what is put while shards are split and merged: nothing lost to readers, nothing doubled, in order within each key', async () => {
    await makeStream('movements', 2);
    const { sink } = openAggregating();
    const customers = (from: number, to: number) => batchOf(range(from, to).map((n) => record(n, `customer ${n % 40}`)));
    await sink.write(customers(0, 400));
    await sink.flush({} as never);
    // Behind its back.
    await splitShard('movements', 'shardId-000000000000', 2n ** 125n);
    await sink.write(customers(400, 800));
    await sink.write(customers(800, 1_200));
    await sink.flush({} as never);
    await mergeShards('movements', 'shardId-000000000003', 'shardId-000000000001');
    await sink.write(customers(1_200, 1_600));
    await sink.flush({} as never);
    await splitShard('movements', 'shardId-000000000004', 2n ** 127n);
    await sink.write(customers(1_600, 2_000));
    await sink.flush({} as never);
    await sink.close();
    const { records } = await get();
    expect(numbers(records)).toEqual(range(0, 2_000));
    expectInOrder(records);
  });

  it('leaves one record alone as it is, and a large one too', async () => {
    await makeStream('movements', 1);
    const large = record(1, 'a', 'x'.repeat(1024 ** 2 - 60));
    await put([large, record(2, 'a')]);
    const stored = await rawRecordsIn('movements');
    expect(stored.map(({ data }) => data.toString())).toEqual([`${large}\n`, `${record(2, 'a')}\n`]);
  });

  it('is read up to -n, and under an app goes on behind whole records', async () => {
    await makeStream('movements', 1);
    await put(range(0, 50).map((n) => record(n)));
    await put(range(50, 100).map((n) => record(n)));
    expect(numbers((await get({ count: 7 })).records)).toEqual(range(0, 7));
    const first = await get({ app: 'a', count: 7 });
    const second = await get({ app: 'a', exitAtEnd: true }, first.positions);
    expect(numbers([...first.records, ...second.records])).toEqual(range(0, 100));
  });
});

/** A service of two shards that keeps what it takes; `judge` says whether an entry is refused, and how, or which shard it says took it. */
async function startStore(judge: (entry: Body, call: number) => { error?: string; shard?: string } = () => ({})) {
  const taken: { n: number; k: string }[] = [];
  const half = 2n ** 127n;
  let puts = 0;
  const faulty = await startFaultyKinesis((operation, body) => {
    if (operation === 'ListShards') {
      const shard = (id: number, first: bigint, last: bigint) => ({
        ShardId: `shardId-00000000000${id}`,
        HashKeyRange: { StartingHashKey: String(first), EndingHashKey: String(last) },
        SequenceNumberRange: { StartingSequenceNumber: '1' },
      });
      return { body: { Shards: [shard(0, 0n, half - 1n), shard(1, half, 2n * half - 1n)] } };
    }
    puts++;
    const results = body.Records.map((entry: Body) => {
      const { error, shard = `shardId-00000000000${isLow(entry) ? 0 : 1}` } = judge(entry, puts);
      if (error !== undefined) return { ErrorCode: error, ErrorMessage: 'not now' };
      for (const { data } of unpack(entry)) taken.push(JSON.parse(data.toString()));
      return { ShardId: shard, SequenceNumber: '1' };
    });
    return { body: { FailedRecordCount: 0, Records: results } };
  });
  running = faulty;
  pointSdkAt(faulty.endpoint);
  const unpack = (entry: Body) => {
    const data = Buffer.from(entry.Data, 'base64');
    return deaggregate(data) ?? [{ data, partitionKey: entry.PartitionKey }];
  };
  return { taken, unpack, asked: faulty.asked };
}

/** Which half of the hash keys its key falls into. */
const isLow = (entry: Body) => createHash('md5').update(entry.PartitionKey).digest('hex') < '8';
const lows = range(0, 99)
  .map((n) => `key ${n}`)
  .filter((key) => isLow({ PartitionKey: key }));

/** A service whose shards are split or merged at every fourth request. Like a reader, it takes only what lies in the right shard. */
async function startChanging() {
  const taken: { n: number; k: string }[] = [];
  const bytes = 256;
  let first = 0;
  let parts = 1;
  let puts = 0;
  const hashOf = (key: string) => createHash('md5').update(key).digest()[0] as number;
  const shardOf = (key: string) => first + Math.floor((hashOf(key) * parts) / bytes);
  const range128 = 2n ** 128n;
  const faulty = await startFaultyKinesis((operation, body) => {
    if (operation === 'ListShards') {
      const listed = range(0, parts).map((part) => ({
        ShardId: `shardId-${first + part}`,
        HashKeyRange: {
          StartingHashKey: String((range128 * BigInt(part)) / BigInt(parts)),
          EndingHashKey: String((range128 * BigInt(part + 1)) / BigInt(parts) - 1n),
        },
        SequenceNumberRange: { StartingSequenceNumber: '1' },
      }));
      return { body: { Shards: listed } };
    }
    if (++puts % 4 === 0) {
      first += parts;
      parts = parts === 4 ? 1 : parts * 2;
    }
    const results = body.Records.map((entry: Body) => {
      const shard = shardOf(entry.PartitionKey);
      const data = Buffer.from(entry.Data, 'base64');
      for (const { data: line, partitionKey } of deaggregate(data) ?? [{ data, partitionKey: entry.PartitionKey }])
        if (shardOf(partitionKey) === shard) taken.push(JSON.parse(line.toString()));
      return { ShardId: `shardId-${shard}`, SequenceNumber: '1' };
    });
    return { body: { FailedRecordCount: 0, Records: results } };
  });
  running = faulty;
  pointSdkAt(faulty.endpoint);
  return { taken, changes: () => Math.floor(puts / 4) };
}

describe('--aggregate: what goes wrong', () => {
  it('sends the same aggregate again where it was throttled, and keeps the order', async () => {
    let seed = 5;
    const chance = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const { taken, asked } = await startStore(() => (chance() < 0.4 ? { error: 'ProvisionedThroughputExceededException' } : {}));
    const lines = range(0, 3_000).map((n) => record(n, `customer ${n % 37}`, 'x'.repeat(700)));
    await put(lines);
    expect(numbers(taken)).toEqual(range(0, 3_000));
    expectInOrder(taken);
    const sent = asked.flatMap(({ operation, body }) => (operation === 'PutRecords' ? body.Records : []));
    const distinct = new Set(sent.map((entry: Body) => entry.Data));
    expect(distinct.size).toBeLessThan(sent.length);
    expect(distinct.size).toBeLessThan(20);
  });

  it.each([
    ['two that share an aggregate', [record(1), record(2)]],
    ['one that is too large to share', [record(1, 'a', 'x'.repeat(300_000))]],
  ])('does not wait for more than a moment: %s', async (_, lines) => {
    const { taken } = await startStore();
    const { sink } = openAggregating();
    await sink.write(batchOf(lines));
    for (let waitedMs = 0; taken.length < lines.length && waitedMs < 5_000; waitedMs += 20) await sleep(20);
    expect(taken).toHaveLength(lines.length);
    await sink.close();
  });

  it('keeps the order within a key while shards change under what is on its way', async () => {
    const { taken, changes } = await startChanging();
    const { sink } = openAggregating();
    for (const from of range(0, 40)) {
      await sink.write(batchOf(range(from * 200, from * 200 + 200).map((n) => record(n, `customer ${n % 40}`, 'x'.repeat(500)))));
      await sleep(1);
    }
    await sink.flush({} as never);
    await sink.close();
    expect(changes()).toBeGreaterThan(3);
    expect(numbers(taken)).toEqual(range(0, 8_000));
    expectInOrder(taken);
  });

  it('rejects each record of an aggregate that is refused for good, with its own line', async () => {
    await startStore(() => ({ error: 'InvalidArgumentException' }));
    const letters = await put(
      range(0, 3).map((n) => record(n, lows[0])),
      { keep: true },
    );
    expect(letters.map(({ record: kept }) => kept)).toEqual(range(0, 3).map((n) => record(n, lows[0])));
    expect(letters.map(({ position }) => position)).toEqual(['line 1', 'line 2', 'line 3']);
  });

  it('ends with 75 where a shard took records and is never listed', async () => {
    await startStore(() => ({ shard: 'shardId-000000000009' }));
    const failure = await failureOf(put(range(0, 5).map((n) => record(n, lows[n]))));
    expect(failure).toMatchObject({ exit: 75, message: expect.stringContaining('shardId-000000000009') });
  });

  it('ends with 69 where a shard is said to hold what it cannot', async () => {
    await startStore(() => ({ shard: 'shardId-000000000001' }));
    const failure = await failureOf(put(range(0, 5).map((n) => record(n, lows[n]))));
    expect(failure).toMatchObject({ exit: 69, remedy: expect.stringContaining('--aggregate') });
  });

  it('fails at a timer as it would at a write', async () => {
    await startStore(() => ({ error: 'AccessDeniedException' }));
    const { sink } = openAggregating();
    await sink.write(batchOf([record(1), record(2)]));
    await sleep(300);
    await expect(sink.write(batchOf([record(3)]))).rejects.toMatchObject({ exit: 77 });
    await sink.close();
  });

  it('is refused for the local log', async () => {
    const { call } = testCall('put-stream', { aggregate: true });
    expect(await failureOf(openSink(call, 'local:movements'))).toMatchObject({ exit: 2 });
  });
});
