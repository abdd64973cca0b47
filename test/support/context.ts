import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoints } from '../../src/lib/checkpoints.ts';
import type { Call } from '../../src/lib/command.ts';
import { type Context, newProgress } from '../../src/lib/context.ts';
import { keepDeadLetters } from '../../src/lib/dead-letters.ts';
import { type Batch, readBatches, writeBatch } from '../../src/lib/lines.ts';
import { type DeadLetter, Rejects } from '../../src/lib/rejects.ts';

/** A context for tests: stdin from pieces, stdout and stderr into arrays, a home of its own. */
export interface TestContext extends Context {
  readonly written: Buffer[];
  readonly said: string[];
  stop(): void;
}

export function testContext(over: Partial<Context> & { input?: readonly (string | Buffer)[] } = {}): TestContext {
  const written: Buffer[] = [];
  const said: string[] = [];
  const stopper = new AbortController();
  const { input, ...rest } = over;
  return {
    env: {},
    host: {
      pid: process.pid,
      platform: process.platform,
      isAlive(pid) {
        try {
          process.kill(pid, 0);
          return true;
        } catch {
          return false;
        }
      },
    },
    stdin: {
      isTerminal: false,
      async *chunks() {
        for (const piece of input ?? []) yield Buffer.from(piece);
      },
    },
    stdout: {
      isTerminal: false,
      columns: 80,
      async write(bytes) {
        written.push(Buffer.from(bytes));
      },
      isBehind: false,
    },
    say: (message) => said.push(message),
    detail: () => {},
    stopped: stopper.signal,
    leave: () => {},
    progress: newProgress(),
    home: rest.home ?? mkdtempSync(join(tmpdir(), 'buda-test-')),
    openCheckpoints: (): Checkpoints => {
      throw new Error('this test has no state store');
    },
    openDeadLetters: keepDeadLetters,
    keepStdout: () => {},
    written,
    said,
    stop: () => stopper.abort(),
    ...rest,
  };
}

/** A call of a command in a test; dead letters are gathered in `letters` where `keep` is set, else a bad line fails. */
export function testCall(
  name: string,
  options: Record<string, unknown> = {},
  context: TestContext = testContext(),
  args: string[] = [],
  keep = false,
) {
  const letters: DeadLetter[] = [];
  const kept = keep ? { write: (letter: DeadLetter) => letters.push(letter), async flush() {}, async close() {} } : undefined;
  const rejects = new Rejects(name, kept, () => new Date(0));
  const call: Call = { name, args, options, context, rejects, entries: [] };
  return { call, letters, context };
}

export async function* batchesOf(
  pieces: Iterable<string | Buffer>,
  reject: (reason: string) => void = () => {},
): AsyncGenerator<Batch> {
  async function* chunks() {
    for (const piece of pieces) yield Buffer.from(piece);
  }
  yield* readBatches(chunks(), { maxLineBytes: 16 * 1024 ** 2, reject: ({ reason }) => reject(reason) });
}

/** Everything that a step puts out, as it would stand on the wire. */
export async function textOf(batches: AsyncIterable<Batch>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const batch of batches) pieces.push(Buffer.from(writeBatch(batch)));
  return Buffer.concat(pieces).toString();
}

/** What it failed with. */
export async function failureOf(promise: Promise<unknown>): Promise<{ exit: number; message: string; remedy?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { exit: number; message: string };
  }
  throw new Error('it did not fail');
}
