import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './context.ts';
import { codeOf, Failure } from './errors.ts';

/**
 * Exclusive locks as files, for processes of one machine (not on NFS, and not between containers that do not share their process numbers).
 * A lock is a file of one JSON line, so that `cat` tells who holds it. It is written under another name and linked to its own: it is
 * there whole or not at all, and link(2) lets one process win. What a killed process or a lost machine left is taken over.
 */

/** Who holds a lock, and since when. `boot` and `start` tell a process from a later one of the same number. */
export interface Holder {
  pid: number;
  boot: string;
  /** When the process started, as the system counts it; null where the system does not say. */
  start: string | null;
  at: string;
  /** Unlike that of every other lock file. */
  id: string;
}

export interface Lock {
  /** Gives the lock back; a second call does nothing. */
  release(): void;
}

export interface LockOptions {
  /** How long to wait for a living holder; 0 asks once. */
  waitMs: number;
  /** The file's mode. */
  mode?: number;
}

/** Takes the lock, waiting for up to `waitMs`; then throws a Failure (75) that names the holder. The folder must be there. */
export async function acquireLock(path: string, host: Host, options: LockOptions): Promise<Lock> {
  const claim = new Claim(path, host, options);
  try {
    for (;;) {
      const lock = claim.try();
      if (lock !== undefined) return lock;
      await sleep(claim.pauseMs());
    }
  } finally {
    claim.close();
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** The same for short waits on a hot path: the thread sleeps in steps of less than a millisecond at first. */
export function acquireLockSync(path: string, host: Host, options: LockOptions): Lock {
  const claim = new Claim(path, host, options);
  try {
    for (;;) {
      const lock = claim.try();
      if (lock !== undefined) return lock;
      Atomics.wait(never, 0, 0, claim.pauseMs());
    }
  } finally {
    claim.close();
  }
}

/** The living process that holds a lock; undefined where nobody does, or only a dead one. */
export function holderOf(path: string, host: Host): Holder | undefined {
  const found = find(path);
  return found === undefined || isStale(found, host) ? undefined : found.holder;
}

/** How often a waiting process looks whether the holder still lives. */
const lookMs = 10;
/** How long even a process that does not wait gives another one that is just clearing a dead one's lock away. */
const takeoverMs = 2000;

/** One process's try for one lock: its own file, ready to be linked, and how long it has waited. */
class Claim {
  readonly #path: string;
  readonly #host: Host;
  readonly #options: LockOptions;
  readonly #beganMs = performance.now();
  #own: OwnFile | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #found: Found | undefined;
  #isStale = false;

  constructor(path: string, host: Host, options: LockOptions) {
    this.#path = path;
    this.#host = host;
    this.#options = options;
  }

  try(): Lock | undefined {
    for (;;) {
      this.#own ??= writeOwn(this.#path, this.#host, this.#options.mode);
      const linked = link(this.#own, this.#path);
      if (linked === 'done') return new HeldLock(this.#path, this.#own.text);
      if (linked === 'gone') {
        this.#own = undefined;
        continue;
      }
      const nowMs = performance.now();
      if (nowMs - this.#lookedMs < lookMs) return undefined;
      this.#lookedMs = nowMs;
      this.#found = find(this.#path);
      if (this.#found === undefined) continue;
      this.#isStale = isStale(this.#found, this.#host);
      if (!this.#isStale) return undefined;
      if (!clear(this.#path, this.#found, this.#path, this.#host)) return undefined;
      this.#lookedMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** How long to wait before the next try; throws once the time is up. */
  pauseMs(): number {
    const waitedMs = performance.now() - this.#beganMs;
    const leftMs = (this.#isStale ? Math.max(this.#options.waitMs, takeoverMs) : this.#options.waitMs) - waitedMs;
    if (leftMs <= 0) throw held(this.#path, this.#found?.holder);
    // Drawn at random, so that those who wait do not march in step.
    return Math.min(leftMs, Math.min(20, Math.max(1, waitedMs / 50)) * (0.2 + 0.8 * Math.random()));
  }

  close(): void {
    if (this.#own !== undefined) unlinkIfThere(this.#own.path);
  }
}

class HeldLock implements Lock {
  readonly #path: string;
  #text: string | undefined;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  release(): void {
    // A person may have removed the file, and another process made its own since: that one is not ours to remove.
    if (this.#text !== undefined && readText(this.#path) === this.#text) unlinkIfThere(this.#path);
    this.#text = undefined;
  }
}

function held(path: string, holder: Holder | undefined): Failure {
  if (holder === undefined) {
    return new Failure(
      'incomplete',
      `${path} is held, but the file does not say by whom`,
      'remove the file if no buda runs there',
    );
  }
  return new Failure(
    'incomplete',
    `${path} is held by process ${holder.pid} since ${holder.at}`,
    'run again when that process has ended',
  );
}

/** A lock file as it was found. One that cannot be read was cut short by a lost machine, or is not ours. */
interface Found {
  id: string;
  holder: Holder | undefined;
  writtenMs: number;
}

function find(path: string): Found | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  if (holder !== undefined) return { id: holder.id, holder, writtenMs: 0 };
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && { id: `${stat.ino}-${Math.trunc(stat.mtimeMs)}`, holder, writtenMs: stat.mtimeMs };
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Holder;
    return Number.isSafeInteger(value.pid) && typeof value.boot === 'string' && /^[\w-]+$/.test(value.id) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStale({ holder, writtenMs }: Found, host: Host): boolean {
  // Locks are not fsynced: after a power loss the name may be there and the content not.
  if (holder === undefined) return writtenMs < Date.now() - uptime() * 1000;
  if (!isThisBoot(holder.boot, bootOf(host)) || !host.isAlive(holder.pid)) return true;
  if (host.platform !== 'linux') return false;
  const stat = readStat(holder.pid);
  if (stat === undefined) return false;
  return stat.state === 'Z' || stat.state === 'X' || (holder.start !== null && holder.start !== stat.start);
}

/**
 * Removes a dead process's lock file; false while another process is about it. Two that found the same dead file must not both
 * remove it, since the second would remove the lock that somebody has taken in between. So whoever removes it holds a lock named
 * after the dead file's id, and looks again under it. If that one's holder dies too, its lock is cleared in the same way.
 */
function clear(path: string, dead: Found, lock: string, host: Host): boolean {
  const right = `${lock}.${dead.id}.takeover`;
  const own = writeOwn(lock, host);
  try {
    if (link(own, right) !== 'done') {
      const found = find(right);
      return found === undefined || (isStale(found, host) && clear(right, found, lock, host));
    }
    try {
      if (find(path)?.id === dead.id) unlinkIfThere(path);
      removeLeftovers(lock, host);
    } finally {
      unlinkIfThere(right);
    }
    return true;
  } finally {
    unlinkIfThere(own.path);
  }
}

/** Removes what processes left that were killed in the instant between writing their file and linking it. */
function removeLeftovers(lock: string, host: Host): void {
  const folder = dirname(lock);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(lock)}.`) || !name.endsWith('.new')) continue;
    const found = find(join(folder, name));
    // A file that is still empty may be another's, just begun: it makes a new one.
    if (found !== undefined && (found.holder === undefined || isStale(found, host))) unlinkIfThere(join(folder, name));
  }
}

interface OwnFile {
  path: string;
  text: string;
}

function writeOwn(lock: string, host: Host, mode = 0o600): OwnFile {
  const id = randomBytes(6).toString('hex');
  const path = `${lock}.${id}.new`;
  const text = `${JSON.stringify({ ...identityOf(host), at: new Date().toISOString(), id } satisfies Holder)}\n`;
  try {
    writeFileSync(path, text, { flag: 'wx', mode });
  } catch (error) {
    unlinkIfThere(path);
    throw error;
  }
  return { path, text };
}

function link(own: OwnFile, path: string): 'done' | 'taken' | 'gone' {
  try {
    linkSync(own.path, path);
    return 'done';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'taken';
    if (codeOf(error) === 'ENOENT') return 'gone';
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

type Identity = Pick<Holder, 'pid' | 'boot' | 'start'>;
let identity: Identity | undefined;

function identityOf(host: Host): Identity {
  if (identity?.pid !== host.pid) {
    const start = host.platform === 'linux' ? (readStat(host.pid)?.start ?? null) : null;
    identity = { pid: host.pid, boot: bootOf(host), start };
  }
  return identity;
}

let boot: string | undefined;

/** Linux names each boot; elsewhere it is the second in which the machine was started. */
function bootOf(host: Host): string {
  boot ??= host.platform === 'linux' ? readText('/proc/sys/kernel/random/boot_id')?.trim() : undefined;
  boot ??= String(Math.round(Date.now() / 1000 - uptime()));
  return boot;
}

/** A clock that was set moves the second of the boot a little. */
const bootToleranceS = 60;

function isThisBoot(theirs: string, ours: string): boolean {
  return theirs === ours || Math.abs(Number(theirs) - Number(ours)) <= bootToleranceS;
}

/** The state and the start time of a process: fields 3 and 22 of proc_pid_stat(5). The name before them may hold anything, `)` too. */
function readStat(pid: number): { state: string; start: string } | undefined {
  let text: string | undefined;
  try {
    text = readText(`/proc/${pid}/stat`);
  } catch {
    return undefined;
  }
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  const start = fields?.[19];
  return state === undefined || start === undefined ? undefined : { state, start };
}
