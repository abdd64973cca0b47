import type { Tenure } from './checkpoints.ts';
import type { Call } from './command.ts';
import { exitOf, Failure } from './errors.ts';
import { Batch } from './lines.ts';
import { type Begin, isAppName } from './marks.ts';
import { lastWord } from './protocol.ts';
import { type Step, Tally } from './steps.ts';

/** Records from a source, and the position behind the last of them where it is safe to go on from there: that closes an epoch. */
export interface Piece {
  batch: Batch;
  to?: string;
  shard?: string;
}

/** Where records come from. A run reads it once, and asks for each piece when it has room for it. */
export interface Source {
  /** What is read, as it stands in the state: `stripe:events`, `local:mrr_movements`. */
  readonly name: string;
  /** Under an app, before the first record: loads what the source itself saved. */
  begin?(begin: Begin): Promise<void>;
  /** Reads from these positions ({} means from where the options say) until it is done or `context.stopped` is set. */
  read(from: Readonly<Record<string, string>>): AsyncIterable<Piece>;
  /** Makes the source's own state durable under this commit's number, before the mark is written. */
  save?(commit: number): Promise<void>;
  close?(): Promise<void>;
}

/**
 * The step of a source: under `--app` it takes the app's lock and writes begin, marks and end; without one the pipe is plain NDJSON.
 * A failure is told down the pipe before it is thrown.
 */
export function produce(call: Call, source: Source): Step {
  const { app, state } = call.options as { app?: string; state?: string };
  if (app !== undefined && !isAppName(app)) {
    throw new Failure('usage', `--app takes letters, digits, ".", "_" and "-", at most 128 of them; not ${JSON.stringify(app)}`);
  }
  return async function* () {
    let tenure: Tenure | undefined;
    let hasBegun = false;
    let marks = 0;
    // Until something else is known, the reader went away: then this generator is only told to return.
    let exit = 141;
    try {
      if (app !== undefined) {
        tenure = await (await call.context.openCheckpoints(state)).start(app, source.name);
        checkSeen(call, tenure);
        hasBegun = true;
        yield Batch.ofControl({ kind: 'begin', begin: tenure.begin });
        await source.begin?.(tenure.begin);
      }
      for await (const batch of readPieces(call, source, tenure)) {
        if (batch.control?.kind === 'mark') marks++;
        yield batch;
      }
      exit = 0;
      if (tenure !== undefined) yield Batch.ofControl({ kind: 'end', end: { exit: 0 } });
    } catch (error) {
      exit = exitOf(error);
      // Once it has begun, whoever runs it says so.
      if (app !== undefined && !hasBegun) yield lastWord(error);
      throw error;
    } finally {
      try {
        await source.close?.();
      } finally {
        await tenure?.end(marks, exit);
      }
    }
  };
}

/** So many runs that no sink has seen are no accident. */
const unseenRuns = 3;

/**
 * Notices that a filter swallows every mark: then no sink sees a begin, nothing is committed, and each run delivers the same again. Once
 * or twice it may have been a sink that was killed before it read.
 */
function checkSeen({ context }: Call, { begin: { app }, unseen }: Tenure): void {
  if (unseen === 0) return;
  const runs = unseen === 1 ? 'the last run' : `the last ${unseen} runs`;
  const message = `${runs} of app ${app} ended well, but no sink has seen the marks: nothing was committed`;
  const remedy = 'a filter between source and sink belongs inside `buda each -- FILTER`; the sink has to be a step of buda';
  if (unseen >= unseenRuns) throw new Failure('misconfigured', message, remedy);
  context.say(`${message}; ${remedy}`);
}

async function* readPieces(call: Call, source: Source, tenure: Tenure | undefined): AsyncGenerator<Batch> {
  const tally = new Tally(call);
  const positions = { ...tenure?.begin.from };
  let commit = tenure?.begin.at ?? 0;
  let pending = 0;
  let deadBefore = 0;
  for await (const { batch, to, shard } of source.read(positions)) {
    pending += batch.count;
    tally.wrote(batch.count);
    await call.rejects.read(batch.count + call.rejects.count - deadBefore);
    deadBefore = call.rejects.count;
    if (to === undefined || tenure === undefined) {
      if (to !== undefined) call.context.progress.position = to;
      if (batch.count > 0) yield batch.closedBy(undefined);
      continue;
    }
    // Nothing read and nowhere moved: there is nothing to promise.
    if (pending === 0 && positions[shard ?? ''] === to) continue;
    commit++;
    await source.save?.(commit);
    const mark = await tally.close(shard === undefined ? { to, c: [] } : { shard, to, c: [] });
    yield batch.closedBy({ kind: 'mark', mark });
    positions[shard ?? ''] = to;
    pending = 0;
  }
}
