import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseStreamName } from '../../src/lib/stream/names.ts';
import { parsePlace } from '../../src/lib/stream/positions.ts';
import { bash, environmentIn, temporary } from '../house/bash.ts';
import { pointSdkAt, type Running, startKinesalite } from '../kinesis/servers.ts';
import { makeStream, recordsIn } from '../kinesis/streams.ts';
import { records } from './support.ts';

describe('names', () => {
  it('say where a stream lives, or BUDA_STREAMS does', () => {
    expect(parseStreamName('a', {})).toEqual({ kind: 'local', name: 'a' });
    expect(parseStreamName('a', { BUDA_STREAMS: 'kinesis' })).toEqual({ kind: 'kinesis', name: 'a' });
    expect(parseStreamName('local:a.b-c_d', { BUDA_STREAMS: 'kinesis' })).toEqual({ kind: 'local', name: 'a.b-c_d' });
    expect(parseStreamName('kinesis:a', {})).toEqual({ kind: 'kinesis', name: 'a' });
  });

  it.each(['', '.', '..', '-a', '.a', 'a/b', '/a', 'a b', 'local:', 'kafka:a', 'local:a:b', 'ä', 'a'.repeat(129), 'a\n'])(
    'refuse %j',
    (name) => {
      expect(() => parseStreamName(name, {})).toThrow(expect.objectContaining({ exit: 2 }));
    },
  );

  it('refuse a BUDA_STREAMS that is neither', () => {
    expect(() => parseStreamName('a', { BUDA_STREAMS: 'redis' })).toThrow(expect.objectContaining({ exit: 2 }));
  });
});

describe('places', () => {
  const nowMs = Date.parse('2026-11-24T10:00:00Z');
  it.each([
    ['beginning', { kind: 'beginning' }],
    ['TRIM_HORIZON', { kind: 'beginning' }],
    ['end', { kind: 'end' }],
    ['LATEST', { kind: 'end' }],
    ['00000000000000000042', { kind: 'sequence', sequenceNumber: '00000000000000000042' }],
    ['49600000000000000000000000000000000000000000000000000002', { kind: 'sequence' }],
    ['2026-11-24T09:00:00+01:00', { kind: 'time', atMs: Date.parse('2026-11-24T08:00:00Z') }],
    ['2026-11-24', { kind: 'time', atMs: Date.parse('2026-11-24T00:00:00Z') }],
    ['-15m', { kind: 'time', atMs: nowMs - 900_000 }],
    ['-90', { kind: 'time', atMs: nowMs - 90_000 }],
  ])('%s', (text, place) => {
    expect(parsePlace('--position', text, nowMs)).toMatchObject(place);
  });

  it.each(['', 'now', '15m', '2026', '2026-13-01', '24.11.2026', '-', '--5m', '1e9'])('not %j', (text) => {
    expect(() => parsePlace('--until', text, nowMs)).toThrow(
      expect.objectContaining({ exit: 2, message: expect.stringContaining('--until takes') }),
    );
  });
});

describe('the commands', () => {
  let kinesis: Running;
  let cwd: string;
  beforeAll(async () => {
    kinesis = await startKinesalite();
    pointSdkAt(kinesis.endpoint);
    await makeStream('movements', 2);
  });
  afterAll(() => kinesis.stop());
  beforeEach(() => {
    cwd = mkdtempSync(join(temporary, 'buda-stream-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  function run(script: string, lines: readonly string[] = []) {
    const aws = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'))) as Record<
      string,
      string
    >;
    return bash(script, {
      cwd,
      env: { ...environmentIn(cwd), ...aws },
      input: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    });
  }

  it('read and write Kinesis by the same words, and by BUDA_STREAMS', async () => {
    const lines = records(0, 30);
    const put = await run('BUDA_STREAMS=kinesis buda put-stream movements', lines);
    expect(put).toMatchObject({ exit: 0 });
    expect((await recordsIn('movements')).map(({ data }) => data.trim()).sort()).toEqual([...lines].sort());
    const get = await run('buda get-stream kinesis:movements --position -15m -e -q');
    expect(get.stdout.trim().split('\n').sort()).toEqual([...lines].sort());
    const copy = await run(
      'buda get-stream kinesis:movements --app a --epoch 7 -n 20 -q | buda put-stream copy -q && buda get-stream kinesis:movements --app a -e -q | buda put-stream copy -q && buda get-stream copy -e -q',
    );
    expect(copy.stdout.trim().split('\n').sort()).toEqual([...lines].sort());
    expect((await run('buda stream list kinesis')).stdout).toBe('{"name":"kinesis:movements"}\n');
    const told = JSON.parse((await run('buda stream describe kinesis:movements')).stdout);
    expect(told).toMatchObject({ name: 'kinesis:movements', open_shards: 2, retention_ms: 86_400_000, apps: [{ app: 'a' }] });
    expect((await run('buda get-stream kinesis:nothing -e')).exit).toBe(78);
    expect((await run('BUDA_STREAMS=kinesis buda stream delete movements')).exit).toBe(0);
  }, 30_000);

  it('take -15m as a value, and refuse what excludes itself', async () => {
    await run('buda put-stream s -q', records(0, 3));
    expect((await run('buda get-stream s --position -15m --until -0s -q')).stdout.split('\n')).toHaveLength(4);
    expect((await run('buda get-stream s -e -f')).exit).toBe(2);
    expect((await run('buda get-stream s --until never')).exit).toBe(2);
    expect((await run('buda get-stream s --epoch 0 -e')).exit).toBe(2);
  });

  it('end quietly where the reader goes away', async () => {
    await run('yes \'{"id":"e_1","text":"some text"}\' | head -n 100000 | buda put-stream s -q');
    expect(await run('buda get-stream s -q | head -n 1; exit $PIPESTATUS')).toMatchObject({ exit: 141, stderr: '' });
  });
});
