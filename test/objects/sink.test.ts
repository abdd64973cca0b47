import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, expect, test } from 'vitest';
import { deliver } from '../../src/lib/delivery.ts';
import { momentOf, partitionOption } from '../../src/lib/objects/partition.ts';
import { objectPlace } from '../../src/lib/objects/place.ts';
import { ObjectSink } from '../../src/lib/objects/sink.ts';
import { temporary } from '../house/bash.ts';
import { batchesOf, failureOf, testCall, testContext, textOf } from '../support/context.ts';
import { type Bucket, type S3Fault, startBucket } from './bucket.ts';

const folder = mkdtempSync(join(temporary, 'buda-objects-'));
let bucket: Bucket | undefined;

afterEach(async () => {
  await bucket?.stop();
  bucket = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const range = (to: number) => Array.from({ length: to }, (_, n) => n);
const lineOf = (n: number, more = {}) => `${JSON.stringify({ id: `e${n}`, ...more })}\n`;

interface Wanted {
  time?: string;
  partition?: string;
  gzip?: boolean;
  objectBytes?: number;
  keep?: boolean;
}

/** Puts text by the real step; gives what it told, and what it rejected. */
async function put(url: string, pieces: readonly (string | Buffer)[], wanted: Wanted = {}) {
  const context = testContext({ env: process.env });
  const { call, letters } = testCall('put-s3', {}, context, [url], wanted.keep);
  const { time, gzip = false, objectBytes = 1024 ** 2 } = wanted;
  const partition = wanted.partition === undefined ? undefined : partitionOption.parse?.(wanted.partition);
  const pace = { baseDelayMs: 1, maxDelayMs: 4 };
  const sink = new ObjectSink(call, objectPlace(url, context), { time, partition, isCompressed: gzip, objectBytes }, pace);
  const told = await textOf(deliver(call, sink)(batchesOf(pieces)));
  return {
    told: told
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
    letters,
  };
}

/** Every file of a folder, by its path, in the order of the paths. */
function filesIn(path: string): Map<string, Buffer> {
  const names = readdirSync(path, { recursive: true }).map(String);
  return new Map(
    names
      .filter((name) => statSync(join(path, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(path, name))]),
  );
}

async function startLake(faults: (n: number, asked: string) => S3Fault | undefined = () => undefined): Promise<Bucket> {
  bucket = await startBucket({ fault: faults });
  Object.assign(process.env, bucket.env);
  return bucket;
}

test('a bucket gets the lines as they came, and each object is told with its ETag and its counts', async () => {
  const lake = await startLake();
  const text = range(100)
    .map((n) => lineOf(n, { amount: 1.0, big: 'x'.repeat(50) }))
    .join('')
    .replaceAll('"amount":1', '"amount":1.0');
  const { told } = await put('s3://lake/tracking', [text]);
  const objects = await lake.objects();
  expect([...objects.values()].map(String)).toEqual([text]);
  const [key] = objects.keys();
  expect(key).toMatch(/^tracking\/part-000000-000-[0-9a-f]{16}\.ndjson$/);
  expect(told).toEqual([
    { id: `s3://lake/${key}`, key, etag: expect.stringMatching(/^[0-9a-f]{32}$/), records: 100, bytes: text.length },
  ]);
});

test('a folder is laid out in the same way: the same keys, the same bytes, the same ETags', async () => {
  const lake = await startLake();
  const text = range(50)
    .map((n) => lineOf(n, { at: `2026-11-2${n % 3}T0${n % 5}:00:00Z` }))
    .join('');
  const wanted = { time: 'at', partition: '/dt=%Y-%m-%d/hour=%H/', objectBytes: 200 };
  const there = await put('s3://lake', [text], wanted);
  const here = await put(`file:${folder}/alike`, [text], wanted);
  expect(filesIn(join(folder, 'alike'))).toEqual(await lake.objects());
  const sorted = (told: { key: string }[]) =>
    told.map(({ id: _, ...rest }: any) => rest).sort((a, b) => (a.key < b.key ? -1 : 1));
  expect(sorted(here.told)).toEqual(sorted(there.told));
  expect(statSync(join(folder, 'alike', here.told[0].key)).mode & 0o777).toBe(0o600);
});

test('records lie by their time, in UTC: text, seconds and milliseconds, and fields within fields', async () => {
  const times = ['"2026-11-27T00:30:00+02:00"', '1764201600', '1764201600123', '"2025-11-27"', '1764201600.5'];
  const text = times.map((time, n) => `{"id":"e${n}","meta":{"at":${time}}}\n`).join('');
  const { told } = await put(`file:${folder}/times`, [text], { time: 'meta.at', partition: '%Y/%m/%d/%H' });
  expect(told.map(({ key, records, first_at, last_at }) => [key.slice(0, 13), records, first_at, last_at])).toEqual([
    ['2026/11/26/22', 1, '2026-11-26T22:30:00.000Z', '2026-11-26T22:30:00.000Z'],
    ['2025/11/27/00', 4, '2025-11-27T00:00:00.000Z', '2025-11-27T00:00:00.500Z'],
  ]);
});

test('what has no time, or is no JSON, is rejected with its reason; without a partition the time is only told', async () => {
  const lines = [
    lineOf(0, { at: '2026-11-27T10:00:00Z' }),
    lineOf(1),
    '{"id":"e2",}\n',
    lineOf(3, { at: 'noon' }),
    lineOf(4, { at: [1] }),
  ];
  const { letters, told } = await put(`file:${folder}/rejected`, [lines.join('')], { time: 'at', partition: '%Y', keep: true });
  expect(letters.map(({ position, reason }) => [position, reason])).toEqual([
    ['line 2', 'no time in its field at'],
    ['line 3', expect.stringContaining('JSON')],
    ['line 4', 'no time in its field at'],
    ['line 5', 'no time in its field at'],
  ]);
  expect(told).toMatchObject([{ records: 1 }]);
  const other = await put(`file:${folder}/untimed`, [lines.slice(0, 2).join('')], { time: 'at' });
  expect(other.told).toMatchObject([{ records: 2, first_at: '2026-11-27T10:00:00.000Z', last_at: '2026-11-27T10:00:00.000Z' }]);
  await expect(put(`file:${folder}/fails`, [lines.join('')], { time: 'at', partition: '%Y' })).rejects.toMatchObject({
    exit: 65,
  });
});

test('objects are cut at the same lines however the input comes, and the same input put again writes over itself', async () => {
  const lines = range(400).map((n) => lineOf(n, { pad: 'é'.repeat(n % 40), at: 1_700_000_000 + (n % 7) * 86_400 }));
  const bytes = Buffer.from(lines.join(''));
  const wanted = { objectBytes: 4_000, time: 'at' };
  const whole = await put(`file:${folder}/cut`, [bytes], wanted);
  expect(whole.told.length).toBeGreaterThan(5);
  const first = filesIn(join(folder, 'cut'));
  expect(Buffer.concat([...first.values()])).toEqual(bytes);
  for (const file of first.values()) expect(file.length).toBeLessThanOrEqual(4_000);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1 }), async (sizes) => {
      const pieces: Buffer[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] as number;
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect((await put(`file:${folder}/cut`, pieces, wanted)).told).toEqual(whole.told);
    }),
    { numRuns: 20 },
  );
  expect(filesIn(join(folder, 'cut'))).toEqual(first);
});

test('--gzip: what is compressed is what would lie there otherwise, and comes out the same each time', async () => {
  const lake = await startLake();
  const text = range(1000)
    .map((n) => lineOf(n))
    .join('');
  await put('s3://lake/a', [text], { gzip: true });
  await put('s3://lake/a', [text], { gzip: true });
  const [[key, bytes] = ['', Buffer.alloc(0)], ...others] = [...(await lake.objects())];
  expect(others).toEqual([]);
  expect(key).toMatch(/\.ndjson\.gz$/);
  expect(gunzipSync(bytes).toString()).toBe(text);
});

test('comes through throttling, faults and connections that break, before and after: each object is there once', async () => {
  const faults: S3Fault[] = [
    { status: 503, code: 'SlowDown' },
    'reset before',
    'reset after',
    { status: 500, code: 'InternalError' },
    { status: 400, code: 'RequestTimeout' },
  ];
  const lake = await startLake((n) => faults[n - 1]);
  const lines = range(300).map((n) => lineOf(n));
  await put('s3://lake', [lines.join('')], { objectBytes: 1_000 });
  expect(Buffer.concat([...(await lake.objects()).values()]).toString()).toBe(lines.join(''));
});

test.each([
  ['NoSuchBucket', 404, 78, /bucket/],
  ['AccessDenied', 403, 77, /IAM/],
  ['InvalidAccessKeyId', 403, 77, /credentials/],
  ['PermanentRedirect', 301, 78, /AWS_REGION/],
])('%s, status %i, ends it with %i', async (code, status, exit, remedy) => {
  await startLake(() => ({ status, code }));
  const failure = await failureOf(put('s3://lake', [lineOf(1)]));
  expect(failure).toMatchObject({ exit, remedy: expect.stringMatching(remedy) });
  expect(failure.message).toContain(`putting an object into s3://lake: ${code}`);
});

test('a refusal without a word of S3 is one all the same', async () => {
  await startLake(() => ({ status: 403, code: '' }));
  expect(await failureOf(put('s3://lake', [lineOf(1)]))).toMatchObject({ exit: 77 });
});

test('what a process left that was killed while it wrote a file goes, but not what a living one writes', async () => {
  const path = join(folder, 'swept');
  mkdirSync(path);
  const ended = spawnSync('true').pid;
  const names = [`.a.ndjson.${ended}-0123abcd.new`, `.a.ndjson.${process.pid}-0123abcd.new`, `a.ndjson.${ended}-0123abcd.new`];
  for (const name of names) writeFileSync(join(path, name), '');
  const { told } = await put(`file:${path}`, [lineOf(1)]);
  expect(readdirSync(path).sort()).toEqual([...names.slice(1), told[0].key].sort());
});

test('gives up with 75 where it stays throttled', async () => {
  await startLake(() => ({ status: 503, code: 'SlowDown' }));
  expect(await failureOf(put('s3://lake', [lineOf(1)]))).toMatchObject({ exit: 75 });
});

test('nothing came: nothing is put, and nothing told', async () => {
  const lake = await startLake();
  expect((await put('s3://lake', [])).told).toEqual([]);
  expect(lake.asked).toEqual([]);
});

test.each(['lake', 's3://', 's3://Lake/x', 's3://lake//x', 's3://lake/../x', 'http://lake', 'file:', 'file://lake'])(
  '%s is no place',
  (url) => {
    expect(() => objectPlace(url, testContext())).toThrow(/s3:\/\/BUCKET\/PREFIX or file:DIR/);
  },
);

test.each([
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['2026-11-27T10:00:00.25-01:30', Date.UTC(2026, 10, 27, 11, 30, 0, 250)],
  ['0001-01-01 00:00:00Z', Date.parse('0001-01-01T00:00:00Z')],
  ['9999-12-31t23:59:59z', Date.UTC(9999, 11, 31, 23, 59, 59)],
  ['99999999999', Date.UTC(5138, 10, 16, 9, 46, 39)],
  ['100000000000', 100_000_000_000],
  ['0000-01-01T00:00:00+01:00', undefined],
  ['9999-12-31T23:59:59-01:00', undefined],
  ['2026-02-29', undefined],
  ['2100-02-29', undefined],
  ['2026-11-31T00:00:00Z', undefined],
  ['2026-11-27T10:00:00', undefined],
  ['-1', undefined],
  ['1e9', undefined],
])('%j is the moment %s', (text, ms) => expect(momentOf(text)).toBe(ms));

test.each(['', '/', 'year', '%Y/../%m', '%Y-%j', '%Y//%m', '100%', `%Y${'x'.repeat(300)}`])('%j is no partition', (text) => {
  expect(() => partitionOption.parse?.(text)).toThrow(/--partition takes a path/);
});
