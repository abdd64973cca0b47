import type { AppState, Commit, SourceState } from '../checkpoints.ts';
import { Failure } from '../errors.ts';
import type { Begin } from '../marks.ts';

/** What may happen to an app's document, whatever store it is kept in. Each function gives a new document, or refuses. */

/** The document of an app before its first run: no term, no commit, no source. */
export function newDocument(app: string, now: Date): AppState {
  const at = now.toISOString();
  return { buda: 1, app, term: 0, commits: 0, sink: null, sources: {}, created_at: at, updated_at: at };
}

/** The document as it lies in its file; `parseDocument` reads it. */
export function formatDocument(document: AppState): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Reads a document; one that is not whole, or of another version, is refused (65). `where` is named in the message. */
export function parseDocument(text: string, app: string, where: string): AppState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(app, `${where} is not JSON`);
  }
  if (!isObject(value)) throw damaged(app, `${where} is not a state document`);
  if (value.buda !== 1) {
    throw new Failure(
      'badData',
      `${where} is a state document of version ${JSON.stringify(value.buda)}, not 1`,
      'use the buda that wrote it',
    );
  }
  const wrong = wrongField(value);
  if (wrong !== undefined) throw damaged(app, `${where} has no good ${wrong}`);
  if (value.app !== app) throw new Failure('misconfigured', `${where} belongs to the app ${value.app}`, 'use another --app');
  return value as unknown as AppState;
}

function damaged(app: string, message: string): Failure {
  return new Failure('badData', message, `put a good copy in its place, or forget the app: buda state remove ${app}`);
}

function wrongField(document: Record<string, unknown>): string | undefined {
  const { app, term, commits, sink, sources } = document;
  if (typeof app !== 'string') return 'app';
  if (!isWhole(term)) return 'term';
  if (!isWhole(commits)) return 'commits';
  if (sink !== null && typeof sink !== 'string') return 'sink';
  if (!isObject(sources)) return 'sources';
  for (const [name, source] of Object.entries(sources)) {
    if (!isObject(source) || !isObject(source.counters) || !isObject(source.checkpoints))
      return `sources[${JSON.stringify(name)}]`;
    const { checkpoints, counters } = source;
    if (!Object.values(checkpoints).every((position) => typeof position === 'string')) return `checkpoints of ${name}`;
    if (![counters.delivered, counters.dead, counters.epochs].every(isWhole)) return `counters of ${name}`;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const newSource: SourceState = {
  checkpoints: {},
  counters: { delivered: 0, dead: 0, epochs: 0 },
  last_counts: [],
  committed_at: null,
  last_run: null,
};

function withSource(
  document: AppState,
  name: string,
  change: (source: SourceState) => Partial<SourceState>,
  at: string,
): AppState {
  const source = sourceOf(document, name) ?? newSource;
  return { ...document, sources: { ...document.sources, [name]: { ...source, ...change(source) } }, updated_at: at };
}

/** What the document holds of a source; undefined where it holds nothing. */
export function sourceOf(document: AppState, name: string): SourceState | undefined {
  return Object.hasOwn(document.sources, name) ? document.sources[name] : undefined;
}

/** A run of a source begins, with the next term. */
export function begun(document: AppState, source: string, run: string, now: Date): AppState {
  const at = now.toISOString();
  const term = document.term + 1;
  const previous = sourceOf(document, source)?.last_run;
  const isUnseen = previous?.exit === 0 && previous.marks > 0 && previous.sink === null;
  const unseen = isUnseen ? previous.unseen + 1 : 0;
  const last_run = { run, term, at: document.commits, marks: 0, exit: null, sink: null, unseen, started_at: at, ended_at: null };
  return withSource({ ...document, term }, source, () => ({ last_run }), at);
}

/** A run of a source has ended; undefined where a newer one has begun, whose document this is then. */
export function ended(
  document: AppState,
  source: string,
  term: number,
  marks: number,
  exit: number,
  now: Date,
): AppState | undefined {
  const at = now.toISOString();
  const run = sourceOf(document, source)?.last_run;
  if (document.term !== term || run == null) return undefined;
  return withSource(document, source, () => ({ last_run: { ...run, marks, exit, ended_at: at } }), at);
}

/** A sink takes up a run. A begin that this store did not write for the app's newest run must not commit anything. */
export function claimed(document: AppState, begin: Begin, sink: string, now: Date): AppState {
  const { app, source, term, run, at } = begin;
  checkOwner(document, term, sink);
  const known = sourceOf(document, source)?.last_run;
  if (term !== document.term || known?.run !== run) throw gap(app, `its newest run is not the one that this pipe begins with`);
  if (at !== document.commits) throw gap(app, `it has ${document.commits} commits, the pipe begins at ${at}`);
  return withSource(document, source, () => ({ last_run: { ...known, sink } }), now.toISOString());
}

/** A zombie's term is refused, and another sink. */
function checkOwner({ app, term: newest, sink: known }: AppState, term: number, sink: string): void {
  if (term < newest) {
    throw new Failure(
      'incomplete',
      `app ${app}: a newer run has begun (term ${newest}, this one is ${term})`,
      'leave the work to it',
    );
  }
  if (known !== null && known !== sink) {
    throw new Failure('misconfigured', `app ${app} commits to ${known}, not to ${sink}`, 'use another --app for another sink');
  }
}

/** One epoch is committed: a compare-and-set. */
export function committed(document: AppState, commit: Commit, now: Date): AppState {
  const { app, source, term, shard, from, to, sink, counts } = commit;
  checkOwner(document, term, sink);
  if (term > document.term) throw gap(app, `its document is of term ${document.term}, before this run's ${term}`);
  if (commit.commit !== document.commits + 1)
    throw gap(app, `after ${document.commits} commits comes no commit ${commit.commit}`);
  const checkpoints = sourceOf(document, source)?.checkpoints ?? {};
  const stored = Object.hasOwn(checkpoints, shard) ? checkpoints[shard] : undefined;
  if (stored !== from) {
    const place = shard === '' ? source : `shard ${shard} of ${source}`;
    throw gap(app, `${place} stands at ${stored ?? 'no checkpoint'}, the epoch begins at ${from ?? 'none'}`);
  }
  const at = now.toISOString();
  const delivered = counts.at(-1)?.[2] ?? 0;
  const dead = counts.reduce((sum, count) => sum + count[3], 0);
  return withSource(
    { ...document, commits: commit.commit, sink },
    source,
    ({ counters, last_run }) => ({
      last_run: last_run && { ...last_run, sink },
      checkpoints: { ...checkpoints, [shard]: to },
      counters: { delivered: counters.delivered + delivered, dead: counters.dead + dead, epochs: counters.epochs + 1 },
      last_counts: counts,
      committed_at: at,
    }),
    at,
  );
}

function gap(app: string, message: string): Failure {
  return new Failure('badData', `app ${app}: ${message}`, 'run the pipe again from its source');
}

/**
 * A person has moved a checkpoint. The number of commits stays: what stateful steps saved under it still holds, and what they
 * saved beyond it was never committed and must not come to count. The next term keeps out a sink that still drains an earlier
 * run.
 */
export function moved(document: AppState, source: string, shard: string, position: string, now: Date): AppState {
  const { app } = document;
  const known = sourceOf(document, source);
  if (known === undefined) {
    throw new Failure(
      'misconfigured',
      `app ${app} has no source ${source}`,
      `it has: ${Object.keys(document.sources).join(', ')}`,
    );
  }
  const shards = Object.keys(known.checkpoints);
  if (shard === '' && shards.length > 0 && !shards.includes('')) {
    throw new Failure('misconfigured', `the source ${source} of app ${app} has shards`, `name one: --shard ${shards.join('|')}`);
  }
  const next = { ...document, term: document.term + 1 };
  return withSource(
    next,
    source,
    ({ checkpoints }) => ({ checkpoints: { ...checkpoints, [shard]: position } }),
    now.toISOString(),
  );
}
