import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Call } from '../command.ts';
import { codeOf, Failure } from '../errors.ts';
import { eachLine } from '../split2/lines.ts';

/** A foreign program: its words, the exit codes besides 0 with which it ends well, and how long a child may take for an epoch; for ever where it is not said. */
export interface Program {
  words: readonly string[];
  okCodes: readonly number[];
  timeoutMs?: number | undefined;
}

/** How a child failed, in words, and what may be done about it; undefined where it ended well. */
export type Fault = { reason: string; remedy: string } | undefined;

/** A foreign program that reads lines and writes lines. Its stderr is passed on behind its name. */
export class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** How it ended, once everything that it wrote has been read. Rejects (78) where it could not be started. */
  readonly ended: Promise<Fault>;
  /** Whether it was killed because it took too long. */
  isOverdue = false;

  /** `isApart`: a signal to the group of this process, as Ctrl-C sends it, does not reach the child. */
  constructor(call: Call, { words: [program = '', ...args], okCodes, timeoutMs }: Program, isApart = false) {
    const { env, say } = call.context;
    const child = spawn(program, args, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], detached: isApart });
    this.#process = child;
    // A child that reads no further has had enough: `head -1`. Whether it is content, its exit code tells.
    child.stdin.on('error', () => {});
    const spoken = eachLine(child.stderr, (line) => say(`${program}: ${line}`));
    const closed = new Promise<Fault>((resolve, reject) => {
      child.once('error', (error) => reject(child.pid === undefined ? notStarted(program, error) : error));
      child.once('close', (code, signal) => {
        if (signal !== null) resolve({ reason: `${program} was ended by ${signal}`, remedy: 'see what it said' });
        else if (code === 0 || okCodes.includes(code ?? -1)) resolve(undefined);
        else
          resolve({ reason: `${program} exited with ${code}`, remedy: `see what it said (is ${code} no failure? --ok ${code})` });
      });
    });
    const done = Promise.all([closed, spoken]).then(([fault]) => fault);
    this.ended = timeoutMs === undefined ? done : this.#inTime(done, program, timeoutMs);
    this.ended.catch(() => {});
  }

  /** What it started itself may live on, and hold what it has inherited: that is not waited for. */
  #inTime(done: Promise<Fault>, program: string, timeoutMs: number): Promise<Fault> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.isOverdue = true;
        resolve({
          reason: `${program} took longer than ${timeoutMs / 1000} s`,
          remedy: 'see what it waits for, or allow it more: --timeout',
        });
        this.#process.kill('SIGKILL');
        this.#process.stdout.destroy();
        this.#process.stderr.destroy();
      }, timeoutMs);
      done.finally(() => clearTimeout(timer)).then(resolve, reject);
    });
  }

  /** What it writes. Who stops reading leaves it open until `kill`: a child whose output is closed under it would complain of that. */
  get output(): AsyncIterable<Buffer> {
    return this.#process.stdout.iterator({ destroyOnReturn: false });
  }

  /** Writes all of these to its stdin, as far as it reads, and closes it. */
  async feed(pieces: AsyncIterable<Buffer>): Promise<void> {
    const { stdin } = this.#process;
    try {
      for await (const piece of pieces) {
        if (!stdin.writable) return;
        if (!stdin.write(piece)) await roomIn(stdin);
      }
    } finally {
      stdin.end();
    }
  }

  /** Ends it, where nothing that it writes is wanted any more. */
  kill(): void {
    this.#process.kill();
    this.#process.stdout.destroy();
  }
}

/** Resolves once a stream takes more, or will take nothing more. */
function roomIn(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
    if (stream.closed) settle();
  });
}

function notStarted(program: string, error: Error): Failure {
  const why: Record<string, string> = {
    ENOENT: 'there is no such program',
    EACCES: 'it is not a program, or not allowed',
    E2BIG: 'its arguments are too long',
  };
  const known = why[codeOf(error)];
  return new Failure(
    known === undefined ? 'failed' : 'misconfigured',
    `${program} could not be started: ${known ?? error.message}`,
    known === undefined ? undefined : 'check its name, and the PATH of this process',
    error,
  );
}
