import type { Checkpoints } from './checkpoints.ts';
import type { DeadLetters } from './rejects.ts';

/** What a command is handed instead of the process: only main.ts makes one, and a test may make another. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: Host;
  readonly stdin: Input;
  readonly stdout: Output;
  /** Speaks to the person, on stderr, behind the step's name. */
  readonly say: (message: string) => void;
  /** The same, but only under -v. */
  readonly detail: (message: string) => void;
  /** Set by the first SIGTERM or SIGINT: a source ends well, the others drain. */
  readonly stopped: AbortSignal;
  /** Ends the waiting for input, of whatever kind: nobody is there any more to write for. */
  readonly leave: () => void;
  /** Where the step is, for the progress line, the summary and SIGUSR1; whoever knows writes it. */
  readonly progress: Progress;
  /** The folder for everything that buda keeps: $BUDA_HOME, or as the page buda(1) says. */
  readonly home: string;
  /** The state store of `--state`, or the default one. */
  readonly openCheckpoints: (url: string | undefined) => Checkpoints | Promise<Checkpoints>;
  /** Where `--dead-letter` keeps what is rejected: a file, or a stream named local:NAME or kinesis:NAME. */
  readonly openDeadLetters: (target: string) => DeadLetters;
  /** From now on what anybody else writes to stdout, as a module of the user's may, goes to stderr. */
  readonly keepStdout: () => void;
}

/** What has to be asked of the operating system. */
export interface Host {
  readonly pid: number;
  readonly platform: string;
  /** Whether a process of this number lives. */
  isAlive(pid: number): boolean;
}

interface Input {
  readonly isTerminal: boolean;
  chunks(): AsyncIterable<Buffer>;
}

/** Where a command's bytes go; to wait for each `write` is the back-pressure. */
export interface Output {
  readonly isTerminal: boolean;
  /** The width of the terminal, or 80. */
  readonly columns: number;
  /** Resolves once the reader has room again; throws a Failure (141) when it has gone. */
  write(bytes: Buffer | string): Promise<void>;
  /** Whether some of what was written still waits for the reader. */
  readonly isBehind: boolean;
}

/** How a step gets on: it counts here, and the person's line is made from this. */
export interface Progress {
  records: number;
  dead: number;
  epochs: number;
  /** The last position that is safe. */
  position: string | undefined;
  /** How far the step is behind its source. */
  lagMs: number | undefined;
  /** A word on what is going on, e.g. "waiting 2 s: rate limited". */
  note: string | undefined;
}

/** Progress that has not begun. */
export function newProgress(): Progress {
  return { records: 0, dead: 0, epochs: 0, position: undefined, lagMs: undefined, note: undefined };
}
