import { fstatSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { entries } from './commands/index.ts';
import { callOf, guarded, nothing, readInput, writeOutput } from './lib/call.ts';
import type { AnyCommand, Call, Entry } from './lib/command.ts';
import { type Context, type Host, newProgress, type Output } from './lib/context.ts';
import { keepDeadLetters, keepInSink } from './lib/dead-letters.ts';
import { findEntry } from './lib/entries.ts';
import { codeOf, exitOf, exits, explain, Failure } from './lib/errors.ts';
import { groupHelp, helpOf, overview } from './lib/help.ts';
import { OpenFile, Pipe } from './lib/input.ts';
import { summarise } from './lib/progress.ts';
import { lastWord } from './lib/protocol.ts';
import type { DeadLetters } from './lib/rejects.ts';
import type { Step } from './lib/steps.ts';
import { parseStreamName } from './lib/stream/names.ts';
import { suggest } from './lib/suggest.ts';

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

async function main(words: readonly string[]): Promise<void> {
  const asksHelp = words[0] === 'help' || words[0] === '-h' || words[0] === '--help';
  const wanted = asksHelp ? words.slice(1) : words;
  if (words[0] === '--version' || words[0] === '-V') return stdout.write(`${versionOf()}\n`);
  if (wanted.length === 0) {
    if (asksHelp) return stdout.write(overview(entries));
    throw new Failure('usage', 'no command given', 'see: buda help');
  }
  const found = findEntry(wanted, entries);
  if (found === undefined) return refuse(wanted, asksHelp);
  const { entry, rest } = found;
  name = entry.words;
  const [{ default: command }, { parseWords }] = await Promise.all([entry.load(), import('./lib/commander/parse.ts')]);
  if (asksHelp) return stdout.write(helpOf(entry, command, entries));
  const parsed = parseWords(entry.words, command, rest);
  if (parsed.help) return stdout.write(helpOf(entry, command, entries));
  await start(entry, command, parsed.args, parsed.options);
}

/** The words name no command: who asks for help with a group is shown it, anything else is refused. */
async function refuse(words: readonly string[], asksHelp: boolean): Promise<void> {
  const [word = '', next] = words;
  const group = entries.filter(({ words: name }) => name.startsWith(`${word} `));
  const isAsked = next === undefined ? asksHelp : next === '-h' || next === '--help';
  if (group.length > 0 && isAsked) return stdout.write(groupHelp(word, group));
  throw new Failure('usage', `no command ${JSON.stringify(words.slice(0, 2).join(' '))}`, suggest(words, entries));
}

function versionOf(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string };
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
  const stopped = new Stop();
  const began = msSinceStart();
  const context: Context = {
    env: process.env,
    host,
    stdin,
    stdout,
    say,
    detail: (message) => {
      if (isVerbose) say(message);
    },
    get stopped() {
      return stopped.signal;
    },
    leave: () => {
      stopped.abort();
      stdin.close();
    },
    progress,
    home,
    openCheckpoints: async (url) => {
      // What a store needs takes 6 ms to load, and without an app none is opened.
      const { openCheckpoints } = await import('./lib/state/open.ts');
      return openCheckpoints(url ?? process.env.BUDA_STATE, { home, host, now: () => new Date() });
    },
    openDeadLetters: (target) => openDeadLetters(target, context),
    keepStdout: () => {
      process.stdout.write = stderr().write.bind(stderr());
    },
  };
  listenForSignals(() => summarise(progress, msSinceStart() - began), command.role === 'tool' ? undefined : stopped);
  context.detail(`home ${home}`);
  setTimeout(async () => (await import('./lib/v8.ts')).settle(), settleMs).unref();
  const call = callOf(entry.words, args, options, context, entries);
  try {
    if (command.run !== undefined) process.exitCode = (await command.run(call)) ?? 0;
    else await runStep(command, call, stopped, () => summarise(progress, msSinceStart() - began));
  } finally {
    try {
      await call.rejects.close();
    } finally {
      stdin.close();
    }
  }
}

/** What the first signal sets. An AbortController takes a third of a millisecond to make, and many a step never asks. */
class Stop {
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return this.#made.signal;
  }

  abort(): void {
    this.#made.abort();
  }

  get #made(): AbortController {
    this.#controller ??= new AbortController();
    return this.#controller;
  }
}

/** By then a step has the young generation and the code that its work wants. */
const settleMs = 1000;

/** A place for what is rejected: a stream where the target is named as one, else a file. */
function openDeadLetters(target: string, context: Context): DeadLetters {
  if (!/^(local|kinesis):/.test(target)) return keepDeadLetters(resolve(target));
  parseStreamName(target, process.env);
  return keepInSink(async () => {
    const { openSink } = await import('./lib/stream/open.ts');
    return openSink(callOf('dead letters', [], { key: 'sha256' }, context, entries), target);
  });
}

/** Runs a step between stdin and stdout; a person sees how it gets on, and what it came to. */
async function runStep(command: AnyCommand, call: Call, stopped: Stop, status: () => string): Promise<void> {
  if (command.step === undefined) throw new Error(`the command ${call.name} has neither a step nor a run`);
  const isSource = command.role === 'source';
  const step = await openStep(call, command.step, isSource && call.options.app !== undefined);
  // A terminal that does not know its width cannot take back a line.
  const isSized = !isQuiet && stderr().isTTY === true && stderr().columns > 0;
  const shows = isSized && (command.role === 'sink' || !isPipeOrTerminal(1));
  const spinner = shows ? (await import('./lib/ora/spinner.ts')).spin(() => `buda ${call.name}: ${status()}`) : undefined;
  const probe = isSource && call.options.app !== undefined ? watchReader(stopped) : undefined;
  let hasEnded = false;
  try {
    const input = isSource ? nothing() : readInput(call);
    // A step in the middle ends with the code of its source; the last step of the pipe says why.
    process.exitCode = await writeOutput(call.context, guarded(call, step)(input), { atOnce: command.runsPrograms === true });
    hasEnded = true;
  } finally {
    clearInterval(probe);
    spinner?.stop();
    const { progress } = call.context;
    progress.dead = call.rejects.count;
    progress.note = undefined;
    // Whoever has gone wants no summary.
    if (!isQuiet && stdoutFailure?.exit !== exits.readerGone.code) {
      // What a sink that failed had taken need not be where it was to go.
      say(hasEnded || command.role !== 'sink' ? status() : `it had taken ${status()}`);
    }
  }
}

/** How long a source may be quiet before it looks whether anybody still reads. */
const quietMs = 5000;

/** Who waits for a quiet source does not hear that the rest of the pipe has died: a blank line, which means nothing, finds out. */
function watchReader(stopped: Stop): NodeJS.Timeout | undefined {
  if (stdout.isTerminal || !isPipeOrTerminal(1)) return undefined;
  return setInterval(() => {
    if (msSinceStart() - wroteMs < quietMs) return;
    stdout.write('\n').catch(() => stopped.abort());
  }, quietMs).unref();
}

/** A source of an app that cannot even be made ready tells the rest of the pipe, as one that has begun does. */
async function openStep(call: Call, open: NonNullable<AnyCommand['step']>, hasApp: boolean): Promise<Step> {
  try {
    return await open(call);
  } catch (error) {
    if (!hasApp) throw error;
    return async function* () {
      yield lastWord(error);
      throw error;
    };
  }
}

/** Touched only once somebody reads: what process.stdin opens, it reads for itself. */
let opened: Pipe | OpenFile | undefined;
const stdin = {
  isTerminal: isatty(0),
  chunks(): AsyncIterable<Buffer> {
    const kind = fstatSync(0);
    // A folder says what it is when it is read; /dev/null is read as files are.
    const isDevice = kind.isCharacterDevice() && !stdin.isTerminal;
    if (kind.isFile() || kind.isDirectory() || isDevice) opened ??= new OpenFile(0);
    else if (kind.isFIFO() || kind.isSocket()) opened ??= new Pipe(0);
    return opened ?? (process.stdin as AsyncIterable<Buffer>);
  },
  close(): void {
    if (opened === undefined) process.stdin.destroy();
    else opened.close();
  },
};

let stdoutFailure: Failure | undefined;
/** When something was written last. */
let wroteMs = 0;
// Whoever wrote hears of it; without a listener the process would end here.
process.stdout.on('error', () => {});

const writeOut = process.stdout.write.bind(process.stdout) as (
  bytes: Buffer | string,
  done: (error?: Error | null) => void,
) => boolean;

const stdout: Output = {
  isTerminal: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  get isBehind() {
    return process.stdout.writableLength > 0;
  },
  write(bytes) {
    wroteMs = msSinceStart();
    return new Promise((resolve, reject) => {
      writeOut(bytes, (error) => {
        if (error == null) return resolve();
        stdoutFailure ??=
          // A socket says ECONNRESET where its reader left something unread.
          codeOf(error) === 'EPIPE' || codeOf(error) === 'ECONNRESET'
            ? new Failure('readerGone', 'the reader went away', undefined, error)
            : new Failure('failed', `stdout: ${explain(error)}`, undefined, error);
        reject(stdoutFailure);
      });
    });
  },
};

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
  const { BUDA_HOME, STATE_DIRECTORY, XDG_STATE_HOME, HOME } = process.env;
  // Node's `os` takes a third of a millisecond to load, and throws where the user has no entry: only who needs it asks.
  const user = () => HOME || process.getBuiltinModule('node:os').homedir();
  return resolve(BUDA_HOME || STATE_DIRECTORY?.split(':')[0] || join(XDG_STATE_HOME || join(user(), '.local', 'state'), 'buda'));
}

/** The first signal asks a step to end well; the second, or a tool's first, ends the process as if there were no handler. */
function listenForSignals(status: () => string, stopped: Stop | undefined): void {
  for (const signal of stopped === undefined ? [] : (['SIGINT', 'SIGTERM'] as const)) {
    process.on(signal, () => {
      if (stopped?.signal.aborted === false) {
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
  stderr().write(`buda${name === '' ? '' : ` ${name}`}: ${message}\n`);
}

let heard: typeof process.stderr | undefined;
/** The process opens it when it is first asked for: who has nothing to say starts sooner. That its reader went away is no failure. */
function stderr(): typeof process.stderr {
  heard ??= process.stderr.on('error', () => {});
  return heard;
}

// The SDK would warn of Node 20 on stderr at each start.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** Asks the process: to load `performance` would take 2 ms. */
function msSinceStart(): number {
  return process.uptime() * 1000;
}

let isOver = false;
// A promise that nobody settles keeps no process alive: without this it would end with 0.
process.on('exit', (code) => {
  if (isOver || code !== 0) return;
  process.exitCode = exits.incomplete.code;
  say('it ended before its work was done: something that it waited for, as a function of your own, never answered');
});

const work = main(process.argv.slice(2)).catch((error) => {
  process.exitCode = exitOf(error);
  if (process.exitCode !== exits.readerGone.code) {
    say(explain(error));
    if (error instanceof Failure && error.remedy !== undefined) say(error.remedy);
    if (!(error instanceof Failure) && codeOf(error) === '' && process.env.BUDA_DEBUG)
      stderr().write(`${(error as Error).stack}\n`);
  }
});
work.then(() => {
  isOver = true;
});
