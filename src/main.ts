import { fstatSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { entries } from './commands/index.ts';
import type { AnyCommand, Call, Entry } from './lib/command.ts';
import { parseWords } from './lib/commander/parse.ts';
import { type Context, type Host, newProgress, type Output } from './lib/context.ts';
import { keepDeadLetters } from './lib/dead-letters.ts';
import { codeOf, exitOf, exits, explain, Failure } from './lib/errors.ts';
import { helpOf, overview } from './lib/help.ts';
import { type Batch, readBatches, writeBatch } from './lib/lines.ts';
import { summarise } from './lib/progress.ts';
import { checkProtocol, withLastWord } from './lib/protocol.ts';
import { Rejects } from './lib/rejects.ts';
import { openCheckpoints } from './lib/state/open.ts';
import type { Step } from './lib/steps.ts';

/** The only file that touches the process: words → command, signals, the three standard streams, the exit code. */

const host: Host = {
  pid: process.pid,
  platform: process.platform,
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return codeOf(error) === 'EPERM';
    }
  },
};

/** `buda produce stripe -e`: the longest words that name a command, and the rest. */
function findEntry(words: readonly string[]): { entry: Entry; rest: readonly string[] } | undefined {
  const found = entries
    .filter(({ words: name }) => name.split(' ').every((word, i) => words[i] === word))
    .sort((a, b) => b.words.length - a.words.length)[0];
  return found && { entry: found, rest: words.slice(found.words.split(' ').length) };
}

async function main(words: readonly string[]): Promise<void> {
  const asksHelp = words[0] === 'help' || words[0] === '-h' || words[0] === '--help';
  const wanted = asksHelp ? words.slice(1) : words;
  if (words[0] === '--version' || words[0] === '-V') return stdout.write(`${versionOf()}\n`);
  if (wanted.length === 0) {
    if (asksHelp) return stdout.write(overview(entries));
    throw new Failure('usage', 'no command given', 'see: buda help');
  }
  const found = findEntry(wanted);
  if (found === undefined) return refuse(wanted);
  const { entry, rest } = found;
  name = entry.words;
  const command = (await entry.load()).default;
  const parsed = parseWords(entry.words, command, rest);
  if (asksHelp || parsed.help) return stdout.write(helpOf(entry, command));
  await start(entry, command, parsed.args, parsed.options);
}

/** The words name no command: a group is listed, anything else is refused. */
async function refuse(words: readonly string[]): Promise<void> {
  const group = entries.filter(({ words: name }) => name.startsWith(`${words[0]} `));
  const isHelp = words.length === 1 || words[1] === '-h' || words[1] === '--help';
  if (group.length > 0 && isHelp) return stdout.write(overview(group));
  const known = group.length > 0 ? group : entries;
  throw new Failure(
    'usage',
    `no command ${JSON.stringify(words.slice(0, 2).join(' '))}`,
    `there are: ${known.map(({ words: name }) => name).join(', ')}`,
  );
}

function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

async function start(
  entry: Entry,
  command: AnyCommand,
  args: readonly string[],
  options: Record<string, unknown>,
): Promise<void> {
  isQuiet = options.quiet === true;
  const isVerbose = options.verbose === true;
  const home = homeFolder();
  const progress = newProgress();
  const stopped = new AbortController();
  const began = performance.now();
  const context: Context = {
    env: process.env,
    host,
    stdin,
    stdout,
    say,
    detail: (message) => {
      if (isVerbose) say(message);
    },
    stopped: stopped.signal,
    progress,
    home,
    openCheckpoints: (url) => openCheckpoints(url ?? process.env.BUDA_STATE, { home, host, now: () => new Date() }),
  };
  context.detail(`home ${home}`);
  const letters = typeof options.deadLetter === 'string' ? keepDeadLetters(resolve(options.deadLetter)) : undefined;
  const rejects = new Rejects(entry.words, letters, () => new Date());
  const call: Call = { name: entry.words, args, options, context, rejects, entries };
  if (command.role !== 'tool') listenForSignals(stopped, () => summarise(progress, performance.now() - began));
  if (command.run !== undefined) return command.run(call);
  if (command.step === undefined) throw new Error(`the command ${entry.words} has neither a step nor a run`);

  const step = await command.step(call);
  const shows = !isQuiet && process.stderr.isTTY === true && (command.role === 'sink' || !isPipeOrTerminal(1));
  const spinner = shows
    ? (await import('./lib/ora/spinner.ts')).spin(() => `buda ${entry.words}: ${summarise(progress, performance.now() - began)}`)
    : undefined;
  try {
    await connect(command, call, step);
  } finally {
    spinner?.stop();
    rejects.close();
    process.stdin.destroy();
    progress.dead = rejects.count;
    progress.note = undefined;
    if (!isQuiet) say(summarise(progress, performance.now() - began));
  }
}

/** Joins stdin, the step and stdout. */
async function connect(command: AnyCommand, call: Call, step: Step): Promise<void> {
  const maxLineBytes = call.options.maxLine as number;
  if (command.role !== 'source' && stdin.isTerminal) call.context.say('reading from the terminal; Ctrl-D ends the input');
  const input: AsyncIterable<Batch> =
    command.role === 'source'
      ? nothing()
      : checkProtocol(readBatches(stdin.chunks(), { maxLineBytes, reject: (rejected) => call.rejects.raw(rejected) }));
  for await (const batch of withLastWord(step)(input)) {
    const control = batch.control;
    // A step in the middle ends with the code of its source; its last step says why.
    if (control?.kind === 'end') process.exitCode = control.end.exit;
    if (batch.count > 0 || control !== undefined) await stdout.write(writeBatch(batch));
  }
}

async function* nothing(): AsyncGenerator<never> {}

const stdin = {
  isTerminal: process.stdin.isTTY === true,
  chunks: (): AsyncIterable<Buffer> => process.stdin as AsyncIterable<Buffer>,
};

let stdoutError: Error | undefined;
process.stdout.on('error', (error) => {
  stdoutError ??= error;
});

const stdout: Output = {
  isTerminal: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  write(bytes) {
    if (stdoutError !== undefined) return Promise.reject(stdoutError);
    if (process.stdout.write(bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = () => {
        process.stdout.off('drain', settle).off('error', settle).off('close', settle);
        if (stdoutError !== undefined) reject(stdoutError);
        else resolve();
      };
      process.stdout.on('drain', settle).on('error', settle).on('close', settle);
    });
  },
};

/** Resolves once everything written to stdout has left this process. */
function drainStdout(): Promise<void> {
  if (stdoutError !== undefined) return Promise.reject(stdoutError);
  return new Promise((resolve, reject) => process.stdout.write('', (error) => (error ? reject(error) : resolve())));
}

function isPipeOrTerminal(descriptor: number): boolean {
  try {
    const kind = fstatSync(descriptor);
    return kind.isFIFO() || kind.isSocket() || kind.isCharacterDevice();
  } catch {
    return true;
  }
}

/** $BUDA_HOME, else systemd's $STATE_DIRECTORY, else $XDG_STATE_HOME/buda, else ~/.local/state/buda. */
function homeFolder(): string {
  const { BUDA_HOME, STATE_DIRECTORY, XDG_STATE_HOME } = process.env;
  return resolve(
    BUDA_HOME || STATE_DIRECTORY?.split(':')[0] || join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'buda'),
  );
}

/** The first signal asks the step to end well; the second ends the process as if there were no handler. */
function listenForSignals(stopped: AbortController, status: () => string): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!stopped.signal.aborted) {
        stopped.abort();
        return;
      }
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }
  process.on('SIGUSR1', () => say(status()));
}

let name = '';
let isQuiet = false;

function say(message: string): void {
  process.stderr.write(`buda${name === '' ? '' : ` ${name}`}: ${message}\n`);
}

process.stderr.on('error', () => {});
// The SDK would warn of Node 20 on stderr at each start.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

try {
  await main(process.argv.slice(2));
  await drainStdout();
} catch (error) {
  process.exitCode = exitOf(error);
  if (process.exitCode !== exits.readerGone.code) {
    say(explain(error));
    if (error instanceof Failure && error.remedy !== undefined) say(error.remedy);
    if (!(error instanceof Failure) && codeOf(error) === '' && process.env.BUDA_DEBUG)
      process.stderr.write(`${(error as Error).stack}\n`);
  }
}
