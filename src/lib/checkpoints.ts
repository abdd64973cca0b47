import type { Begin, Count } from './marks.ts';

/** One epoch, as the last step commits it: the positions of one shard of one source, and whose commit it is. */
export interface Commit {
  app: string;
  source: string;
  term: number;
  /** The number of this commit: the app's commits so far, and one. */
  commit: number;
  shard: string;
  from: string | undefined;
  to: string;
  /** Who commits: another sink under the same app is refused (78). */
  sink: string;
  /** What every step of the pipe counted. */
  counts: readonly Count[];
}

/** What a source holds while it runs under an app: the app's lock, and the next term. */
export interface Tenure {
  readonly begin: Begin;
  /** How many clean runs in a row, just before this one, wrote marks whose begin no sink has seen. */
  readonly unseen: number;
  /** Says how the run ended and gives the lock back. */
  end(marks: number, exit: number): Promise<void>;
}

/** An app's document, as `buda state show` prints it. */
export interface AppState {
  buda: 1;
  app: string;
  term: number;
  commits: number;
  sink: string | null;
  sources: Record<string, SourceState>;
  created_at: string;
  updated_at: string;
}

/** One source in the state document. Checkpoints are by shard ('' where the source has one), times are ISO 8601 in UTC. */
export interface SourceState {
  checkpoints: Record<string, string>;
  /** Records that the committing sink delivered, records that went to dead letters, epochs. */
  counters: { delivered: number; dead: number; epochs: number };
  /** What each step counted in the last committed epoch. */
  last_counts: readonly Count[];
  committed_at: string | null;
  last_run: {
    run: string;
    term: number;
    at: number;
    marks: number;
    exit: number | null;
    /** The sink that saw its begin. */
    sink: string | null;
    /** How many clean runs in a row before it wrote marks that no sink saw. */
    unseen: number;
    started_at: string;
    ended_at: string | null;
  } | null;
}

/** What a stateful step keeps between runs: a table of JSON values by key, saved as one delta a commit. */
export interface SavedState {
  /** A folder for what is too great to be an entry: the step's own, to be made when it is needed; it goes when the app is forgotten. */
  readonly files: string;
  /**
   * Every entry as of commit `at`; what was saved later does not count: those epochs come again. Refused (78) where a step of the same name has
   * loaded in this run: each step's state is its own.
   */
  load(at: number, run?: string): AsyncIterable<[key: string, value: unknown]>;
  /** After load: what runs that died saved under later commits, which nobody has committed; a save at a time. */
  uncommitted(): AsyncIterable<[commit: number, entries: [key: string, value: unknown][]]>;
  /** Makes the changed entries durable under this commit's number; null removes one. Refused (75) where a newer run has loaded. */
  save(commit: number, entries: readonly [key: string, value: unknown][]): Promise<void>;
}

/** The state store: one document an app, and what stateful steps saved. */
export interface Checkpoints {
  /** Takes the app's lock (held: 75) and the next term; `begin` says where the app stands. */
  start(app: string, source: string): Promise<Tenure>;
  /** A sink takes up a run: refused unless it is the app's newest (75), stands where the app stands (65), and the app has no other sink (78). */
  claim(begin: Begin, sink: string): Promise<void>;
  /** A compare-and-set: the same term, `from` as stored, the next number; anything else is refused (75 for an older term, 65 for a gap). */
  commit(commit: Commit): Promise<void>;
  read(app: string): Promise<AppState | undefined>;
  /** Every app that there is; one whose document cannot be read is told to `onFailure`, and ends the list where that is not given. */
  list(onFailure?: (error: unknown) => void): Promise<AppState[]>;
  /** Puts a source's checkpoint where a person says; refused (75) while the app runs. */
  set(app: string, source: string, shard: string, position: string): Promise<AppState>;
  /** Forgets an app and what its steps saved; refused (75) while it runs. */
  remove(app: string): Promise<boolean>;
  /** The saved state of one step of an app; `digest` is that of the options its meaning hangs on: other options are refused (78), or begin anew under `rebuild`. */
  saved(app: string, step: string, digest: string, rebuild?: boolean): SavedState;
}

/** Said by a stateful step that finds nothing saved in an app that has commits: it is new in the pipe, or what it saved is lost. */
export function emptyNote(app: string, commits: number, consequence: string): string {
  return `app ${app} has ${commits} ${commits === 1 ? 'commit' : 'commits'}, but nothing is saved of this step: if it is not new in the pipe, ${consequence}`;
}
