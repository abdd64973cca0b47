import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { deliver } from '../../src/lib/delivery.ts';
import { type Batch, readBatches, writeBatch } from '../../src/lib/lines.ts';
import { checkProtocol } from '../../src/lib/protocol.ts';
import { produce } from '../../src/lib/sources.ts';
import { KeyHasher } from '../../src/lib/stream/hash-key.ts';
import { hashKeyOf } from '../../src/lib/stream/kinesis/aggregated.ts';
import { shardOf } from '../../src/lib/stream/local/hash-keys.ts';
import { formatIndexLine } from '../../src/lib/stream/local/index-lines.ts';
import { formatSequence } from '../../src/lib/stream/local/sequence.ts';
import { localSink, localSource, localStreams } from '../../src/lib/stream/local.ts';
import { testCall, textOf } from '../support/context.ts';
import { batchOf, Home, linesOf, records } from './support.ts';

let home: Home;
beforeEach(() => {
  home = new Home();
});

/** An app that has read nothing of the stream s, and has ended. */
async function endedRun(app: string): Promise<void> {
  const tenure = await (await home.context.openCheckpoints(undefined)).start(app, 'local:s');
  await tenure.end(0, 0);
}

const hourMs = 3_600_000;
const number = (line: string) => Number(/e_(\d+)/.exec(line)?.[1]);
const numbers = (lines: readonly string[]) => lines.map(number);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('the files', () => {
  it('hold the records and nothing else', async () => {
    await home.put('s', records(0, 3));
    await home.put('s', records(3, 5));
    const [data = ''] = home.files('s', '.ndjson');
    expect(data).toMatch(/\/s\/shardId-000000000000\/00000000000000000000\.ndjson$/);
    expect(readFileSync(data, 'utf8')).toBe(
      records(0, 5)
        .map((line) => `${line}\n`)
        .join(''),
    );
  });

  it('begin anew at the size of a segment, numbered by bytes', async () => {
    const sink = home.sink('s', {}, 100);
    for (let n = 0; n < 10; n++) {
      await sink.write(batchOf(records(n, n + 1, 40)));
      await sink.flush();
    }
    await sink.close();
    const files = home.files('s', '.ndjson');
    expect(files.length).toBe(5);
    let at = 0;
    for (const file of files) {
      expect(file).toContain(formatSequence(0, at));
      at += readFileSync(file).length;
    }
    expect(numbers((await home.get('s')).lines)).toEqual(range(0, 10));
  });

  it('are cut where a killed writer left half a block, before anything is written behind it', async () => {
    await home.put('s', records(0, 2));
    const [data = ''] = home.files('s', '.ndjson');
    writeFileSync(data, `{"half${'x'.repeat(500)}`, { flag: 'a' });
    expect(numbers((await home.get('s')).lines)).toEqual([0, 1]);
    await home.put('s', records(2, 3));
    expect(readFileSync(data, 'utf8')).toBe(
      records(0, 3)
        .map((line) => `${line}\n`)
        .join(''),
    );
  });

  it('that are shorter than their index are told (65), not read', async () => {
    await home.put('s', records(0, 2));
    writeFileSync(home.files('s', '.ndjson')[0] as string, '{"id":"e_0"');
    await expect(home.get('s')).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining('is shorter than its index says'),
    });
    await expect(home.put('s', records(2, 3))).rejects.toMatchObject({ exit: 65 });
  });

  it.each([1, 2, 3])('with an index that is damaged in line %i + 1 are told (65), not waited for and not cut', async (line) => {
    for (let n = 0; n < 3; n++) await home.put('s', records(n, n + 1));
    const [index = ''] = home.files('s', '.index');
    const text = readFileSync(index, 'utf8');
    writeFileSync(index, `${text.slice(0, line * 128)}{"at":17956XXXX${text.slice(line * 128 + 15)}`);
    const damaged = { exit: 65, message: expect.stringContaining('.index is damaged in line') };
    await expect(home.get('s')).rejects.toMatchObject(damaged);
    if (line === 3) await expect(home.put('s', records(3, 4))).rejects.toMatchObject(damaged);
    writeFileSync(index, text);
    expect(numbers((await home.get('s')).lines)).toEqual([0, 1, 2]);
  });
});

const hasher = new KeyHasher();
function shardOfKey(key: string, shards: number): number {
  hasher.findText(key);
  return shardOf(hasher.words, shards);
}

describe('shards', () => {
  it('hash keys are the MD5 of keys, as Node makes it, of any length', () => {
    for (let length = 0; length < 1200; length++) {
      const block = Buffer.from(range(0, length + 3).map((n) => (n * 7 + length) & 0xff));
      hasher.find(block, 3, block.length);
      const digits = [...hasher.words].map((word) => word.toString(16).padStart(8, '0')).join('');
      expect(digits, String(length)).toBe(createHash('md5').update(block.subarray(3)).digest('hex'));
    }
  });

  it('are chosen as Kinesis chooses them', () => {
    for (const shards of [1, 2, 3, 5, 7, 16, 1000]) {
      const width = (1n << 128n) / BigInt(shards);
      for (let n = 0; n < 500; n++) {
        const expected = hashKeyOf({ partitionKey: `key ${n}`, explicitHashKey: undefined }) / width;
        expect(shardOfKey(`key ${n}`, shards)).toBe(Math.min(Number(expected), shards - 1));
      }
    }
  });

  it('keep the order of a key; a record without one takes the sha256 of its line, and is counted', async () => {
    const lines = range(0, 300).map((n) => JSON.stringify({ id: `e_${n}`, user: { id: n % 7 }, pad: 'ä' }));
    await home.put('s', [...lines, '{"no":"key"}'], { shards: 3, key: 'user.id' });
    const { lines: found } = await home.get('s');
    expect([...found].sort()).toEqual([...lines, '{"no":"key"}'].sort());
    for (let user = 0; user < 7; user++) {
      const own = found.map((line) => JSON.parse(line)).filter((record) => record.user?.id === user);
      expect(own.map(({ id }) => id)).toEqual(
        range(0, 300)
          .filter((n) => n % 7 === user)
          .map((n) => `e_${n}`),
      );
    }
    for (let shard = 0; shard < 3; shard++)
      expect(readFileSync(home.files('s', '.ndjson', shard)[0] as string).length).toBeGreaterThan(0);
    expect(home.context.said).toContainEqual('1 record has no user.id: the sha256 of the line was the key');
  });

  it('are settled when a stream is made', async () => {
    await home.put('s', records(0, 1), { shards: 2 });
    await home.put('s', records(1, 2));
    await expect(home.put('s', records(2, 3), { shards: 3 })).rejects.toMatchObject({ exit: 78 });
    expect(numbers((await home.get('s')).lines).sort()).toEqual([0, 1]);
  });

  it('a line that is no JSON is rejected where the key is looked up', async () => {
    const { call, letters } = testCall('put-stream', { shards: 2 }, home.context, [], true);
    const sink = localSink(call, 's');
    await sink.write(batchOf(['{"id":1}', '{"id":', '{"id":2}']));
    await sink.flush();
    await sink.close();
    expect(letters).toMatchObject([{ reason: 'not JSON', record: '{"id":', position: 'line 2' }]);
    expect((await home.get('s')).lines.sort()).toEqual(['{"id":1}', '{"id":2}']);
  });
});

describe('get-stream', () => {
  it('of a stream that is not there is 78', async () => {
    await expect(home.get('s')).rejects.toMatchObject({ exit: 78, remedy: expect.stringContaining('put-stream makes it') });
  });

  it('stops after so many records, inside a block too', async () => {
    await home.put('s', records(0, 50));
    expect(numbers((await home.get('s', { count: 7, exitAtEnd: false })).lines)).toEqual(range(0, 7));
    const first = await home.get('s', { count: 7, app: 'a' });
    expect(first.epochs).toHaveLength(1);
    expect(numbers((await home.get('s', { app: 'a' }, first.positions)).lines)).toEqual(range(7, 50));
  });

  it('begins and ends at times and sequence numbers, in every shard', async () => {
    for (let hour = 0; hour < 6; hour++) {
      await home.put('s', records(hour * 10, hour * 10 + 10), { shards: 2 });
      home.nowMs += hourMs;
    }
    const at = (hour: number) => new Date(Date.parse('2026-11-24T10:00:00Z') + hour * hourMs).toISOString();
    const sorted = async (options: object) => numbers((await home.get('s', { ...options })).lines).sort((a, b) => a - b);
    expect(await sorted({ position: at(2) })).toEqual(range(20, 60));
    expect(await sorted({ position: at(1.5), until: at(4) })).toEqual(range(20, 40));
    expect(await sorted({ position: 'end' })).toEqual([]);
    expect(await sorted({ position: 'TRIM_HORIZON', until: 'end', exitAtEnd: false })).toEqual(range(0, 60));
    expect(await sorted({ until: at(3), exitAtEnd: false })).toEqual(range(0, 30));
    // The first record of the third hour in shard 1 stands for its moment in shard 0.
    const epochs = (await home.get('s', { app: 'a', until: at(2) })).positions;
    const landmark = epochs['shardId-000000000001'];
    expect(await sorted({ position: landmark })).toEqual(range(20, 60));
    const until = await sorted({ until: landmark, exitAtEnd: false });
    const inShard1 = readFileSync(home.files('s', '.ndjson', 1)[0] as string, 'utf8')
      .split('\n')
      .slice(0, -1);
    const first = numbers(inShard1).find((n) => n >= 20) as number;
    expect(until).toEqual(range(0, 30).filter((n) => n < 20 || n === first || !numbers(inShard1).includes(n)));
  });

  it('refuses places that are none', async () => {
    await home.put('s', records(0, 3));
    await expect(home.get('s', { position: 'yesterday' })).rejects.toMatchObject({ exit: 2 });
    await expect(home.get('s', { until: 'beginning' })).rejects.toMatchObject({ exit: 2 });
    await expect(home.get('s', { position: formatSequence(0, 3) })).rejects.toMatchObject({ exit: 65 });
    await expect(home.get('s', { position: formatSequence(0, 30_000) })).rejects.toMatchObject({ exit: 65 });
    await expect(home.get('s', { until: formatSequence(0, 3) })).rejects.toMatchObject({ exit: 65 });
    await expect(home.get('s', { position: formatSequence(1, 0) })).rejects.toMatchObject({ exit: 2 });
    await expect(home.get('s', { app: 'a' }, { '': 'nonsense' })).rejects.toMatchObject({ exit: 65 });
  });

  it('follows, sees what others write, and ends well when it is told to', async () => {
    await home.put('s', records(0, 3));
    const { call, context } = testCall('get-stream', {}, home.context);
    const source = localSource(call, 's');
    const seen: number[] = [];
    let writes = 0;
    for await (const { batch } of source.read({})) {
      seen.push(...numbers(linesOf(batch)));
      if (writes < 3) void home.put('s', records(3 + writes, 4 + writes));
      else context.stop();
      writes++;
    }
    await source.close?.();
    expect(seen).toEqual(range(0, 6));
  });
});

describe('epochs', () => {
  it('are cut by count at the same places in a replay, whoever wrote how much at once', async () => {
    await home.put('s', records(0, 37));
    for (let n = 37; n < 60; n++) await home.put('s', records(n, n + 1));
    const options = { app: 'a', epoch: { maxRecords: 10 } };
    const first = await home.get('s', options);
    expect(first.epochs.map(({ lines }) => lines.length)).toEqual([10, 10, 10, 10, 10, 10]);
    for (const [index, { to }] of first.epochs.entries()) {
      const rest = await home.get('s', options, { '': to });
      expect(rest.epochs).toEqual(first.epochs.slice(index + 1));
    }
  });

  it('are cut by bytes: the record that reaches the limit is the last', async () => {
    await home.put('s', records(0, 20, 76));
    const { epochs } = await home.get('s', { app: 'a', epoch: { maxBytes: 290 } });
    expect(epochs.map(({ lines }) => lines.length)).toEqual([3, 3, 3, 3, 3, 3, 2]);
  });

  it('are cut where ten seconds of arrival are over', async () => {
    for (let n = 0; n < 12; n++) {
      await home.put('s', records(n, n + 1));
      home.nowMs += 4_000;
    }
    const { epochs } = await home.get('s', { app: 'a' });
    expect(epochs.map(({ lines }) => numbers(lines))).toEqual([
      [0, 1, 2],
      [3, 4],
      [5, 6, 7],
      [8, 9],
      [10, 11],
    ]);
  });

  it('never mix shards, take them in turn, and begin where an app begins for the first time', async () => {
    await home.put('s', records(0, 400), { shards: 4 });
    const { epochs } = await home.get('s', { app: 'a', epoch: { maxRecords: 20 } });
    expect(new Set(epochs.slice(0, 4).map(({ shard }) => shard)).size).toBe(4);
    for (const { shard, lines } of epochs)
      for (const line of lines) expect(shardOfKey(JSON.parse(line).id, 4)).toBe(Number(shard.slice(-1)));
    const end = await home.get('s', { app: 'b', position: 'end' });
    expect(end.epochs.map(({ lines }) => lines)).toEqual([[], [], [], []]);
    await home.put('s', records(400, 440));
    expect(numbers((await home.get('s', { app: 'b', position: 'end' }, end.positions)).lines).sort((a, b) => a - b)).toEqual(
      range(400, 440),
    );
  });

  it('of a quiet stream are closed by the clock', async () => {
    home.nowMs = Date.now() - 60_000;
    await home.put('s', records(0, 3));
    const { call, context } = testCall('get-stream', { app: 'a' }, home.context);
    const source = localSource(call, 's');
    for await (const { to } of source.read({})) if (to !== undefined) context.stop();
    await source.close?.();
    expect(context.stopped.aborted).toBe(true);
  });
});

/** One run of `get-stream s --app copy -e | put-stream copy`, over the wire; the pipe breaks before mark number `breakAt`. */
async function copy(breakAt: number): Promise<void> {
  const get = testCall('get-stream', { app: 'copy', exitAtEnd: true, epoch: { maxRecords: 30 } }, home.context).call;
  const put = testCall('put-stream', { app: 'copy' }, home.context).call;
  const step = produce(get, localSource(get, 's'));
  async function* pipe(): AsyncGenerator<Buffer> {
    let marks = 0;
    for await (const batch of step((async function* (): AsyncGenerator<Batch> {})())) {
      if (batch.control?.kind === 'mark' && ++marks === breakAt) {
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
  await textOf(deliver(put, localSink(put, 'copy', { now: () => home.nowMs }))(input));
}

it('copies a stream over breaks: nothing lost, doubled only what was not committed', async () => {
  await home.put('s', records(0, 500), { shards: 3 });
  let breaks = 0;
  for (let breakAt = 2; ; breakAt += 3) {
    try {
      await copy(breakAt);
      break;
    } catch (error) {
      expect(error).toMatchObject({ exit: 75 });
      breaks++;
    }
  }
  const found = numbers((await home.get('copy')).lines);
  expect([...new Set(found)].sort((a, b) => a - b)).toEqual(range(0, 500));
  expect(breaks).toBeGreaterThan(2);
  expect(found.length).toBeLessThanOrEqual(500 + breaks * 30);
});

describe('retention', () => {
  /** A segment an hour. */
  async function fill(hours: number, options: Record<string, unknown> = {}): Promise<void> {
    const sink = home.sink('s', options, 1);
    for (let n = 0; n < hours; n++) {
      await sink.write(batchOf(records(n, n + 1)));
      await sink.flush();
      home.nowMs += hourMs;
    }
    await sink.close();
  }

  it('drops what is older than it says', async () => {
    await fill(40, { retention: 10 * hourMs });
    const found = numbers((await home.get('s')).lines);
    expect(found.at(-1)).toBe(39);
    expect(found.length).toBeGreaterThanOrEqual(10);
    expect(found.length).toBeLessThanOrEqual(12);
  });

  it('keeps what an app has yet to commit', async () => {
    await fill(3);
    await endedRun('slow');
    await fill(60);
    expect(numbers((await home.get('s')).lines)).toHaveLength(63);
    const position = (await home.get('s', { count: 20, app: 'slow' })).positions[''] as string;
    await (await home.context.openCheckpoints(undefined)).set('slow', 'local:s', '', position);
    await fill(1);
    expect((await home.get('s')).lines).toHaveLength(64 - 20);
  });

  it('by size drops even what an app still needs, which is told the range (65)', async () => {
    const { positions } = await fill(4).then(() => home.get('s', { app: 'a', count: 2 }));
    await endedRun('a');
    await fill(60, { maxSize: 200 });
    await expect(home.get('s', { app: 'a' }, positions)).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(new RegExp(`from ${positions['']} up to \\d{20} are past retention`)),
    });
    const [, oldest] = /up to (\d+)/.exec(await home.get('s', { app: 'a' }, positions).catch((error) => error.message)) ?? [];
    expect(numbers((await home.get('s', { app: 'a' }, { '': oldest as string })).lines).at(-1)).toBe(59);
  });

  it('can be changed later', async () => {
    await fill(30);
    await home.put('s', records(30, 31), { retention: 2 * hourMs });
    expect(numbers((await home.get('s')).lines).length).toBeLessThanOrEqual(4);
  });
});

describe('stream list, describe, delete', () => {
  const streams = () => localStreams(home.context, async () => (await home.context.openCheckpoints(undefined)).list());

  it('tell what there is, and how far an app is behind', async () => {
    await home.put('s', records(0, 100), { shards: 2 });
    await home.put('t', []);
    await endedRun('a');
    const bytes = records(0, 100).reduce((sum, line) => sum + line.length + 1, 0);
    const failures: unknown[] = [];
    expect(await streams().list((error) => failures.push(error))).toMatchObject([
      { name: 'local:s', shards: 2, records: 100, bytes, last_record_at: '2026-11-24T10:00:00.000Z' },
      { name: 'local:t', shards: 1, records: 0, bytes: 0, last_record_at: null },
    ]);
    expect(failures).toEqual([]);
    await home.put('broken', []);
    writeFileSync(join(home.context.home, 'streams', 'broken', 'stream.json'), '{');
    expect(await streams().list((error) => failures.push(error))).toHaveLength(2);
    expect(failures).toEqual([expect.objectContaining({ exit: 65 })]);
    rmSync(join(home.context.home, 'streams', 'broken'), { recursive: true });
    const position = (await home.get('s', { app: 'a', count: 20, epoch: { maxRecords: 20 } })).epochs[0];
    await (await home.context.openCheckpoints(undefined)).set('a', 'local:s', position?.shard ?? '', position?.to ?? '');
    expect(await streams().describe('s')).toMatchObject({
      records: 100,
      retention_ms: 24 * hourMs,
      shards: [{ id: 'shardId-000000000000', first: formatSequence(0, 0) }, { first: formatSequence(1, 0) }],
      apps: [{ app: 'a', running: false, lag: { records: 80 } }],
    });
    await expect(streams().describe('u')).rejects.toMatchObject({ exit: 78 });
  });

  it('a stream made again under the same name never means other records by an old position', async () => {
    await home.put('s', records(0, 10));
    const half = await home.get('s', { app: 'a', count: 5 });
    const whole = await home.get('s', { app: 'b' });
    await streams().delete('s');
    expect(readdirSync(join(home.context.home, 'streams'))).toEqual(['.deleted']);
    await home.put('s', records(10, 90));
    await expect(home.get('s', { app: 'a' }, half.positions)).rejects.toMatchObject({ exit: 65 });
    expect(numbers((await home.get('s', { app: 'b' }, whole.positions)).lines)).toEqual(range(10, 90));
  });

  it('names that would lead elsewhere are no streams', async () => {
    mkdirSync(join(home.context.home, 'streams', 'empty'), { recursive: true });
    symlinkSync('/nowhere', join(home.context.home, 'streams', 'dangling'));
    const failures: unknown[] = [];
    expect(await streams().list((error) => failures.push(error))).toEqual([]);
    expect(failures).toEqual([]);
    rmSync(join(home.context.home, 'streams'), { recursive: true });
  });
});

describe('after a restart of the machine', () => {
  it('a block that did not reach the disk is not read, the shard goes on behind a gap, and whoever had read it is told', async () => {
    await home.put('s', records(0, 3));
    await home.put('s', records(3, 5));
    await home.put('s', records(5, 6));
    const read = (await home.get('s', { app: 'a' })).positions;
    const [data = ''] = home.files('s', '.ndjson');
    writeFileSync(data, readFileSync(data, 'utf8').replace('e_4', '\0\0\0'));
    home.reboot('s');
    expect(numbers((await home.get('s')).lines)).toEqual([0, 1, 2]);
    expect((await home.get('s', { app: 'a' }, read)).lines).toEqual([]);
    expect(home.context.said.at(-1)).toMatch(/^what was read up to \d{20} was lost behind \d{20} when the machine stopped/);
    await home.put('s', records(6, 7));
    expect(home.context.said.at(-1)).toMatch(/^\d+ bytes at the end of .* were not safe when the machine stopped: they are cut$/);
    expect(numbers((await home.get('s')).lines)).toEqual([0, 1, 2, 6]);
    expect(numbers((await home.get('s', { app: 'a' }, read)).lines)).toEqual([6]);
    expect(home.files('s', '.ndjson').at(-1)).toContain(formatSequence(0, 2 ** 31));
  });

  it('nothing is lost where all of it had reached the disk', async () => {
    await home.put('s', records(0, 3));
    const read = (await home.get('s', { app: 'a' })).positions;
    home.reboot('s');
    await home.put('s', records(3, 5));
    expect(numbers((await home.get('s')).lines)).toEqual(range(0, 5));
    expect(numbers((await home.get('s', { app: 'a' }, read)).lines)).toEqual([3, 4]);
    expect(home.context.said).toEqual([]);
  });
});

it('a thousand segments are opened at once', async () => {
  await home.put('s', records(0, 1));
  const folder = home.shardFolder('s');
  const [line = ''] = records(0, 1);
  const size = line.length + 1;
  const { boot } = JSON.parse(readFileSync(home.files('s', '.index')[0] as string, 'utf8').split('\n')[0] as string);
  for (let n = 0; n < 1_000; n++) {
    const base = n * size;
    const lines = [
      { buda: 1 as const, at: home.nowMs, after: base, n, boot },
      { at: home.nowMs + n, end: base + size, n: n + 1, crc: 0 },
      ...(n < 999 ? [{ at: home.nowMs + n, next: base + size }] : []),
    ];
    writeFileSync(join(folder, `${formatSequence(0, base)}.index`), lines.map(formatIndexLine).join(''));
    writeFileSync(join(folder, `${formatSequence(0, base)}.ndjson`), `${line}\n`);
  }
  // The best of several: what it costs, and not what else the machine has to do.
  const bestMs = async (work: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let tries = 0; tries < 7; tries++) {
      const beganMs = performance.now();
      await work();
      times.push(performance.now() - beganMs);
    }
    return Math.min(...times);
  };
  const middle = new Date(home.nowMs + 500).toISOString();
  expect(await bestMs(() => home.get('s', { position: 'end' }))).toBeLessThan(50);
  expect(await bestMs(() => home.get('s', { position: middle, count: 1 }))).toBeLessThan(50);
  expect(await bestMs(() => home.put('s', records(1, 2)))).toBeLessThan(50);
  expect((await home.get('s', { position: middle })).lines).toHaveLength(500 + 7);
});
