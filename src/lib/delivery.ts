import type { Checkpoints } from './checkpoints.ts';
import type { Call } from './command.ts';
import type { Context } from './context.ts';
import { Failure } from './errors.ts';
import { Batch } from './lines.ts';
import { type Begin, type Control, isAppName, type Mark } from './marks.ts';
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
    let ledger: Ledger | undefined;
    let begin: Begin | undefined;
    let commit = 0;
    let isEmpty = true;
    const positions: Record<string, string> = {};
    try {
      for await (const batch of untilToldAlone(input, call.context)) {
        const control: Control | undefined = batch.control;
        if (batch.count + batch.rejected > 0) {
          isEmpty = false;
          if (begin === undefined && app !== undefined) throw unmarked(app);
          tally.read(batch);
          const deadBefore = call.rejects.count;
          if (batch.count > 0) await sink.write(batch);
          tally.wrote(batch.count - (call.rejects.count - deadBefore));
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
          if (forward !== true) ledger = await Ledger.open(call.context.openCheckpoints(state), begin, sink.id);
          await sink.begin?.(begin);
          if (forward === true) yield Batch.ofControl(control);
        } else if (control?.kind === 'mark' && begin !== undefined) {
          commit++;
          const shard = control.mark.shard ?? '';
          await sink.flush({ begin, mark: control.mark, commit, shard, from: positions[shard] });
          const mark = tally.close(control.mark);
          await ledger?.commit(mark, commit, positions[shard]);
          positions[shard] = mark.to;
          if (forward === true) yield Batch.ofControl({ kind: 'mark', mark });
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
          if (isEmpty)
            throw new Failure('incomplete', 'the step before ended before it began', 'see what it said, then run the pipe again');
          throw unmarked(app);
        }
        await sink.flush();
      }
      call.rejects.flush();
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

/** The commits of one run in the app's document. */
class Ledger {
  readonly #checkpoints: Checkpoints;
  readonly #begin: Begin;
  readonly #sink: string;

  private constructor(checkpoints: Checkpoints, begin: Begin, sink: string) {
    this.#checkpoints = checkpoints;
    this.#begin = begin;
    this.#sink = sink;
  }

  /** Refuses a begin that this state store did not write: a forged or stored one must not commit anywhere. */
  static async open(checkpoints: Checkpoints, begin: Begin, sink: string): Promise<Ledger> {
    const known = await checkpoints.read(begin.app);
    if (known === undefined) {
      throw new Failure(
        'misconfigured',
        `this state store knows no app ${begin.app}`,
        'give source and sink the same --state (or BUDA_STATE)',
      );
    }
    if (known.term !== begin.term) {
      throw new Failure(
        'incomplete',
        `app ${begin.app}: a newer run has begun (term ${known.term}, this one is ${begin.term})`,
        'leave the work to it',
      );
    }
    if (known.commits !== begin.at) {
      throw new Failure(
        'badData',
        `app ${begin.app} has ${known.commits} commits, the pipe begins at ${begin.at}`,
        'run the pipe again from its source',
      );
    }
    if (known.sink !== null && known.sink !== sink) {
      throw new Failure(
        'misconfigured',
        `app ${begin.app} commits to ${known.sink}, not to ${sink}`,
        'use another --app for another sink',
      );
    }
    return new Ledger(checkpoints, begin, sink);
  }

  async commit(mark: Mark, commit: number, from: string | undefined): Promise<void> {
    const { app, source, term } = this.#begin;
    await this.#checkpoints.commit({
      app,
      source,
      term,
      commit,
      shard: mark.shard ?? '',
      from,
      to: mark.to,
      sink: this.#sink,
      counts: mark.c,
    });
  }
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
  let timer: NodeJS.Timeout | undefined;
  const alone = new Promise<'alone'>((resolve) => {
    const wait = () => {
      timer = setTimeout(() => {
        isAlone = true;
        resolve('alone');
      }, graceMs);
    };
    if (stopped.aborted) wait();
    else stopped.addEventListener('abort', wait, { once: true });
  });
  try {
    let next = reader.next();
    for (;;) {
      const result = pending === 0 ? await Promise.race([next, alone]) : await next;
      if (result === 'alone' || result.done === true) return;
      const batch = result.value;
      if (batch.control?.kind === 'begin') isMarked = true;
      pending = isMarked && batch.control?.kind !== 'mark' ? pending + batch.count + batch.rejected : 0;
      yield batch;
      if (isAlone && pending === 0) return;
      next = reader.next();
    }
  } finally {
    clearTimeout(timer);
    void reader.return?.();
  }
}
