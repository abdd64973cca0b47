import { afterEach, describe, expect, it } from 'vitest';
import { kinesisStreams } from '../../src/lib/stream/kinesis.ts';
import { failureOf, testContext } from '../support/context.ts';
import { type Answer, entries, get, line, numbers, range, recordOf, serveShard, shardOf, sorted } from './reading.ts';
import { pointSdkAt, type Running, startKinesalite, startKinesisLocal } from './servers.ts';
import { makeStream, putData, splitShard } from './streams.ts';

const hourMs = 3_600_000;
const day: Answer = (operation) =>
  operation === 'DescribeStreamSummary'
    ? { body: { StreamDescriptionSummary: { StreamName: 'movements', RetentionPeriodHours: 24 } } }
    : undefined;

let running: Running | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function serve(answer: Answer) {
  const faulty = await serveShard(answer);
  running = faulty;
  pointSdkAt(faulty.endpoint);
  return faulty;
}

async function start(server: Promise<Running>) {
  running = await server;
  pointSdkAt(running.endpoint);
}

describe('retention', () => {
  it('refuses a checkpoint whose record is past retention, and goes on where it is told to', async () => {
    await serve(() => undefined);
    const options = { exitAtEnd: true, app: 'billing' };
    expect(await failureOf(get({ options, from: { 'shardId-000000000000': '42' } }))).toMatchObject({
      exit: 65,
      message: expect.stringContaining('checkpoint 42'),
      remedy: expect.stringContaining('buda state set billing beginning --source kinesis:movements --shard shardId-000000000000'),
    });
    const told = await get({ options, from: { 'shardId-000000000000': 'beginning' } });
    expect(numbers(told.lines)).toEqual(range(0, 10));
    const whole = await get({ options, from: { 'shardId-000000000000': '105' } });
    expect(numbers(whole.lines)).toEqual([6, 7, 8, 9]);
  });

  it('refuses a checkpoint in a shard that passed out of retention before its end', async () => {
    await serve(() => undefined);
    const known = { 'shardId-000000000000': '105' };
    expect(await failureOf(get({ from: { ...known, 'shardId-000000000009': '104' } }))).toMatchObject({
      exit: 65,
      remedy: expect.stringContaining('SHARD_END'),
    });
    expect(numbers((await get({ from: { ...known, 'shardId-000000000009': 'SHARD_END' } })).lines)).toEqual([6, 7, 8, 9]);
    // Set by hand, without --shard.
    expect(await failureOf(get({ from: { '': '104' } }))).toMatchObject({
      exit: 65,
      message: expect.stringContaining('no shard'),
    });
    expect(numbers((await get({ from: { ...known, '': 'SHARD_END' } })).lines)).toEqual([6, 7, 8, 9]);
  });

  it('refuses a checkpoint that is a time past retention, and begins at the oldest record where it is asked for one', async () => {
    await serve((operation) =>
      operation === 'DescribeStreamSummary'
        ? { body: { StreamDescriptionSummary: { StreamName: 'movements', RetentionPeriodHours: 48 } } }
        : undefined,
    );
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const from = (hours: number) => ({ 'shardId-000000000000': ago(hours) });
    expect(await failureOf(get({ from: from(49) }))).toMatchObject({
      exit: 65,
      message: expect.stringContaining('past retention'),
    });
    expect(numbers((await get({ from: from(47) })).lines)).toEqual(range(0, 10));
    expect(await failureOf(get({ from: { 'shardId-000000000000': `105@${ago(49)}` } }))).toMatchObject({ exit: 65 });
    expect(numbers((await get({ from: { 'shardId-000000000000': `105@${ago(47)}` } })).lines)).toEqual([6, 7, 8, 9]);
    const first = await get({ options: { exitAtEnd: true, app: 'a', position: ago(100) } });
    expect(first.epochs[0]).toMatchObject({ to: '102' });
  });

  it('marks a quiet shard by the time up to which it has been read, once an hour, and no other', async () => {
    const start = Date.UTC(2026, 10, 25, 12);
    let elapsed = 0;
    const arrivedAt = start - 60_000;
    let reads = 0;
    await serve((operation, body) => {
      if (operation !== 'GetRecords') return undefined;
      // The checkpoint's own record, a minute old; then nothing, but for one record after two hours and a half.
      const records = ++reads === 1 ? [recordOf(5, arrivedAt)] : reads === 16 ? [recordOf(6, arrivedAt + 9_000_000)] : [];
      return { body: { Records: records, NextShardIterator: body.ShardIterator, MillisBehindLatest: 0 } };
    });
    const { epochs } = await get({
      options: { app: 'a' },
      from: { 'shardId-000000000000': '105' },
      tuning: {
        // An answer every ten minutes.
        now: () => start + elapsed,
        elapsed: () => elapsed,
        sleep: async () => {
          elapsed += 600_000;
          if (reads > 40) throw Object.assign(new Error('enough'), { name: 'AbortError' });
        },
      },
      until: (_, all) => all.length === 4,
    });
    const marks = epochs.map(({ to = '', lines }) => {
      const [position, time = ''] = to.split('@');
      return [position, Math.round((Date.parse(time) - start) / 60_000), lines.length];
    });
    // The service's clock is known in whole seconds: an answer may come just before the hour, or just after it.
    const about = (minute: number) => expect.toBeOneOf([minute, minute + 10]);
    expect(marks).toEqual([
      ['105', about(60), 0],
      ['105', about(120), 0],
      ['106', Number.NaN, 1],
      ['106', about(210), 0],
    ]);
    // The next run goes on from there, though the record itself is gone by then.
    await running?.stop();
    await serve(() => undefined);
    const quiet = new Date(Date.now() - 3_600_000).toISOString();
    expect(numbers((await get({ from: { 'shardId-000000000000': `99@${quiet}` } })).lines)).toEqual(range(0, 10));
    expect(numbers((await get({ from: { 'shardId-000000000000': `105@${quiet}` } })).lines)).toEqual([6, 7, 8, 9]);
    expect(numbers((await get({ from: { 'shardId-000000000000': `TRIM_HORIZON@${quiet}` } })).lines)).toEqual(range(0, 10));
    expect(await failureOf(get({ from: { 'shardId-000000000000': '105@noon' } }))).toMatchObject({ exit: 65 });
  });

  it('lists shards again until the children of one that has ended are there, while others go on', async () => {
    const parent = shardOf('shardId-000000000000');
    const other = shardOf('shardId-000000000001');
    const child = { ...shardOf('shardId-000000000002'), ParentShardId: parent.ShardId };
    let lists = 0;
    await serve((operation, body) => {
      if (operation === 'ListShards') return { body: { Shards: [parent, other, ...(++lists > 4 ? [child] : [])] } };
      if (operation === 'GetShardIterator') return { body: { ShardIterator: String(body.ShardId) } };
      const shard = String(body.ShardIterator);
      const records = [
        {
          Data: Buffer.from(line(shard === child.ShardId ? 1 : 0)).toString('base64'),
          PartitionKey: 'k',
          SequenceNumber: '100',
          ApproximateArrivalTimestamp: Date.now() / 1000,
        },
      ];
      if (shard === other.ShardId) return { body: { Records: [], NextShardIterator: shard, MillisBehindLatest: 0 } };
      return {
        body: {
          Records: records,
          MillisBehindLatest: 0,
          ...(shard === parent.ShardId ? {} : { NextShardIterator: shard }),
        },
      };
    });
    const { lines } = await get({ options: {}, until: ({ shard }) => shard === child.ShardId });
    expect(numbers(lines)).toEqual([0, 1]);
    lists = 0;
    const { epochs } = await get({ options: { app: 'a' }, until: ({ shard }) => shard === child.ShardId });
    const [placed] = epochs.filter(({ shard }) => shard === child.ShardId);
    expect(placed?.to).toMatch(/^TRIM_HORIZON@20/);
  });

  it('lists the shards once a minute anyway, and reads one that an answer had left out', async () => {
    let elapsed = 0;
    let lists = 0;
    await serve((operation, body) => {
      const [known, late] = ['shardId-000000000000', 'shardId-000000000001'].map((id) => shardOf(id));
      if (operation === 'ListShards') return { body: { Shards: ++lists === 1 ? [known] : [known, late] } };
      if (operation !== 'GetShardIterator') return undefined;
      return { body: { ShardIterator: body.ShardId === late?.ShardId ? '0' : '200' } };
    });
    const { lines } = await get({
      options: {},
      tuning: { elapsed: () => elapsed, sleep: async () => void (elapsed += 1_000) },
      until: (_, epochs) => epochs.flatMap((epoch) => epoch.lines).length === 10,
    });
    expect(numbers(lines)).toEqual(range(0, 10));
    expect(lists).toBe(2);
    expect(elapsed).toBeGreaterThanOrEqual(60_000);
  });

  it('places the children of a shard before its end is committed', async () => {
    const parent = shardOf('shardId-000000000000');
    const children = ['shardId-000000000001', 'shardId-000000000002'].map((id) => ({
      ...shardOf(id),
      ParentShardId: parent.ShardId,
    }));
    await serve((operation, body) => {
      if (operation === 'ListShards') return { body: { Shards: [parent, ...children] } };
      if (operation === 'GetShardIterator') return { body: { ShardIterator: String(body.ShardId) } };
      if (operation !== 'GetRecords' || body.ShardIterator !== parent.ShardId) return undefined;
      const record = {
        Data: Buffer.from(line(0)).toString('base64'),
        PartitionKey: 'k',
        SequenceNumber: '100',
        ApproximateArrivalTimestamp: 1_700_000_000,
      };
      return { body: { Records: [record], MillisBehindLatest: 0 } };
    });
    const { epochs } = await get({ options: { app: 'a' }, until: ({ to }) => to === 'SHARD_END' });
    const before = expect.stringMatching(/^TRIM_HORIZON@20..-..-..T/);
    expect(epochs.slice(0, 3)).toEqual([
      { shard: 'shardId-000000000001', to: before, lines: [] },
      { shard: 'shardId-000000000002', to: before, lines: [] },
      { shard: 'shardId-000000000000', to: 'SHARD_END', lines: [line(0)] },
    ]);
  });

  it('names every shard that is too old, and says how long a stream has to keep records', async () => {
    const shards = [0, 1, 2].map((n) => shardOf(`shardId-00000000000${n}`));
    await serve((operation, ...rest) => (operation === 'ListShards' ? { body: { Shards: shards } } : day(operation, ...rest)));
    const old = `TRIM_HORIZON@${new Date(Date.now() - 25 * hourMs).toISOString()}`;
    expect(await failureOf(get({ from: Object.fromEntries(shards.map(({ ShardId }) => [ShardId, old])) }))).toMatchObject({
      exit: 65,
      message: expect.stringMatching(/shardId-000000000000 is past .* 2 other shards/),
      remedy: expect.stringMatching(
        /shardId-000000000001 \(beginning\), shardId-000000000002 .*increase-stream-retention-period/,
      ),
    });
  });

  it('refuses to go on where a reader was held up for longer than records are kept', async () => {
    let hasStalled = false;
    const stall: Answer = (operation, body, call) => {
      if (operation !== 'GetRecords') return day(operation, body, call);
      const at = Number(body.ShardIterator);
      if (at >= 104 && !hasStalled) {
        hasStalled = true;
        return { status: 400, error: 'ExpiredIteratorException' };
      }
      // What is older than 107 is gone by then.
      return hasStalled && at < 107
        ? { body: { Records: [recordOf(7, Date.now())], NextShardIterator: '108', MillisBehindLatest: 5_000 } }
        : undefined;
    };
    await serve(stall);
    const { lines, failure } = await readUntilItFails({ options: { exitAtEnd: true, app: 'a' } });
    expect(failure).toMatchObject({ exit: 65, message: expect.stringContaining('103') });
    expect(numbers(lines)).toEqual([0, 1, 2]);
  });

  it('a quiet shard whose last record has grown old loses nothing by a new iterator', async () => {
    let reads = 0;
    await serve((operation, body, call) => {
      if (operation !== 'GetRecords') return day(operation, body, call);
      if (++reads === 1)
        return { body: { Records: [recordOf(5, Date.now() - 23 * hourMs)], NextShardIterator: '106', MillisBehindLatest: 0 } };
      if (reads === 2) return { status: 400, error: 'ExpiredIteratorException' };
      return { body: { Records: reads === 3 ? [recordOf(6, Date.now())] : [], NextShardIterator: '107', MillisBehindLatest: 0 } };
    });
    const { lines } = await get({
      options: { app: 'a' },
      until: (_, epochs) => epochs.flatMap((one) => one.lines).length === 2,
      tuning: { now: () => Date.now() + 60_000 },
    });
    expect(numbers(lines)).toEqual([5, 6]);
  });

  it('the child of a parent that was empty is placed too, and is refused when that has grown old', async () => {
    const parent = shardOf('shardId-000000000000', {
      SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '2' },
    });
    const child = shardOf('shardId-000000000001', { ParentShardId: parent.ShardId });
    await serve((operation, body, call) => {
      if (operation === 'ListShards') return { body: { Shards: [parent, child] } };
      if (operation === 'GetShardIterator') return { body: { ShardIterator: String(body.ShardId) } };
      if (operation !== 'GetRecords') return day(operation, body, call);
      if (body.ShardIterator === parent.ShardId) return { body: { Records: [], MillisBehindLatest: 0 } };
      return { body: { Records: [recordOf(5, Date.now())], NextShardIterator: child.ShardId, MillisBehindLatest: 0 } };
    });
    const first = await get({ options: { app: 'a' }, until: ({ to }) => to === 'SHARD_END' });
    const options = { exitAtEnd: true, app: 'a' };
    const later = (hours: number) => ({ options, from: first.positions, tuning: { now: () => Date.now() + hours * hourMs } });
    expect(numbers((await get(later(2))).lines)).toEqual([5]);
    expect(await failureOf(get(later(40)))).toMatchObject({ exit: 65, message: expect.stringContaining(child.ShardId) });
  });
});

describe('another stream of the same name', () => {
  it('is refused where a shard that was read to its end is open, and a new app reads it', async () => {
    await start(startKinesalite());
    await makeStream('movements', 1);
    await putData('movements', entries(0, 10));
    await splitShard('movements', 'shardId-000000000000', 2n ** 127n);
    await putData('movements', entries(10, 20));
    const options = { exitAtEnd: true, app: 'a' };
    const first = await get({ options });
    const streams = kinesisStreams(testContext());
    await streams.delete('movements');
    await new Promise((resolve) => setTimeout(resolve, 60));
    streams.close();
    await makeStream('movements', 3);
    await putData('movements', entries(500, 520));
    for (const from of [first.positions, { 'shardId-000000000000': 'SHARD_END' }]) {
      expect(await failureOf(get({ options, from }))).toMatchObject({
        exit: 65,
        message: expect.stringContaining('another stream'),
        remedy: expect.stringContaining('buda state remove a'),
      });
    }
    expect(sorted(numbers((await get({ options })).lines))).toEqual(range(500, 520));
  });

  it('a shard that has just been closed may still be listed as open', async () => {
    let lists = 0;
    const parent = { ...shardOf('shardId-000000000000') };
    const closed = { ...parent, SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '2' } };
    const child = shardOf('shardId-000000000001', { ParentShardId: parent.ShardId });
    await serve((operation) =>
      operation === 'ListShards' ? { body: { Shards: ++lists === 1 ? [parent, child] : [closed, child] } } : undefined,
    );
    expect(numbers((await get({ from: { [parent.ShardId]: 'SHARD_END' } })).lines)).toEqual(range(0, 10));
  });
});

describe('where an app begins', () => {
  /** What is committed when a run is killed after its first mark. */
  async function firstPlace(options: Record<string, unknown>): Promise<Record<string, string>> {
    const [first] = (await get({ options, until: () => true })).epochs;
    return { [String(first?.shard)]: String(first?.to) };
  }

  it('at a sequence number: a restart after the first mark reads nothing that is older', async () => {
    await start(startKinesisLocal());
    await makeStream('movements', 2);
    await putData('movements', entries(0, 40));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const [position = ''] = await putData('movements', entries(40, 80));
    const options = { position, exitAtEnd: true, app: 'a' };
    const rest = await get({ options, from: await firstPlace(options) });
    expect(sorted(numbers(rest.lines))).toEqual(range(40, 80));
  });

  it('at the end: a restart after the first mark begins there in every shard', async () => {
    await start(startKinesisLocal());
    await makeStream('movements', 2);
    await putData('movements', entries(0, 40));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const options = { position: 'end', exitAtEnd: true, app: 'a' };
    const from = await firstPlace(options);
    await putData('movements', entries(40, 60));
    const rest = await get({ options, from });
    expect(sorted(numbers(rest.lines))).toEqual(range(40, 60));
  });

  it('at the end: what comes between the first mark and the first read is read', async () => {
    await start(startKinesisLocal());
    await makeStream('movements', 1);
    await putData('movements', entries(0, 5));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    let isMarked = false;
    const { lines } = await get({
      options: { position: 'end', app: 'a', epoch: { maxRecords: 5, maxBytes: 1 << 23 } },
      until: async (epoch) => {
        if (!isMarked) await putData('movements', entries(100, 105));
        isMarked = true;
        return epoch.lines.length > 0;
      },
    });
    expect(numbers(lines)).toEqual(range(100, 105));
  });

  it('a checkpoint of no shard that was put to nothing does not hide where to begin', async () => {
    await start(startKinesalite());
    await makeStream('movements', 1);
    const sequence = await putData('movements', entries(0, 10));
    const { lines } = await get({ options: { position: sequence[7], exitAtEnd: true, app: 'a' }, from: { '': 'SHARD_END' } });
    expect(numbers(lines)).toEqual([7, 8, 9]);
  });
});

/** What came before a read failed, and the failure. */
async function readUntilItFails(how: Parameters<typeof get>[0]) {
  const lines: string[] = [];
  const failure = await get({
    ...how,
    until: (epoch) => {
      lines.push(...epoch.lines);
      return false;
    },
  }).catch((error) => error);
  return { lines, failure };
}
