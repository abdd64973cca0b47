import type { Checkpoints } from './checkpoints.ts';
import type { Call } from './command.ts';
import type { Context } from './context.ts';
import { Failure } from './errors.ts';
import { Batch } from './lines.ts';
import { type Begin, type Control, type Count, isAppName, type Mark } from './marks.ts';
import { type Step, Tally } from './steps.ts';

/** The span that a mark closes, as a sink sees it. */
export interface Epoch {
  begin: Begin;
  mark: Mark;
  /** The number of the commit that this epoch is. */
  commit: number;
  shard: string;
  /** The shard's position before the epoch; undefined where it had none. */
  from: string | undefined;
}

/** Where records end. `write` may return before they are safe; `flush` may not. */
export interface Sink {
  /** The sink as the state names it, `local:mrr_movements`: an app has one. */
  readonly id: string;
  /** Under an app, before the first record. A store that keeps its own checkpoint compares it here. */
  begin?(begin: Begin): Promise<void>;
  /** Takes the records of a batch; what it cannot take it rejects by `call.rejects`. */
  write(batch: Batch): Promise<void> | void;
  /** Makes everything written durable; under an app it is told which epoch that is. */
  flush(epoch?: Epoch): Promise<void>;
  /** What it has to tell of records that are safe, in records of its own; under an app it is asked once their epoch is committed. */
  told?(): Batch | undefined;
  /** Gives everything back, after the last flush or a failure. */
  close(): Promise<void>;
}

/** How long a sink goes on after a first signal for the marks that its source, told at the same time, still sends. */
const graceMs = 3000;

/**
 * The step of a sink: writes, and at each mark flushes, then commits in its own state store (or, under `--forward`, passes the mark on).
 * The source's end is its own: it commits what was marked, then fails with the source's code and reason.
 */
export function deliver(call: Call, sink: Sink): Step {
  const { app, forward, state } = call.options as { app?: string; forward?: boolean; state?: string };
  if (app !== undefined && !isAppName(app)) {
    throw new Failure('usage', `--app takes letters, digits, ".", "_" and "-", at most 128 of them; not ${JSON.stringify(app)}`);
  }
  return async function* (input) {
    const tally = new Tally(call);
    let checkpoints: Checkpoints | undefined;
    let begin: Begin | undefined;
    let commit = 0;
    let isEmpty = true;
    const positions: Record<string, string> = {};
    // A sink may learn of a record that it cannot keep long after `write`.
    let known = 0;
    const refused = () => {
      const count = call.rejects.count - known;
      known += count;
      return count;
    };
    try {
      for await (const batch of untilToldAlone(input, call.context)) {
        const control: Control | undefined = batch.control;
        if (batch.count + batch.rejected > 0) {
          isEmpty = false;
          if (begin === undefined && app !== undefined) throw unmarked(app);
          tally.read(batch);
          known += batch.rejected;
          if (batch.count > 0) await sink.write(batch);
          tally.wrote(batch.count);
          if (begin === undefined) yield* toldBy(sink);
        }
        if (control?.kind === 'begin') {
          begin = control.begin;
          if (app !== undefined && app !== begin.app) {
            throw new Failure(
              'misconfigured',
              `the records come under the app ${begin.app}, not ${app}`,
              'give --app the same name on both sides',
            );
          }
          commit = begin.at;
          Object.assign(positions, begin.from);
          if (forward !== true) {
            checkpoints = await call.context.openCheckpoints(state);
            await checkpoints.claim(begin, sink.id);
          }
          await sink.begin?.(begin);
          if (forward === true) yield Batch.ofControl(control);
        } else if (control?.kind === 'mark' && begin !== undefined) {
          commit++;
          const shard = control.mark.shard ?? '';
          // First: a table's flush commits its own checkpoint, and the epoch does not come again.
          await call.rejects.flush();
          await sink.flush({ begin, mark: control.mark, commit, shard, from: positions[shard] });
          tally.wrote(-refused());
          const mark = await tally.close(control.mark);
          const { app, source, term } = begin;
          const { to, c: counts } = mark;
          await checkpoints?.commit({ app, source, term, commit, shard, from: positions[shard], to, sink: sink.id, counts });
          positions[shard] = to;
          const told = sink.told?.() ?? Batch.ofLines([]);
          if (forward === true) yield told.closedBy({ kind: 'mark', mark: withOut(mark, told.count) });
          else if (told.count > 0) yield told;
        } else if (control?.kind === 'end') {
          if (forward === true) yield Batch.ofControl(control);
          else if (control.end.exit !== 0) {
            throw new Failure(
              control.end.exit,
              `upstream ended with ${control.end.exit}${control.end.why === undefined ? '' : `: ${control.end.why}`}`,
            );
          }
        }
      }
      if (begin === undefined) {
        if (app !== undefined) {
          // Told to stop before anything came: so was the step before.
          if (call.context.stopped.aborted && isEmpty) return;
          if (isEmpty)
            throw new Failure('incomplete', 'the step before ended before it began', 'see what it said, then run the pipe again');
          throw unmarked(app);
        }
        await sink.flush();
        tally.wrote(-refused());
        yield* toldBy(sink);
      }
      await call.rejects.flush();
    } finally {
      await sink.close();
    }
  };
}

function unmarked(app: string): Failure {
  return new Failure(
    'misconfigured',
    `records without marks under --app ${app}`,
    'give the source the same --app; a filter between them belongs inside `buda each -- FILTER`',
  );
}

/**
 * Passes the input on. After a first signal it goes on until the input ends; if it has not within a few seconds, the sink was told
 * alone: then the input is closed at the next mark, or at once where nothing is pending.
 */
async function* untilToldAlone(input: AsyncIterable<Batch>, { stopped }: Context): AsyncGenerator<Batch> {
  const reader = input[Symbol.asyncIterator]();
  let isMarked = false;
  let pending = 0;
  let isAlone = false;
  let wake = () => {};
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    timer = setTimeout(() => {
      isAlone = true;
      wake();
    }, graceMs);
  };
  if (stopped.aborted) wait();
  else stopped.addEventListener('abort', wait, { once: true });
  try {
    for (;;) {
      const next = reader.next();
      const result = await new Promise<IteratorResult<Batch> | 'alone'>((resolve, reject) => {
        next.then(resolve, reject);
        if (pending === 0) wake = () => resolve('alone');
      });
      wake = () => {};
      if (result === 'alone' || result.done === true) return;
      const batch = result.value;
      if (batch.control?.kind === 'begin') isMarked = true;
      pending = isMarked && batch.control?.kind !== 'mark' ? pending + batch.count + batch.rejected : 0;
      yield batch;
      if (isAlone && pending === 0) return;
    }
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', wait);
    // It may be waiting for its own input.
    void reader.return?.();
  }
}

function* toldBy(sink: Sink): Generator<Batch> {
  const told = sink.told?.();
  if (told !== undefined) yield told;
}

/** A mark as a sink hands it on: whatever was delivered, so many records come out with it. */
function withOut(mark: Mark, out: number): Mark {
  const c = mark.c.map((count, i): Count => (i === mark.c.length - 1 ? [count[0], count[1], out, count[3]] : count));
  return { ...mark, c };
}
