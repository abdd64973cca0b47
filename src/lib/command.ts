import type { Context } from './context.ts';
import type { Options, Values } from './options.ts';
import type { Rejects } from './rejects.ts';
import type { Step } from './steps.ts';

/** A word of the command line that is no option; the help, the man page and the completion show it from this. */
export interface Argument {
  /** As it is shown: NAME. */
  name: string;
  summary: string;
  optional?: boolean;
  many?: boolean;
  choices?: readonly string[];
}

/** A command line that works as it stands, and what it shows. A test runs it. */
export interface Example {
  run: string;
  shows: string;
}

/** One call of a command: the words, parsed, and what it may use of the world. */
export interface Call<O extends Options = Options> {
  /** `transform mrr`: the name in marks, dead letters and messages. */
  readonly name: string;
  readonly args: readonly string[];
  readonly options: Values<O>;
  readonly context: Context;
  /** Every command there is, for those that speak of the others. */
  readonly entries: readonly Entry[];
  /** Takes what this step rejects. */
  readonly rejects: Rejects;
}

/**
 * A command is data plus a function. A step (source, transform or sink) gives `step`, which is joined to stdin and stdout;
 * a tool that looks after things gives `run`, and so does a server, which ends at the first signal.
 */
export interface Command<O extends Options = Options> {
  role: 'source' | 'transform' | 'sink' | 'tool' | 'server';
  /** What it does, in a few sentences: the help's second paragraph and the man page's DESCRIPTION. */
  description: string;
  args?: readonly Argument[];
  options: O;
  examples: readonly Example[];
  /** Further sections of the man page. */
  sections?: Readonly<Record<string, string>>;
  /** The step runs programs, which have to end as soon as nobody reads what they write: none of its output waits for more. */
  runsPrograms?: boolean;
  /** What the step reads and writes. Throws a Failure for words that make no sense together. */
  step?: (call: Call<O>) => Step | Promise<Step>;
  /** Gives the exit code where it is not 0 though nothing was thrown. */
  run?: (call: Call<O>) => Promise<void> | Promise<number>;
}

/** A command, whatever its options are. */
// biome-ignore lint/suspicious/noExplicitAny: the list holds commands of every table of options.
export type AnyCommand = Command<any>;

/** Gives a command's function the types of its own options. */
export function command<O extends Options>(definition: Command<O>): Command<O> {
  return definition;
}

/** A command's place in the list of all: the words typed, the line that `buda help` shows, and the file that has the rest. */
export interface Entry {
  words: string;
  summary: string;
  load: () => Promise<{ default: AnyCommand }>;
}
