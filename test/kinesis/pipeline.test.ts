import { afterEach, beforeEach, expect, it } from 'vitest';
import { deliver } from '../../src/lib/delivery.ts';
import { type Batch, readBatches, writeBatch } from '../../src/lib/lines.ts';
import { checkProtocol } from '../../src/lib/protocol.ts';
import { produce } from '../../src/lib/sources.ts';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { kinesisSink, kinesisSource } from '../../src/lib/stream/kinesis.ts';
import { testCall, testContext, textOf } from '../support/context.ts';
import { pointSdkAt, type Running, startKinesalite } from './servers.ts';
import { fastTuning, makeStream, putData, recordsIn, splitShard } from './streams.ts';

let running: Running;

beforeEach(async () => {
  running = await startKinesalite();
  pointSdkAt(running.endpoint);
});
afterEach(() => running.stop());

const home = testContext().home;

/** One run of `get-stream movements --app copy -e | put-stream copy`, over the wire; the pipe breaks before mark number `breakAt`. */
async function run(breakAt: number): Promise<void> {
  const base = testContext({ home });
  const stores = (url: string | undefined) => openCheckpoints(url, { home, host: base.host, now: () => new Date() });
  const context = { ...base, openCheckpoints: stores };
  const epoch = { maxRecords: 70, maxBytes: 1 << 23 };
  const getCall = testCall('get-stream', { app: 'copy', exitAtEnd: true, epoch }, context).call;
  const putCall = testCall('put-stream', { app: 'copy', key: 'k' }, context).call;
  const source = produce(getCall, kinesisSource(getCall, 'movements', fastTuning()));
  async function* pipe(): AsyncGenerator<Buffer> {
    let marks = 0;
    for await (const batch of source((async function* (): AsyncGenerator<Batch> {})())) {
      if (batch.control?.kind === 'mark' && ++marks === breakAt) {
        // What stood before the mark has gone through the pipe; the mark has not.
        yield writeBatch(batch.closedBy(undefined));
        return;
      }
      yield writeBatch(batch);
    }
  }
  const reject = () => {
    throw new Error('a bad line on the wire');
  };
  const input = checkProtocol(readBatches(pipe(), { maxLineBytes: 1 << 24, reject }));
  await textOf(deliver(putCall, kinesisSink(putCall, 'copy', fastTuning()))(input));
}

it('copies a stream over breaks and a split: nothing lost, doubled only what was not committed, in order within each key', async () => {
  await makeStream('movements', 2);
  await makeStream('copy', 3);
  const entries = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => {
      const n = from + index;
      return { data: JSON.stringify({ n, k: `customer ${n % 23}` }), partitionKey: `customer ${n % 23}` };
    });
  await putData('movements', entries(0, 500));
  let breaks = 0;
  const runToTheEnd = async (breakAt: number) => {
    for (;;) {
      try {
        return await run(breakAt);
      } catch (error) {
        expect(error).toMatchObject({ exit: 75 });
        breaks++;
      }
    }
  };
  await runToTheEnd(3);
  await splitShard('movements', 'shardId-000000000001', 3n * 2n ** 126n);
  await putData('movements', entries(500, 900));
  await runToTheEnd(4);

  const values = (await recordsIn('copy')).map(({ data }) => JSON.parse(data) as { n: number; k: string });
  expect([...new Set(values.map(({ n }) => n))].sort((a, b) => a - b)).toEqual(Array.from({ length: 900 }, (_, n) => n));
  expect(breaks).toBeGreaterThanOrEqual(4);
  // A break repeats one epoch, of 70 records at most.
  expect(values.length).toBeLessThanOrEqual(900 + breaks * 70);
  expect(values.length).toBeGreaterThan(900);
  for (let customer = 0; customer < 23; customer++) {
    const own = values.filter(({ k }) => k === `customer ${customer}`).map(({ n }) => n);
    const firsts = own.filter((n, index) => own.indexOf(n) === index);
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
  }
});
