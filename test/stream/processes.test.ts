import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatControl, parseControl } from '../../src/lib/marks.ts';
import { bash, environmentIn, root, temporary } from '../house/bash.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(temporary, 'buda-stream-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const buda = join(root, 'bin/buda');

function run(script: string, timeoutMs = 20_000) {
  return bash(script, { cwd, env: environmentIn(cwd), timeoutMs });
}

/** Chance with a seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

interface Sent {
  written: number;
  /** Numbers that put-stream has acknowledged: it ended well behind them. */
  acknowledged: number[];
}

/** Small segments, so that they roll under the writers. */
async function makeStream(name: string, shards: number, segmentBytes: number): Promise<void> {
  expect((await run(`buda put-stream ${name} --shards ${shards} </dev/null`)).exit).toBe(0);
  const path = join(cwd, 'home/streams', name, 'stream.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), segment_bytes: segmentBytes }));
}

test('eight writers that are killed at random: what was acknowledged is read, once, and in the order of its writer', async () => {
  await makeStream('s', 2, 20_000);
  const random = chance(7);
  /** One writer: runs of put-stream, one after the other, half of them killed. */
  async function write(writer: number): Promise<Sent> {
    const sent: Sent = { written: 0, acknowledged: [] };
    for (let round = 0; round < 4; round++) {
      const isKilled = round % 2 === 0;
      const child = spawn(buda, ['put-stream', 's', '--key', 'writer', '-q'], { cwd, env: environmentIn(cwd), stdio: 'pipe' });
      child.stdin.on('error', () => {});
      const first = sent.written;
      const ended = once(child, 'exit');
      const killAfterMs = 60 + random() * 250;
      if (isKilled) void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
      for (let chunk = 0; chunk < 12 && child.exitCode === null && child.signalCode === null; chunk++) {
        const lines = Array.from({ length: 20 }, () =>
          JSON.stringify({ id: `${writer}-${sent.written}`, writer, n: sent.written++ }),
        );
        child.stdin.write(`${lines.join('\n')}\n`);
        await sleep(random() * 15);
      }
      child.stdin.end();
      const [code] = (await ended) as [number | null];
      if (isKilled && code === null) continue;
      expect(code).toBe(0);
      for (let n = first; n < sent.written; n++) sent.acknowledged.push(n);
    }
    return sent;
  }
  const sent = await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));

  const { stdout, exit } = await run('buda get-stream s -e -q');
  expect(exit).toBe(0);
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { writer: number; n: number });
  for (const [writer, { written, acknowledged }] of sent.entries()) {
    const numbers = found.filter((record) => record.writer === writer).map(({ n }) => n);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.at(-1) ?? 0).toBeLessThan(written);
    expect(acknowledged.filter((n) => !numbers.includes(n))).toEqual([]);
  }
  expect((await run('cat home/streams/s/*/*.ndjson | sort | cmp - <(buda get-stream s -e -q | sort)')).exit).toBe(0);
}, 40_000);

test('a limit of the size of files is told, and what stands there stays whole', async () => {
  writeFileSync(
    join(cwd, 'in.ndjson'),
    Array.from({ length: 40_000 }, (_, n) => `{"id":"e_${n}","text":"${'x'.repeat(60)}"}\n`).join(''),
  );
  const { exit, stderr } = await run('ulimit -f 1000; buda put-stream s < in.ndjson');
  expect(exit).toBe(1);
  expect(stderr).toContain('ulimit -f');
  const again = await run('buda get-stream s -e -q > out.ndjson; cmp <(head -n $(wc -l < out.ndjson) in.ndjson) out.ndjson');
  expect(again).toMatchObject({ exit: 0, stderr: '' });
  // Once there is room it goes on.
  expect((await run('echo \'{"id":"last"}\' | buda put-stream s -q; buda get-stream s -e -q | tail -n 1')).stdout).toBe(
    '{"id":"last"}\n',
  );
});

test.skipIf(!existsSync('/proc/mounts'))('a disk that is full is told', async () => {
  const script = `mkdir small && mount -t tmpfs -o size=300k none small && trap 'umount small' EXIT || exit 99
    export BUDA_HOME=$PWD/small/home
    yes '{"id":"e_1","text":"a line of some length"}' | head -n 40000 | buda put-stream s
    code=$?
    buda get-stream s -e -q | sort -u
    exit $code`;
  const { exit, stdout, stderr } = await bash(`unshare -rm bash -c '${script.replaceAll("'", `'\\''`)}' || exit $?`, {
    cwd,
    env: environmentIn(cwd),
  });
  // A machine that gives nobody a disk of their own cannot show it.
  if (exit === 99 || /unshare: /.test(stderr)) return;
  expect(stderr).toContain('the disk is full');
  expect(exit).toBe(1);
  expect(['{"id":"e_1","text":"a line of some length"}\n', '']).toContain(stdout);
});

test('a follower sees a record within 50 ms of its acknowledgement, over rolls', async () => {
  await makeStream('s', 1, 300);
  const reader = spawn(buda, ['get-stream', 's', '-q'], { cwd, env: environmentIn(cwd), stdio: ['ignore', 'pipe', 'inherit'] });
  const seen = new Map<number, number>();
  onLine(reader.stdout, (line) => seen.set((JSON.parse(line) as { n: number }).n, performance.now()));
  // With --forward a mark comes back once what stands before it is safe.
  const words = ['put-stream', 's', '--forward', '-q'];
  const writer = spawn(buda, words, { cwd, env: environmentIn(cwd), stdio: ['pipe', 'pipe', 'inherit'] });
  const acknowledged = new Map<number, number>();
  onLine(writer.stdout, (line) => {
    const control = parseControl(line);
    if (control?.kind === 'mark') acknowledged.set(Number(control.mark.to), performance.now());
  });
  const put = (n: number) => {
    const mark = formatControl({ kind: 'mark', mark: { to: String(n), c: [['produce test', 0, 1, 0]] } });
    writer.stdin.write(`{"n":${n},"pad":"${'x'.repeat(30)}"}\n${mark}\n`);
  };
  const begin = { app: 'writer', source: 'test', run: 'r', term: 1, at: 0, from: {} };
  writer.stdin.write(`${formatControl({ kind: 'begin', begin })}\n`);
  put(0);
  while (!seen.has(0)) await sleep(5);
  for (let n = 1; n <= 60; n++) {
    put(n);
    while (!seen.has(n) || !acknowledged.has(n)) await sleep(1);
  }
  writer.stdin.end(`${formatControl({ kind: 'end', end: { exit: 0 } })}\n`);
  expect(await once(writer, 'exit')).toEqual([0, null]);
  reader.kill('SIGTERM');
  expect(await once(reader, 'exit')).toEqual([0, null]);
  const delaysMs = Array.from({ length: 60 }, (_, i) => (seen.get(i + 1) as number) - (acknowledged.get(i + 1) as number));
  delaysMs.sort((a, b) => a - b);
  expect(delaysMs[Math.floor(delaysMs.length * 0.95)]).toBeLessThan(50);
});

function onLine(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', take);
}

test('a stream that is deleted ends those who write and follow it', async () => {
  await run('echo \'{"id":1}\' | buda put-stream s -q');
  const reader = spawn(buda, ['get-stream', 's'], { cwd, env: environmentIn(cwd), stdio: ['ignore', 'pipe', 'pipe'] });
  const writer = spawn(buda, ['put-stream', 's'], { cwd, env: environmentIn(cwd), stdio: 'pipe' });
  writer.stdin.write('{"id":2}\n');
  let told = '';
  for (const child of [reader, writer]) child.stderr.on('data', (chunk) => (told += chunk));
  const ends = [once(reader, 'exit'), once(writer, 'exit')];
  for (let lines = 0; lines < 2; ) lines += String((await once(reader.stdout, 'data'))[0]).split('\n').length - 1;
  expect((await run('buda stream delete s')).exit).toBe(0);
  writer.stdin.write('{"id":3}\n');
  writer.stdin.end();
  expect(await Promise.all(ends)).toEqual([
    [78, null],
    [78, null],
  ]);
  expect(told).toContain('was deleted while it was written');
  expect(told).toContain('was deleted while it was read');
});

test('a stream is not deleted under an app that runs', async () => {
  await run('echo \'{"id":1}\' | buda put-stream s -q');
  const reader = spawn(buda, ['get-stream', 's', '--app', 'a', '-q'], {
    cwd,
    env: environmentIn(cwd),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(reader.stdout, 'data');
  expect(await run('buda stream delete s')).toMatchObject({ exit: 75, stderr: expect.stringContaining('the app a is running') });
  reader.kill('SIGTERM');
  expect(await once(reader, 'exit')).toEqual([0, null]);
  expect((await run('buda stream delete s')).exit).toBe(0);
});
