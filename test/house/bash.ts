import { execFile, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export const root = resolve(import.meta.dirname, '..', '..');

/** Where temporary folders are made, without symbolic links, so that a path printed is the path given. */
export const temporary = realpathSync(tmpdir());

/** The environment of a newcomer: the built buda on PATH, everything that it keeps in `folder`, nothing of this machine's settings. */
export function environmentIn(folder: string): Record<string, string> {
  return {
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    BUDA_HOME: join(folder, 'home'),
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

export interface Ran {
  stdout: string;
  stderr: string;
  /** The exit code, 128 and the signal's number where one ended it, or 'still running' where the time was up. */
  exit: number | 'still running';
}

export interface Bash {
  cwd: string;
  env: Record<string, string>;
  input?: Buffer;
  pipefail?: boolean;
  /** After this time every buda in the pipe is sent SIGTERM, as somebody would who has seen enough. */
  stopAfterMs?: number;
  timeoutMs?: number;
}

/** Runs a script in bash, in a process group of its own, of which nothing is left behind. */
export async function bash(script: string, how: Bash): Promise<Ran> {
  const { cwd, env, input, pipefail = false, stopAfterMs, timeoutMs = 20_000 } = how;
  const child = spawn('bash', [...(pipefail ? ['-o', 'pipefail'] : []), '-c', script], { cwd, env, detached: true });
  const group = child.pid as number;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');

  const over = new AbortController();
  if (stopAfterMs !== undefined) void sleep(stopAfterMs, undefined, { signal: over.signal }).then(() => stopBudas(group), ignore);
  let exit: Ran['exit'] = await new Promise<Ran['exit']>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 128));
    void sleep(timeoutMs, undefined, { signal: over.signal }).then(() => resolve('still running'), ignore);
  });
  over.abort();
  if (exit === 'still running') signal(-group, 'SIGKILL');
  else if (isLeft(group)) {
    // What the script left in the background is told to end, and has to.
    signal(-group, 'SIGTERM');
    for (let waitedMs = 0; waitedMs < 6000 && isLeft(group); waitedMs += 50) await sleep(50);
    if (isLeft(group)) {
      signal(-group, 'SIGKILL');
      exit = 'still running';
    }
  }
  await Promise.all(
    [child.stdout, child.stderr].map((stream) => stream.closed || new Promise((done) => stream.once('close', done))),
  );
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exit };
}

function ignore(): void {}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function isLeft(group: number): boolean {
  return signal(-group, 0);
}

const run = promisify(execFile);

async function stopBudas(group: number): Promise<void> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,pgid=,args=']);
  for (const line of stdout.split('\n')) {
    const [pid, pgid, ...words] = line.trim().split(/\s+/);
    if (Number(pgid) === group && words.slice(0, 2).some((word) => word.endsWith('bin/buda'))) signal(Number(pid), 'SIGTERM');
  }
}
