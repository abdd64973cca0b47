import { closeSync, fdatasyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../src/lib/context.ts';
import { acquireLock, acquireLockSync } from '../src/lib/locks.ts';

// A process of the tests of locks: adds one to the number in FILE under LOCK, so many times a second, and says so on stdout.
const [kind, lockPath = '', file = '', timesText = '', pauseText = ''] = process.argv.slice(2);
const times = Number(timesText);
const pauseMs = Number(pauseText);
const host: Host = {
  pid: process.pid,
  platform: process.platform,
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};

const latenciesMs: number[] = [];
const fd = openSync(`${file}.log`, 'a');
for (let i = 0; i < times; i++) {
  const beganMs = performance.now();
  const lock = kind === 'async' ? await acquireLock(lockPath, host, { waitMs: 20_000 }) : acquireLockSync(lockPath, host, { waitMs: 20_000 });
  latenciesMs.push(performance.now() - beganMs);
  const number = Number(readFileSync(file, 'utf8'));
  // Another process that reads before this one has written would lose an increment: give it the time.
  if (kind === 'sync-synced') fdatasyncSync(fd);
  else if (i % 4 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.3);
  // Announced first: a process that is killed in between leaves a number that is announced and not written, never the reverse.
  writeSync(fd, `${number + 1}\n`);
  if (kind === 'sync-synced') fdatasyncSync(fd);
  writeFileSync(file, String(number + 1));
  lock.release();
  if (pauseMs > 0) await sleep(Math.max(0, pauseMs - (performance.now() - beganMs)));
}
closeSync(fd);
process.stdout.write(`${JSON.stringify(latenciesMs)}\n`);
