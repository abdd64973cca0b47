import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './context.ts';
import { codeOf, Failure } from './errors.ts';
import { type Identity, identityOf, isGone } from './identity.ts';

/**
 * Exclusive locks as files, for processes of one machine (not on NFS, and not between containers that do not share their
 * process numbers). A lock is a file of one JSON line that says who holds it. It is written under another name and then linked
 * to its own: it is there whole or not at all, and link(2) lets one process win. A lock whose process is dead, or of an earlier
 * boot, is taken over.
 */

/** Who holds a lock. */
interface Holder extends Identity {
  /** Unlike that of every other file made here. */
  id: string;
}

/** A lock that is held until `release`, or until the process dies. */
export interface Lock {
  /** Gives the lock back; a second call does nothing. */
  release(): void;
}

interface LockOptions {
  /** How long to wait for a living holder; 0 asks once. */
  waitMs: number;
  /** The file's mode. */
  mode?: number;
}

/** Takes a lock, waiting for up to `waitMs`; then throws a Failure (75) that names the holder. The folder must be there. */
export async function acquireLock(path: string, host: Host, { waitMs, mode }: LockOptions): Promise<Lock> {
  const file = new LockFile(path, host, mode);
  try {
    return await file.acquire(waitMs);
  } finally {
    file.close();
  }
}

/** The living process that holds a lock, and since when; undefined where nobody does, or only a dead one. */
export function holderOf(path: string, host: Host): { pid: number; since: Date } | undefined {
  const found = find(path);
  return found?.holder === undefined || isStale(found, host) ? undefined : { pid: found.holder.pid, since: found.since };
}

/**
 * A lock that is taken again and again: the file that is linked is written once (a link costs 10 µs, a new file 70), until
 * `close`.
 */
export class LockFile {
  readonly #path: string;
  readonly #host: Host;
  readonly #mode: number;
  #own: OwnFile | undefined;

  constructor(path: string, host: Host, mode = 0o600) {
    this.#path = path;
    this.#host = host;
    this.#mode = mode;
  }

  /** As `acquireLock`. */
  async acquire(waitMs: number): Promise<Lock> {
    const wait = new Wait(this.#path, this.#host, waitMs);
    for (;;) {
      const lock = this.#try(wait);
      if (lock !== undefined) return lock;
      await sleep(wait.pauseMs());
    }
  }

  /** Removes the file that is linked from; a lock that is held stays held until its own release. */
  close(): void {
    if (this.#own !== undefined) unlinkIfThere(this.#own.path);
    this.#own = undefined;
  }

  #prepare(): OwnFile {
    removeLeftovers(this.#path, this.#host);
    return writeOwn(this.#path, this.#host, this.#mode);
  }

  #try(wait: Wait): Lock | undefined {
    for (;;) {
      this.#own ??= this.#prepare();
      const linked = link(this.#own, this.#path);
      if (linked === 'done') return new HeldLock(this.#path, this.#own.mark);
      if (linked === 'gone') this.#own = undefined;
      else if (!wait.look()) return undefined;
    }
  }
}

class HeldLock implements Lock {
  readonly #path: string;
  #mark: string | undefined;

  constructor(path: string, mark: string) {
    this.#path = path;
    this.#mark = mark;
  }

  release(): void {
    // A person may have removed the file, and another process made its own since: that one is not ours to remove.
    if (this.#mark !== undefined && markOf(this.#path) === this.#mark) unlinkIfThere(this.#path);
    this.#mark = undefined;
  }
}

/** How often a waiting process looks whether the holder still lives. */
const lookMs = 10;
/** How long even a process that does not wait gives another one that is just clearing a dead one's lock away. */
const clearingMs = 1000;

/** One process's wait for one lock. */
class Wait {
  readonly #path: string;
  readonly #host: Host;
  readonly #waitMs: number;
  readonly #beganMs = performance.now();
  #lookedMs: number;
  #found: Found | undefined;
  #isStale = false;

  constructor(path: string, host: Host, waitMs: number) {
    this.#path = path;
    this.#host = host;
    this.#waitMs = waitMs;
    // Most hold it for less than a look at them takes.
    this.#lookedMs = waitMs > lookMs ? this.#beganMs : Number.NEGATIVE_INFINITY;
  }

  /** Looks at a lock that is taken, and clears it if its holder is dead; true if it may be free now. */
  look(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < lookMs) return false;
    const found = find(this.#path);
    if (found === undefined) return true;
    this.#found = found;
    this.#isStale = isStale(found, this.#host);
    if (this.#isStale && clear(this.#path, found, this.#path, this.#host)) return true;
    this.#lookedMs = nowMs;
    return false;
  }

  /** How long to wait before the next try; throws once the time is up. */
  pauseMs(): number {
    const waitedMs = performance.now() - this.#beganMs;
    const leftMs = (this.#isStale ? Math.max(this.#waitMs, clearingMs) : this.#waitMs) - waitedMs;
    if (leftMs <= 0) throw held(this.#path, this.#found);
    // Drawn at random, so that those who wait do not march in step.
    return Math.min(leftMs, Math.min(5, Math.max(0.2, waitedMs / 100)) * (0.2 + 0.8 * Math.random()));
  }
}

function held(path: string, found: Found | undefined): Failure {
  if (found?.holder === undefined) {
    return new Failure('incomplete', `${path} is taken, but does not say by whom`, 'remove the file if nothing runs there');
  }
  const { holder, since } = found;
  return new Failure(
    'incomplete',
    `${path} is held by process ${holder.pid} since ${since.toISOString()}`,
    'run again when that process has ended',
  );
}

/** A lock file as it was found. One without a holder was cut short when the machine lost its power, or is not ours. */
interface Found {
  id: string;
  holder: Holder | undefined;
  writtenMs: number;
  /** The file's change time, which link(2) sets. */
  since: Date;
}

function find(path: string): Found | undefined {
  const text = readText(path);
  const stat = text === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (text === undefined || stat === undefined) return undefined;
  const holder = parseHolder(text);
  return { id: holder?.id ?? `${stat.ino}-${Math.trunc(stat.ctimeMs)}`, holder, writtenMs: stat.mtimeMs, since: stat.ctime };
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Holder;
    return Number.isSafeInteger(value.pid) && typeof value.boot === 'string' && /^[0-9a-f]+$/.test(value.id) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStale({ holder, writtenMs }: Found, host: Host): boolean {
  // Locks are not fsynced: after a power loss the name may be there and the content not.
  if (holder === undefined) return writtenMs < Date.now() - uptime() * 1000;
  return isGone(holder, host);
}

/**
 * Removes a dead process's lock; false while another process is about it. Two that found the same dead lock must not both
 * remove it, since the second would remove the one that somebody has taken in between. So whoever removes it holds a lock named
 * after the dead one's id, and looks again under it; an id does not come back once its process is dead. Should that second
 * process die too, its own lock is cleared in the same way.
 */
function clear(path: string, dead: Found, root: string, host: Host): boolean {
  const right = `${root}.${dead.id}.takeover`;
  const own = writeOwn(root, host);
  try {
    if (link(own, right) !== 'done') {
      const found = find(right);
      return found === undefined || (isStale(found, host) && clear(right, found, root, host));
    }
    try {
      if (find(path)?.id === dead.id) unlinkIfThere(path);
    } finally {
      unlinkIfThere(right);
    }
    return true;
  } finally {
    unlinkIfThere(own.path);
  }
}

/** Removes the files that killed processes linked from. */
function removeLeftovers(root: string, host: Host): void {
  for (const name of readdirSync(dirname(root))) {
    if (!name.startsWith(`${basename(root)}.`) || !name.endsWith('.own')) continue;
    const path = join(dirname(root), name);
    const found = find(path);
    // One that is still empty may be a living process's, just begun: that process notices, and makes another.
    if (found !== undefined && (found.holder === undefined || isStale(found, host))) unlinkIfThere(path);
  }
}

interface OwnFile {
  path: string;
  /** The lock's too, while it is held. */
  mark: string;
}

function writeOwn(root: string, host: Host, mode = 0o600): OwnFile {
  const id = randomBytes(8).toString('hex');
  const path = `${root}.${id}.own`;
  const text = `${JSON.stringify({ id, ...identityOf(host) } satisfies Holder)}\n`;
  try {
    writeFileSync(path, text, { flag: 'wx', mode });
  } catch (error) {
    unlinkIfThere(path);
    throw error;
  }
  return { path, mark: markOf(path) ?? '' };
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
    return readFileSync(path).toString();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells a file from every other that had its name, without reading it: the number of one that was removed may be another's now, not its time. */
function markOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.mtimeMs}`;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
