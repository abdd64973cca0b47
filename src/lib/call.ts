import type { Call, Entry } from './command.ts';
import type { Context } from './context.ts';
import { type Batch, defaultMaxLineBytes, readBatches, writeBatch } from './lines.ts';
import { checkProtocol, withLastWord } from './protocol.ts';
import { type MaxDead, Rejects } from './rejects.ts';
import type { Step } from './steps.ts';

/** One call of a command, with a place for what it rejects where `--dead-letter` names one. `call.rejects` is to be closed. */
export function callOf(
  name: string,
  args: readonly string[],
  options: Record<string, unknown>,
  context: Context,
  entries: readonly Entry[],
): Call {
  const { deadLetter, maxDead } = options as { deadLetter?: string; maxDead?: MaxDead };
  const letters = deadLetter === undefined ? undefined : context.openDeadLetters(deadLetter);
  return { name, args, options, context, entries, rejects: new Rejects(name, letters, () => new Date(), maxDead) };
}

/** The lines of stdin, as the first step of a process reads them. */
export function readInput({ options, rejects, context }: Call): AsyncIterable<Batch> {
  if (context.stdin.isTerminal) context.say('reading from the terminal; Ctrl-D ends the input');
  const maxLineBytes = (options.maxLine as number | undefined) ?? defaultMaxLineBytes;
  return readBatches(context.stdin.chunks(), { maxLineBytes, reject: (rejected) => rejects.raw(rejected) });
}

/** So much is written at once; what is less waits for more so long. */
const gatherBytes = 32 * 1024;
const gatherMs = 1;

/**
 * Writes what comes out of the last step of a process to its stdout; gives the exit code that the pipe's end has told. Little pieces gather for a
 * millisecond, and while the reader takes some the next are made; but a mark goes at once, and none is made behind it before it is written: what
 * stands before a mark a step may take for said once it is asked for more. `atOnce`: neither of both.
 */
export async function writeOutput(
  { stdout, leave }: Context,
  output: AsyncIterable<Batch>,
  { atOnce = false } = {},
): Promise<number> {
  let exit = 0;
  let gathered: Buffer[] = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  const write = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (bytes === 0) return writing;
    const whole = gathered.length === 1 && gathered[0] !== undefined ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    bytes = 0;
    writing = Promise.all([writing, stdout.write(whole)]).then(() => {});
    return writing;
  };
  try {
    for await (const batch of output) {
      const { control } = batch;
      const mayWait = control === undefined && !atOnce;
      if (control?.kind === 'end') exit = control.end.exit;
      if (batch.count === 0 && control === undefined) continue;
      const piece = writeBatch(batch);
      gathered.push(piece);
      bytes += piece.length;
      if (mayWait && bytes < gatherBytes) {
        timer ??= setTimeout(() => write().catch(leave), gatherMs);
        continue;
      }
      await writing;
      const written = write();
      if (mayWait && stdout.isBehind) written.catch(leave);
      else await written;
    }
  } finally {
    // Where the reader has gone, that comes before what the step says of being stopped.
    await write();
  }
  return exit;
}

/** The input of a source. */
export async function* nothing(): AsyncGenerator<never> {}

/**
 * What stands round every step, in a process of its own or in one with others: the rules of the wire are kept on its input, its
 * last word is told on its output, what it rejects is durable and no flood before it ends. `onFailure` is told what it threw.
 */
export function guarded(call: Call, step: Step, onFailure?: (error: unknown) => void): Step {
  const { rejects } = call;
  async function* counted(input: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    for await (const batch of input) {
      await rejects.read(batch.count + batch.rejected);
      yield batch;
    }
  }
  const judged: Step = async function* (input) {
    for await (const batch of step(input)) {
      if (batch.control?.kind === 'end') await rejects.flush(true);
      yield batch;
    }
    await rejects.flush(true);
  };
  return (input) => withLastWord(judged, onFailure)(counted(checkProtocol(input)));
}
