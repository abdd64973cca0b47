import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { deliver } from '../../src/lib/delivery.ts';
import { firehoseSink } from '../../src/lib/stream/firehose/sink.ts';
import { bash, environmentIn, temporary } from '../house/bash.ts';
import { batchesOf, failureOf, testCall, testContext, textOf } from '../support/context.ts';
import { awsEnvironmentAt, type Body, type Fault, pointSdkAt, type Running, startFaultyKinesis } from './servers.ts';
import { fastTuning } from './streams.ts';

let running: Running | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const range = (to: number) => Array.from({ length: to }, (_, n) => n);
const record = (n: number, pad = '') => JSON.stringify({ n, ...(pad && { pad }) });

/** Puts lines by the real step into whatever the SDK is pointed at. */
async function put(lines: readonly string[], keep = false) {
  const context = testContext();
  const { call, letters } = testCall('put-firehose', {}, context, [], keep);
  await textOf(
    deliver(call, firehoseSink(call, 'movements', fastTuning()))(batchesOf([lines.map((line) => `${line}\n`).join('')])),
  );
  return { letters, context };
}

/** A Firehose that keeps what it takes; `fault` is an answer to a whole request, `judge` why one record of it is refused. */
async function startFirehose({
  judge = () => undefined,
  fault = () => undefined,
  delayMs = 0,
}: {
  delayMs?: number;
  judge?: (n: number, call: number) => string | undefined;
  fault?: (call: number) => Fault | undefined;
} = {}) {
  const taken: number[] = [];
  const texts: string[] = [];
  let calls = 0;
  const faulty = await startFaultyKinesis(async (operation, body) => {
    await sleep(delayMs);
    if (operation !== 'PutRecordBatch') return { status: 400, error: 'UnknownOperationException' };
    const wrong = fault(++calls);
    if (wrong !== undefined) return wrong;
    const results = body.Records.map((entry: Body) => {
      const text = Buffer.from(entry.Data, 'base64').toString();
      const { n } = JSON.parse(text) as { n: number };
      const error = judge(n, calls);
      if (error !== undefined) return { ErrorCode: error, ErrorMessage: 'not now' };
      texts.push(text);
      taken.push(n);
      return { RecordId: `record ${taken.length}` };
    });
    const failed = results.filter((result: Body) => result.ErrorCode).length;
    return { body: { FailedPutCount: failed, Encrypted: false, RequestResponses: results } };
  });
  running = faulty;
  pointSdkAt(faulty.endpoint);
  return { taken, texts, asked: faulty.asked, endpoint: faulty.endpoint, sorted: () => [...taken].sort((a, b) => a - b) };
}

it('puts lines with their newlines, 500 to a request, and a request has no more than 4 MiB', async () => {
  const { texts, asked, sorted } = await startFirehose();
  const lines = [...range(1200).map((n) => record(n)), ...range(12).map((n) => record(1200 + n, 'x'.repeat(1_000_000)))];
  await put(lines);
  expect(sorted()).toEqual(range(1212));
  expect([...texts].sort()).toEqual(lines.map((line) => `${line}\n`).sort());
  for (const { body } of asked) {
    expect(Object.keys(body).sort()).toEqual(['DeliveryStreamName', 'Records']);
    expect(body.DeliveryStreamName).toBe('movements');
    expect(body.Records.length).toBeLessThanOrEqual(500);
    const bytes = body.Records.reduce((sum: number, { Data }: Body) => sum + Buffer.from(Data, 'base64').length, 0);
    expect(bytes).toBeLessThanOrEqual(4 * 1024 ** 2);
    for (const entry of body.Records) expect(Object.keys(entry)).toEqual(['Data']);
  }
});

it('sends again what was refused of a request for the moment, and nothing else', async () => {
  const { sorted, asked } = await startFirehose({
    judge: (n, call) =>
      call <= 3 && n % 3 === 0 ? 'ServiceUnavailableException' : n % 7 === 0 && call <= 2 ? 'InternalFailure' : undefined,
  });
  await put(range(900).map((n) => record(n)));
  expect(sorted()).toEqual(range(900));
  expect(asked.length).toBeGreaterThan(2);
});

it('comes through throttling, resets, faults and answers that are cut; what may have been taken may come twice, and nothing is lost', async () => {
  const faults: Fault[] = [
    { status: 400, error: 'ServiceUnavailableException' },
    { reset: true },
    { status: 500, error: 'InternalFailure' },
    { raw: '{"FailedPutCount":0,"RequestResponses":[{"RecordId":"1' },
    { body: { FailedPutCount: 0, RequestResponses: [] } },
  ];
  const { taken } = await startFirehose({ fault: (call) => faults[call - 1] });
  await put(range(1500).map((n) => record(n)));
  expect([...new Set(taken)].sort((a, b) => a - b)).toEqual(range(1500));
});

it('rejects a line that is too large or no JSON, and what is refused for good, each with its reason', async () => {
  const { sorted } = await startFirehose({ judge: (n) => (n === 3 ? 'InvalidArgumentException' : undefined) });
  const large = record(1, 'x'.repeat(1000 * 1024));
  const { letters } = await put([record(0), large, '{"n":2,}', record(3), record(4)], true);
  expect(sorted()).toEqual([0, 4]);
  expect(letters.map(({ position, reason }) => [position, reason])).toEqual([
    ['line 2', expect.stringMatching(/^too large for Firehose: 10\d+ bytes, at most 1024000$/)],
    ['line 3', expect.any(String)],
    ['line 4', expect.stringContaining('InvalidArgumentException')],
  ]);
});

it.each([
  ['ResourceNotFoundException', 78, /region/],
  ['InvalidSourceException', 78, /DirectPut/],
  ['AccessDeniedException', 77, /IAM/],
  ['InvalidKMSResourceException', 78, /KMS/],
])('%s ends it with %i', async (error, exit, remedy) => {
  await startFirehose({ fault: () => ({ status: 400, error }) });
  const failure = await failureOf(put([record(0)]));
  expect(failure).toMatchObject({ exit, remedy: expect.stringMatching(remedy) });
  expect(failure.message).toContain(`putting records into firehose:movements: ${error}`);
});

it('gives up with 75 where it stays throttled', async () => {
  await startFirehose({ judge: () => 'ServiceUnavailableException' });
  expect(await failureOf(put([record(0)]))).toMatchObject({ exit: 75, remedy: expect.stringContaining('quota') });
});

it('is killed again and again under an app: nothing lost, doubled only what was not committed', { timeout: 60_000 }, async () => {
  const { taken, endpoint } = await startFirehose({ delayMs: 100 });
  const cwd = mkdtempSync(join(temporary, 'buda-firehose-'));
  const env = { ...environmentIn(cwd), ...awsEnvironmentAt(endpoint) };
  const input = Buffer.from(
    range(6000)
      .map((n) => `${record(n)}\n`)
      .join(''),
  );
  expect(await bash('buda put-stream movements -q', { cwd, env, input })).toMatchObject({ exit: 0 });
  const copy = (start: string) =>
    bash(`buda get-stream movements --app lake -e --epoch 200 -q | ${start} buda put-firehose movements --app lake -q`, {
      cwd,
      env,
    });
  let kills = 0;
  // A source that three sinks in a row have not heard out refuses: the last has time to begin, however slow the machine is.
  for (const seconds of [0.4, 0.6, 0.8]) if ((await copy(`timeout -s KILL ${seconds}`)).exit !== 0) kills++;
  expect(kills).toBeGreaterThan(0);
  expect(new Set(taken).size).toBeLessThan(6000);
  expect(await copy('')).toMatchObject({ exit: 0, stderr: '' });
  expect([...new Set(taken)].sort((a, b) => a - b)).toEqual(range(6000));
  // A kill repeats one epoch, of 200 records.
  expect(taken.length).toBeLessThanOrEqual(6000 + 200 * kills);
  const { length } = taken;
  expect(await copy('')).toMatchObject({ exit: 0 });
  expect(taken).toHaveLength(length);
  rmSync(cwd, { recursive: true });
});

it('refuses a name that Firehose would refuse', () => {
  const { call } = testCall('put-firehose');
  expect(() => firehoseSink(call, 'a/b')).toThrow(/at most 64/);
});
