/** Every way a step can end, by the name the code uses. The numbers are the contract of `man buda`, EXIT STATUS; change them only with a line in the CHANGELOG. */
export const exits = {
  failed: { code: 1, means: 'it failed' },
  usage: { code: 2, means: 'the words on the command line are wrong' },
  badData: { code: 65, means: 'bad data, a gap or an overlap, a lost cursor' },
  refused: { code: 69, means: 'refused for good by the other side' },
  incomplete: { code: 75, means: 'incomplete, and safe to run again (a dead upstream, a zombie, a second run, a held lock)' },
  notAllowed: { code: 77, means: 'not allowed: a wrong key or a missing permission' },
  misconfigured: {
    code: 78,
    means: 'a pipeline or a configuration that no retry mends (marks eaten, counters differ, no such stream)',
  },
  readerGone: { code: 141, means: 'the reader went away; nothing is said' },
} as const;

/** A way to end, by its name in `exits`. */
export type ExitName = keyof typeof exits;

/** An end that was foreseen: `message` says what and where, `remedy` how to mend it, `exit` is the code that the process ends with. */
export class Failure extends Error {
  readonly exit: number;
  readonly remedy: string | undefined;

  constructor(kind: ExitName | number, message: string, remedy?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Failure';
    this.exit = typeof kind === 'number' ? kind : exits[kind].code;
    this.remedy = remedy;
  }
}

/** The exit code for anything that was thrown: a Failure's own; a full or read-only disk and other errors of the system 1. */
export function exitOf(error: unknown): number {
  if (error instanceof Failure) return error.exit;
  return exits.failed.code;
}

/** The system's or a library's short code of an error (`ENOENT`, `ECONNRESET`), or '' where it has none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const systemMessages: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EFBIG: 'the file would grow past the size limit of this process (ulimit -f)',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'not a folder',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files (ulimit -n)',
};

/** What to tell a person about anything that was thrown, in one line and without a stack; the path is named where the error has one. */
export function explain(error: unknown): string {
  if (error instanceof Failure) return error.message;
  if (!(error instanceof Error)) return String(error);
  const known = systemMessages[codeOf(error)];
  const path = 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
  return known === undefined ? error.message : `${known}${path}`;
}

/** Of the failures in a list whose rest was written all but the first are said; that one is thrown. */
export function throwFirst(failures: readonly unknown[], { say }: { say: (message: string) => void }): void {
  const [first, ...others] = failures;
  for (const error of others) say(explain(error));
  if (first !== undefined) throw first;
}
