import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../src/lib/context.ts';
import { acquireLock, holderOf, LockFile } from '../src/lib/locks.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'buda-locks-'));
  path = join(folder, 'x.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const deadPid = 99_999_999;
function hostOf(pid: number, platform: string = process.platform): Host {
  return { pid, platform, isAlive: (other) => other !== deadPid };
}
const host = hostOf(process.pid);

/** The lock as a process left it that is dead, changed as the test likes. */
async function leaveLock(change: Record<string, unknown> = {}, at = path): Promise<void> {
  await acquireLock(at, host, { waitMs: 0 });
  const text = readFileSync(at, 'utf8');
  writeFileSync(at, `${JSON.stringify({ ...JSON.parse(text), ...change })}\n`);
}

describe('a lock', () => {
  test('is refused (75) to a second taker, with the pid and since when, and free after its release', async () => {
    const lock = await acquireLock(path, host, { waitMs: 0 });
    expect(readdirSync(folder)).toEqual(['x.lock']);
    await expect(acquireLock(path, host, { waitMs: 30 })).rejects.toMatchObject({
      exit: 75,
      message: expect.stringMatching(`^${path} is held by process ${process.pid} since \\d{4}-\\d\\d-\\d\\dT`),
    });
    await expect(acquireLock(path, host, { waitMs: 0 })).rejects.toThrow(/is held by process/);
    expect(holderOf(path, host)?.pid).toBe(process.pid);
    lock.release();
    expect(holderOf(path, host)).toBeUndefined();
    (await acquireLock(path, host, { waitMs: 0 })).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that a person removed and another has taken is not released by the first', async () => {
    const first = await acquireLock(path, host, { waitMs: 0 });
    rmSync(path);
    const second = await acquireLock(path, host, { waitMs: 0 });
    first.release();
    expect(existsSync(path)).toBe(true);
    second.release();
    second.release();
    expect(existsSync(path)).toBe(false);
  });

  test('is waited for', async () => {
    const first = await acquireLock(path, host, { waitMs: 0 });
    const second = acquireLock(path, host, { waitMs: 5000 });
    await sleep(20);
    first.release();
    (await second).release();
  });

  test('says what is wrong with its folder', async () => {
    await expect(acquireLock(join(folder, 'missing', 'x.lock'), host, { waitMs: 0 })).rejects.toThrow(/ENOENT/);
    writeFileSync(join(folder, 'file'), '');
    await expect(acquireLock(join(folder, 'file', 'x.lock'), host, { waitMs: 0 })).rejects.toThrow(/ENOTDIR/);
  });
});

describe('a stale lock is taken over', () => {
  test.each([
    ['of a dead process', { pid: deadPid }],
    ['of an earlier boot', { boot: 'f3a9b0a2-0000-4000-8000-000000000000' }],
    ['of an earlier process of the same number', { start: '1' }],
  ])('%s', async (_, change) => {
    await leaveLock(change);
    expect(holderOf(path, host)).toBeUndefined();
    (await acquireLock(path, host, { waitMs: 0 })).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('even where those who were taking it over died as well', async () => {
    await leaveLock({ pid: deadPid, id: 'aa' });
    await leaveLock({ pid: deadPid, id: 'bb' }, `${path}.aa.takeover`);
    await leaveLock({ pid: deadPid, id: 'cc' }, `${path}.bb.takeover`);
    (await acquireLock(path, host, { waitMs: 0 })).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('but not while another living process does it', async () => {
    await leaveLock({ pid: deadPid, id: 'aa' });
    await leaveLock({}, `${path}.aa.takeover`);
    const begunMs = performance.now();
    await expect(acquireLock(path, host, { waitMs: 0 })).rejects.toThrow(`is held by process ${deadPid}`);
    expect(performance.now() - begunMs).toBeGreaterThan(900);
    expect(existsSync(path)).toBe(true);
  });

  test('where only the name survived a power loss; not where somebody else wrote it since the boot', async () => {
    writeFileSync(path, '');
    await expect(acquireLock(path, host, { waitMs: 0 })).rejects.toThrow('does not say by whom');
    utimesSync(path, 1, 1);
    (await acquireLock(path, host, { waitMs: 0 })).release();
  });

  test('outside Linux by its pid and by the second of the boot', async () => {
    const mac = hostOf(process.pid, 'darwin');
    const lock = await acquireLock(path, mac, { waitMs: 0 });
    const { boot, start } = JSON.parse(readFileSync(path, 'utf8')) as { boot: string; start: unknown };
    expect(start).toBeNull();
    lock.release();
    await leaveLock({ boot: String(Number(boot) + 5), start });
    expect(holderOf(path, mac)?.pid).toBe(process.pid);
    rmSync(path);
    await leaveLock({ boot: String(Number(boot) - 3600), start });
    (await acquireLock(path, mac, { waitMs: 0 })).release();
  });

  test.runIf(process.platform === 'linux')('of a killed process whose parent has not noticed', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = (await once(parent.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer];
    const pid = Number(chunk.toString());
    await leaveLock({ pid, start: null });
    (await acquireLock(path, host, { waitMs: 10_000 })).release();
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
    parent.kill();
  });
});

test('a lock file that is kept ready is written once, and what a killed process kept ready is removed by the next', async () => {
  const killed = new LockFile(path, host);
  (await killed.acquire(0)).release();
  const [own = ''] = readdirSync(folder);
  expect(own).toMatch(/^x\.lock\.[0-9a-f]+\.own$/);
  (await killed.acquire(0)).release();
  expect(readdirSync(folder)).toEqual([own]);
  const text = readFileSync(join(folder, own), 'utf8');
  writeFileSync(join(folder, own), JSON.stringify({ ...JSON.parse(text), pid: deadPid }));
  const next = new LockFile(path, host);
  (await next.acquire(0)).release();
  expect(readdirSync(folder)).not.toContain(own);
  // The first one was not dead after all: it makes another file.
  (await killed.acquire(0)).release();
  killed.close();
  next.close();
  expect(readdirSync(folder)).toEqual([]);
});

test('eight processes on one lock, killed at random, never hold it together and never lose an increment', async () => {
  const worker = join(folder, 'worker.mjs');
  buildSync({
    entryPoints: [new URL('./locks-worker.ts', import.meta.url).pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: worker,
  });
  const file = join(folder, 'counter');
  writeFileSync(file, '00000000');
  const random = seeded(20_261_124);
  const killed = new Set<number>();
  const living = new Map<number, Promise<unknown>>();
  const start = () => {
    const child = spawn(process.execPath, [worker, path, file, '300'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const pid = child.pid as number;
    const ended = once(child, 'exit').then(([code]) => {
      living.delete(pid);
      if (!killed.has(pid) && code !== 0) throw new Error(`a worker ended with ${code}`);
    });
    living.set(pid, ended);
  };
  for (let i = 0; i < 8; i++) start();
  let holdersKilled = 0;
  for (let i = 0; i < 60; i++) {
    await sleep(5 + random() * 40);
    const pids = [...living.keys()];
    // Two of three times it hits whoever seems to hold the lock.
    const holder = random() < 0.66 ? holderOf(path, hostOf(process.pid))?.pid : undefined;
    const pid = holder ?? pids[Math.floor(random() * pids.length)];
    if (pid === undefined || !living.has(pid)) continue;
    killed.add(pid);
    process.kill(pid, 'SIGKILL');
    if (pid === holder) holdersKilled++;
    start();
  }
  await Promise.all(living.values());

  let inside: string | undefined;
  let numbers = new Set(['0']);
  let increments = 0;
  for (const line of readFileSync(`${file}.log`, 'utf8').trimEnd().split('\n')) {
    const [word, pid = '', number = ''] = line.split(' ');
    if (word === 'in') {
      if (inside !== undefined && !killed.has(Number(inside))) expect.fail(`${pid} came in while ${inside} was inside`);
      // The number that the last one left; one that was killed inside may have written its own or not.
      expect(numbers).toContain(String(Number(number)));
      inside = pid;
      numbers = new Set([number, String(Number(number) + 1)]);
    } else {
      expect(pid).toBe(inside);
      inside = undefined;
      numbers = new Set([number]);
      increments++;
    }
  }
  expect(numbers).toContain(String(Number(readFileSync(file, 'utf8'))));
  expect(increments).toBeGreaterThan(2000);
  expect(holdersKilled).toBeGreaterThan(5);
  // Only what processes killed last kept ready may be left, and nothing that is held.
  (await acquireLock(path, host, { waitMs: 0 })).release();
  const last = new LockFile(path, hostOf(process.pid));
  (await last.acquire(0)).release();
  last.close();
});

/** A generator of numbers in [0, 1) that is the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
