import { createHash } from 'node:crypto';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Kinesis } from '../../src/lib/aws/kinesis.ts';
import type { Sink } from '../../src/lib/delivery.ts';
import { deliver } from '../../src/lib/delivery.ts';
import { Failure } from '../../src/lib/errors.ts';
import { deaggregate } from '../../src/lib/stream/kinesis/aggregated.ts';
import { kinesisSink } from '../../src/lib/stream/kinesis.ts';
import { batchesOf, failureOf, testCall, testContext, textOf } from '../support/context.ts';
import { type Body, type Fault, pointSdkAt, type Running, startFaultyKinesis, startKinesalite } from './servers.ts';
import { fastTuning, makeStream, rawRecordsIn, recordsIn } from './streams.ts';

let running: (Running & { asked?: { operation: string; body: Body }[] }) | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** Puts lines by the real step into whatever the SDK is pointed at. */
async function put(
  lines: readonly string[],
  { options = {}, keep = false }: { options?: Record<string, unknown>; keep?: boolean } = {},
) {
  const context = testContext();
  const { call, letters } = testCall('put-stream', { key: 'k', ...options }, context, [], keep);
  const sink: Sink = kinesisSink(call, 'movements', fastTuning());
  await textOf(deliver(call, sink)(batchesOf([lines.map((line) => `${line}\n`).join('')])));
  return { letters, context, call };
}

const record = (n: number, key = `key ${n}`) => JSON.stringify({ id: `r_${n}`, k: key, n });

/** A service that keeps what it takes; `judge` says, for each record of a call, whether it is refused, and how. */
async function startStore(
  judge: (entry: Body, index: number, call: number, entries: Body[]) => string | undefined = () => undefined,
) {
  const taken: { n: number; k: string; data: string; partitionKey: string }[] = [];
  const sizes: number[] = [];
  const faulty = await startFaultyKinesis((operation, body, call) => {
    if (operation !== 'PutRecords') return { status: 400, error: 'UnknownOperationException' };
    sizes.push(body.Records.length);
    const results = body.Records.map((entry: Body, index: number) => {
      const error = judge(entry, index, call, body.Records);
      if (error !== undefined) return { ErrorCode: error, ErrorMessage: 'not now' };
      take(entry);
      return { ShardId: 'shardId-000000000000', SequenceNumber: String(taken.length) };
    });
    return { body: { FailedRecordCount: results.filter((result: Body) => result.ErrorCode).length, Records: results } };
  });
  function take(entry: Body) {
    const data = Buffer.from(entry.Data, 'base64').toString();
    taken.push({ ...JSON.parse(data), data, partitionKey: entry.PartitionKey });
  }
  running = faulty;
  pointSdkAt(faulty.endpoint);
  return { taken, sizes, asked: faulty.asked, take };
}

/** The values of `n` in order, by key. */
function byKey(taken: readonly { n: number; k: string }[]): Map<string, number[]> {
  const keys = new Map<string, number[]>();
  for (const { n, k } of taken) keys.set(k, [...(keys.get(k) ?? []), n]);
  return keys;
}

describe('PutRecords: what goes wrong', () => {
  it('sends nothing for an empty input', async () => {
    const { asked } = await startStore();
    await put([]);
    expect(asked).toHaveLength(0);
  });

  it('puts exactly 500 records into one request', async () => {
    const { taken, sizes } = await startStore();
    await put(Array.from({ length: 500 }, (_, n) => record(n)));
    expect(sizes).toEqual([500]);
    expect(taken).toHaveLength(500);
    expect(new Set(taken.map(({ n }) => n)).size).toBe(500);
  });

  it('puts 501 records into more than one, none twice', async () => {
    const { taken, sizes } = await startStore();
    await put(Array.from({ length: 501 }, (_, n) => record(n)));
    expect(taken.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 501 }, (_, n) => n));
    expect([...sizes].sort((a, b) => b - a)).toEqual([500, 1]);
  });

  it('keeps a request under 5 MiB, keys counted, and ends each record with a newline', async () => {
    const { taken, asked } = await startStore();
    const lines = Array.from({ length: 40 }, (_, n) =>
      JSON.stringify({ n, k: `${'k'.repeat(250)}${n}`, pad: 'x'.repeat(400_000) }),
    );
    await put(lines);
    expect(taken.map(({ data }) => data).sort()).toEqual(lines.map((line) => `${line}\n`).sort());
    for (const { body } of asked) {
      const bytes = body.Records.reduce(
        (sum: number, entry: Body) => sum + Buffer.from(entry.Data, 'base64').length + entry.PartitionKey.length,
        0,
      );
      expect(bytes).toBeLessThanOrEqual(5 * 1024 ** 2);
    }
  });

  it('rejects one record over the limit, key counted, and puts the others', async () => {
    const { taken } = await startStore();
    const room = 1024 ** 2 - Buffer.byteLength(`${JSON.stringify({ n: 1, k: 'ab', pad: '' })}\n`) - 2;
    const fits = JSON.stringify({ n: 1, k: 'ab', pad: 'x'.repeat(room) });
    const tooLarge = JSON.stringify({ n: 2, k: 'ab', pad: 'x'.repeat(room + 1) });
    const { letters } = await put([record(0), fits, tooLarge, record(3)], { keep: true });
    expect(taken.map(({ n }) => n).sort()).toEqual([0, 1, 3]);
    expect(letters.map(({ reason, position }) => [reason, position])).toEqual([
      ['too large for Kinesis: 1048577 bytes with its key, at most 1048576', 'line 3'],
    ]);
    expect(await failureOf(put([tooLarge]))).toMatchObject({ exit: 65 });
  });

  it('sends again only the records that were throttled', async () => {
    const { taken, asked } = await startStore((_, index, call) =>
      call === 1 && index % 3 === 0 ? 'ProvisionedThroughputExceededException' : undefined,
    );
    await put(Array.from({ length: 100 }, (_, n) => record(n)));
    expect(taken.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(asked.reduce((sum, { body }) => sum + body.Records.length, 0)).toBeGreaterThan(100);
  });

  it('gets through when all are throttled, then fine', async () => {
    const { taken } = await startStore((_, __, call) => (call <= 4 ? 'ProvisionedThroughputExceededException' : undefined));
    const { context } = await put(Array.from({ length: 20 }, (_, n) => record(n)));
    expect(taken).toHaveLength(20);
    expect(context.progress.note).toBeUndefined();
  });

  it('ends with 75 when nothing is taken for good, and says why', async () => {
    const { taken, asked } = await startStore(() => 'InternalFailure');
    const failure = await failureOf(put([record(1)]));
    expect(failure).toMatchObject({ exit: 75, message: expect.stringContaining('InternalFailure') });
    expect(taken).toHaveLength(0);
    expect(asked).toHaveLength(10);
  });

  it('goes on while some records of each answer are taken, however many answers that needs', async () => {
    const { taken } = await startStore((_, index) => (index > 0 ? 'ProvisionedThroughputExceededException' : undefined));
    await put(Array.from({ length: 30 }, (_, n) => record(n)));
    expect(taken).toHaveLength(30);
  });

  it('gives one that is refused for good to the dead letters, among good ones', async () => {
    const bad = (entry: Body) => (entry.PartitionKey === 'key 3' ? 'InvalidArgumentException' : undefined);
    const { taken } = await startStore(bad);
    const { letters } = await put(
      Array.from({ length: 6 }, (_, n) => record(n)),
      { keep: true },
    );
    expect(taken.map(({ n }) => n).sort()).toEqual([0, 1, 2, 4, 5]);
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({ record: record(3), reason: expect.stringContaining('InvalidArgumentException') });
    expect(await failureOf(put([record(3)]))).toMatchObject({ exit: 65 });
  });

  it('waits between tries when the whole request fails', async () => {
    const waits: number[] = [];
    const faulty = await startFaultyKinesis((_, body, call) => {
      if (call <= 3) return { status: 500, error: 'InternalFailure' };
      return { body: { FailedRecordCount: 0, Records: body.Records.map(() => ({ ShardId: 's', SequenceNumber: '1' })) } };
    });
    running = faulty;
    pointSdkAt(faulty.endpoint);
    const { call } = testCall('put-stream', { key: 'k' });
    const sink = kinesisSink(call, 'movements', {
      ...fastTuning(),
      baseDelayMs: 100,
      maxDelayMs: 5_000,
      sleep: async (ms) => void waits.push(ms),
    });
    await textOf(deliver(call, sink)(batchesOf([`${record(1)}\n`])));
    expect(faulty.asked).toHaveLength(4);
    expect(waits).toHaveLength(3);
    expect(waits[0]).toBeGreaterThanOrEqual(50);
    expect(waits[2]).toBeGreaterThanOrEqual(200);
  });

  it('keeps the order within a key through partial failures', async () => {
    let seed = 7;
    const chance = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const { taken, asked } = await startStore(() => (chance() < 0.4 ? 'ProvisionedThroughputExceededException' : undefined));
    const lines = Array.from({ length: 600 }, (_, n) => record(n, `customer ${n % 37}`));
    await put(lines);
    expect(taken).toHaveLength(600);
    for (const values of byKey(taken).values()) expect(values).toEqual([...values].sort((a, b) => a - b));
    for (const { body } of asked) {
      const keys = body.Records.map((entry: Body) => entry.PartitionKey);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it('sends again what a short answer does not speak of', async () => {
    const faulty = await startFaultyKinesis((_, body, call) => {
      const results = body.Records.map(() => ({ ShardId: 's', SequenceNumber: String(call) }));
      return { body: { FailedRecordCount: 0, Records: call === 1 ? results.slice(0, 2) : results } };
    });
    running = faulty;
    pointSdkAt(faulty.endpoint);
    await put(Array.from({ length: 5 }, (_, n) => record(n)));
    const [first, ...later] = faulty.asked.map(({ body }) => body.Records.map((entry: Body) => entry.PartitionKey));
    const known = first.slice(0, 2);
    const all = [...known, ...later.flat()];
    expect(all.sort()).toEqual(['key 0', 'key 1', 'key 2', 'key 3', 'key 4']);
  });

  it('sends again after a reset, though the service had taken the records: doubled, never lost, in order', async () => {
    const taken: string[] = [];
    const faulty = await startFaultyKinesis((_, body, call): Fault => {
      for (const entry of body.Records) taken.push(JSON.parse(Buffer.from(entry.Data, 'base64').toString()).n);
      if (call === 1) return { reset: true };
      return { body: { FailedRecordCount: 0, Records: body.Records.map(() => ({ ShardId: 's', SequenceNumber: '1' })) } };
    });
    running = faulty;
    pointSdkAt(faulty.endpoint);
    await put([record(0, 'a'), record(1, 'a'), record(2, 'b')]);
    expect(new Set(taken)).toEqual(new Set([0, 1, 2]));
    expect(taken.length).toBeLessThanOrEqual(6);
    expect(taken.lastIndexOf(0 as never)).toBeLessThan(taken.indexOf(1 as never));
  });

  it('halves a request that is refused as a whole, down to the record that is wrong', async () => {
    const taken: number[] = [];
    const faulty = await startFaultyKinesis((_, body): Fault => {
      const values = body.Records.map((entry: Body) => JSON.parse(Buffer.from(entry.Data, 'base64').toString()).n);
      if (values.includes(11))
        return {
          status: 400,
          error: 'ValidationException',
          message: "Value 'key 11' at 'records.11.member.partitionKey' failed",
        };
      taken.push(...values);
      return { body: { FailedRecordCount: 0, Records: values.map(() => ({ ShardId: 's', SequenceNumber: '1' })) } };
    });
    running = faulty;
    pointSdkAt(faulty.endpoint);
    const { letters } = await put(
      Array.from({ length: 32 }, (_, n) => record(n)),
      { keep: true },
    );
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, n) => n).filter((n) => n !== 11));
    expect(letters.map(({ record: kept }) => kept)).toEqual([record(11)]);
    expect(letters[0]?.reason).not.toContain('key 11');
  });

  it('halves a request that is too large for the service', async () => {
    const taken: number[] = [];
    const faulty = await startFaultyKinesis((_, body): Fault => {
      if (body.Records.length > 3) return { status: 413, error: 'RequestEntityTooLarge' };
      taken.push(...body.Records.map((entry: Body) => JSON.parse(Buffer.from(entry.Data, 'base64').toString()).n));
      return { body: { Records: body.Records.map(() => ({ ShardId: 's', SequenceNumber: '1' })) } };
    });
    running = faulty;
    pointSdkAt(faulty.endpoint);
    await put(Array.from({ length: 20 }, (_, n) => record(n)));
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it.each([
    ['ResourceNotFoundException', 400, 78],
    ['AccessDeniedException', 400, 77],
    ['ExpiredTokenException', 400, 77],
    ['UnrecognizedClientException', 400, 77],
    ['InvalidSignatureException', 400, 77],
    ['KMSDisabledException', 400, 78],
    ['ServiceUnavailable', 503, 75],
    ['LimitExceededException', 400, 75],
  ])('ends a %s with its own exit code', async (error, status, exit) => {
    const faulty = await startFaultyKinesis(() => ({ status, error }));
    running = faulty;
    pointSdkAt(faulty.endpoint);
    expect(await failureOf(put([record(1)]))).toMatchObject({
      exit,
      message: expect.stringContaining(error),
      remedy: expect.any(String),
    });
    expect(faulty.asked).toHaveLength(exit === 75 ? 10 : 1);
  });

  it('ends with 75 after bounded tries where nothing listens', async () => {
    const faulty = await startFaultyKinesis(() => ({ body: {} }));
    await faulty.stop();
    pointSdkAt(faulty.endpoint);
    expect(await failureOf(put([record(1)]))).toMatchObject({ exit: 75, message: expect.stringContaining('ECONNREFUSED') });
  });

  it('asks for credentials again where the way to them broke', async () => {
    await startStore();
    let asked = 0;
    const client = new KinesisClient({
      region: 'us-east-1',
      endpoint: (running as Running).endpoint,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
      credentials: async () => {
        if (++asked === 1) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
        return { accessKeyId: 'test', secretAccessKey: 'test' };
      },
    });
    const kinesis = new Kinesis(client);
    const putRecords = kinesis.putter('movements');
    const block = Buffer.from(`${record(1)}\n`);
    const entries = [{ block, start: 0, end: block.length, keyStart: -1, keyEnd: -1, partitionKey: 'k' }];
    await expect(putRecords(entries)).rejects.toMatchObject({ kind: 'again' });
    expect(await putRecords(entries)).toEqual([{ error: undefined, shard: undefined }]);
    kinesis.close();
  });

  it.each([false, true])('does without WebAssembly where there is none, aggregated: %s', async (aggregate) => {
    const lines = Array.from({ length: 300 }, (_, n) => JSON.stringify({ n, k: n % 7 === 0 ? `kä"${n}` : `k ${n % 5}` }));
    const { WebAssembly } = globalThis as { WebAssembly?: unknown };
    running = await startKinesalite();
    pointSdkAt(running.endpoint);
    await makeStream('movements', 3);
    try {
      delete (globalThis as { WebAssembly?: unknown }).WebAssembly;
      await put(lines, { options: { aggregate } });
    } finally {
      Object.assign(globalThis, { WebAssembly });
    }
    const told = (await rawRecordsIn('movements')).flatMap(({ data }) =>
      (deaggregate(data) ?? [{ data }]).map((one) => String(one.data)),
    );
    expect(told.sort()).toEqual(lines.map((line) => `${line}\n`).sort());
  });

  it('ends with 77 where there are no credentials, and with 78 where there is no region', async () => {
    const faulty = await startFaultyKinesis(() => ({ body: {} }));
    running = faulty;
    pointSdkAt(faulty.endpoint);
    delete process.env.AWS_ACCESS_KEY_ID;
    expect(await failureOf(put([record(1)]))).toMatchObject({ exit: 77, remedy: expect.stringContaining('AWS_PROFILE') });
    pointSdkAt(faulty.endpoint);
    delete process.env.AWS_REGION;
    expect(await failureOf(put([record(1)]))).toMatchObject({ exit: 78, remedy: 'set AWS_REGION' });
    expect(faulty.asked).toHaveLength(0);
  });

  it('tries again when the answer is no JSON', async () => {
    const faulty = await startFaultyKinesis((_, body, call) =>
      call === 1 ? { raw: '<html>busy' } : { body: { Records: body.Records.map(() => ({ ShardId: 's', SequenceNumber: '1' })) } },
    );
    running = faulty;
    pointSdkAt(faulty.endpoint);
    await put([record(1)]);
    expect(faulty.asked).toHaveLength(2);
  });
});

describe('keys', () => {
  it("takes the line's sha256 where a record has no key, and counts it", async () => {
    const { taken } = await startStore();
    const { context } = await put(['{"n":1}', record(2), '{"n":1}']);
    const sha256 = createHash('sha256').update('{"n":1}').digest('hex');
    expect(taken.map(({ partitionKey }) => partitionKey).sort()).toEqual([sha256, 'key 2', sha256].sort());
    expect(context.said).toContainEqual('2 records have no k: the sha256 of the line was the key');
  });

  it('rejects a line that is no JSON', async () => {
    const { taken } = await startStore();
    const { letters } = await put([record(1), '{"k":', record(2)], { keep: true });
    expect(taken.map(({ n }) => n)).toEqual([1, 2]);
    expect(letters).toMatchObject([{ reason: 'not JSON', position: 'line 2', record: '{"k":' }]);
    expect(await failureOf(put(['{"k":']))).toMatchObject({ exit: 65 });
  });

  it('replaces a key that is too long by its hash', async () => {
    const { taken } = await startStore();
    await put([record(1, 'x'.repeat(257))]);
    expect(taken[0]?.partitionKey).toBe(createHash('sha256').update('x'.repeat(257)).digest('hex'));
  });
});

describe('kinesalite', () => {
  beforeEach(async () => {
    running = await startKinesalite();
    pointSdkAt(running.endpoint);
  });

  it('takes 10,000 records into four shards: all there, once, in order within each key', async () => {
    await makeStream('movements', 4);
    const lines = Array.from({ length: 10_000 }, (_, n) => record(n, `customer ${n % 211}`));
    await put(lines);
    const stored = await recordsIn('movements');
    expect(stored).toHaveLength(10_000);
    const values = byKey(stored.map(({ data }) => JSON.parse(data)));
    expect(values.size).toBe(211);
    for (const numbers of values.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('puts records of a mebibyte, and many large ones', async () => {
    await makeStream('movements', 1);
    const lines = Array.from({ length: 12 }, (_, n) => JSON.stringify({ n, k: `key ${n}`, pad: 'x'.repeat(1024 ** 2 - 60) }));
    await put(lines);
    const stored = await recordsIn('movements');
    expect(stored.map(({ data }) => data).sort()).toEqual(lines.map((line) => `${line}\n`).sort());
  });

  it('ends with 78 where the stream is not there', async () => {
    expect(await failureOf(put([record(1)]))).toMatchObject({ exit: 78, message: expect.stringContaining('kinesis:movements') });
  });
});

describe('the client is opened while the first record is still on its way', () => {
  const run = async (pieces: readonly string[], open: () => Promise<Kinesis>) => {
    const { call } = testCall('put-stream', { key: 'k' });
    const sink = kinesisSink(call, 'movements', { open });
    await textOf(deliver(call, sink)(batchesOf(pieces)));
  };
  it('once, and is closed where none comes', async () => {
    const kinesis = new Kinesis();
    const close = vi.spyOn(kinesis, 'close');
    const open = vi.fn(async () => kinesis);
    await run([], open);
    expect(open).toHaveBeenCalledTimes(1);
    expect(close).toHaveBeenCalledTimes(1);
  });
  it('what it lacks is told to the first record, and to nobody where none comes', async () => {
    const open = () => Promise.reject(new Failure('misconfigured', 'no region'));
    await run([], open);
    await expect(run(['{"k":"1"}\n'], open)).rejects.toThrow('no region');
  });
});
