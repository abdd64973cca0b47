import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Host } from './context.ts';

/** Which process it is: `boot` and `start` tell it from a later one of the same number. */
export interface Identity {
  pid: number;
  boot: string;
  /** When it started, as the system counts it; null where the system does not say. */
  start: string | null;
}

const identities = new WeakMap<Host, Identity>();

/** Which process this one is. */
export function identityOf(host: Host): Identity {
  let identity = identities.get(host);
  if (identity === undefined) {
    const isLinux = host.platform === 'linux';
    // Linux names each boot; elsewhere it is the second in which the machine was started.
    const boot = (isLinux && readProc('sys/kernel/random/boot_id')?.trim()) || String(Math.round(Date.now() / 1000 - uptime()));
    identity = { pid: host.pid, boot, start: (isLinux && readProcess(host.pid)?.start) || null };
    identities.set(host, identity);
  }
  return identity;
}

/** Whether a process of this machine will do nothing more: it is dead, or of an earlier boot, or another has its number. */
export function isGone({ pid, boot, start }: Identity, host: Host): boolean {
  if (!isThisBoot(boot, identityOf(host).boot) || !host.isAlive(pid)) return true;
  const found = host.platform === 'linux' ? readProcess(pid) : undefined;
  if (found === undefined) return false;
  // One that was killed keeps its number until its parent has asked for it: state Z.
  return found.state === 'Z' || found.state === 'X' || (start !== null && start !== found.start);
}

/** A clock that is set moves the second of the boot a little. */
const bootToleranceS = 60;

/** Whether two names of boots mean one. */
export function isThisBoot(theirs: string, ours: string): boolean {
  return theirs === ours || Math.abs(Number(theirs) - Number(ours)) <= bootToleranceS;
}

/**
 * The state and the start time of a process: fields 3 and 22 of proc_pid_stat(5). The name before them may hold anything, `)`
 * too.
 */
function readProcess(pid: number): { state: string; start: string } | undefined {
  const text = readProc(`${pid}/stat`);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  const start = fields?.[19];
  return state === undefined || start === undefined ? undefined : { state, start };
}

function readProc(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
