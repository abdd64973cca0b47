import { openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../src/lib/context.ts';
import { LockFile } from '../src/lib/locks.ts';

// A process of the tests of locks: adds one to the number in FILE under LOCK, TIMES times, and logs its coming and going.
const [lock = '', file = '', times = ''] = process.argv.slice(2);
const never = new Int32Array(new SharedArrayBuffer(4));
const host: Host = {
  pid: process.pid,
  platform: process.platform,
  isAlive(pid) {
    try {
      return process.kill(pid, 0);
    } catch {
      // Time for others to take the dead process's lock over between this look at it and what follows.
      Atomics.wait(never, 0, 0, (process.pid % 8) * 1.3);
      return false;
    }
  },
};

const locks = new LockFile(lock, host);
const counter = openSync(file, 'r+');
const log = openSync(`${file}.log`, 'a');
const digits = Buffer.alloc(8);
for (let i = 0; i < Number(times); i++) {
  const held = await locks.acquire(20_000);
  readSync(counter, digits, 0, 8, 0);
  const number = Number(digits.toString());
  writeSync(log, `in ${process.pid} ${number}\n`);
  if (i % 3 === 0) Atomics.wait(never, 0, 0, 0.5);
  // One write of always the same length: a kill leaves the old number or the new one.
  writeSync(counter, String(number + 1).padStart(8, '0'), 0);
  writeSync(log, `out ${process.pid} ${number + 1}\n`);
  held.release();
  if (i % 5 === 0) await sleep(1);
}
locks.close();
