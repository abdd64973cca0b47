import { createHash } from 'node:crypto';
import { emptyNote, type SavedState } from '../checkpoints.ts';
import type { Call } from '../command.ts';
import { Failure } from '../errors.ts';
import { BadLine, Line } from '../lines.ts';
import type { Begin } from '../marks.ts';
import { type Held, held, type Step } from '../steps.ts';
import { BadRecord, type Breakdown, defaults, Ledger, type MrrOptions } from './ledger.ts';
import { Sorter } from './sorter.ts';
import { summarise } from './warnings.ts';

/** What `transform mrr` writes and how it goes on; the ledger's own options beside it. */
export interface MrrStep {
  options: Partial<MrrOptions>;
  /** The rows of the months instead of the movements. */
  months: { by: Breakdown | undefined } | undefined;
  /** The clocks run up to now, not up to the latest record. */
  isLive: boolean;
  /** What was saved under other options is computed anew. */
  rebuild: boolean;
  /** Warnings end the step with 65. */
  strict: boolean;
  state: string | undefined;
}

/** The shape of the state's entries: another number for another shape. */
const shape = 'mrr 1';

/** The options that a ledger hangs on, as its state keeps them. */
type Said = Record<string, string>;

function saidBy({ options, months, isLive }: MrrStep): Said {
  const { customerMap, asOf, ...others } = { ...defaults, ...options };
  const map = createHash('sha256')
    .update(JSON.stringify(Object.entries(customerMap).sort()))
    .digest('hex');
  const words = Object.entries(others).map(([name, value]) => [flagOf(name), String(value ?? '')]);
  const rest = {
    '--customer-map': map,
    '--as-of': isLive ? 'now' : String(asOf ?? ''),
    '--months': String(months !== undefined),
    '--by': months?.by ?? '',
  };
  return { ...(Object.fromEntries(words) as Said), ...rest };
}

/** `--past-due-grace` of pastDueGraceS. */
function flagOf(name: string): string {
  return `--${name.replace(/S$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The step that turns what Stripe tells into the movements of MRR; under an app its ledger is saved at each mark. */
export function mrrStep(call: Call, how: MrrStep): Step {
  const holder = new LedgerHolder(call, how);
  const step = held(call, holder);
  return async function* (input) {
    for await (const batch of step(input)) {
      // Before the end goes on: so that the sink, having committed what was marked, ends as this step does.
      if (batch.control?.kind === 'end') holder.end();
      yield batch;
    }
    holder.end();
  };
}

class LedgerHolder implements Held {
  readonly #call: Call;
  readonly #how: MrrStep;
  #ledger: Ledger;
  #saved: SavedState | undefined;
  readonly #said: Said;
  #isSaidSaved = false;
  #isEnded = false;

  constructor(call: Call, how: MrrStep) {
    this.#call = call;
    this.#how = how;
    this.#said = saidBy(how);
    // Without an app all there is comes in one batch.
    this.#ledger = new Ledger(how.options, how.months, true);
  }

  async begin({ app, at, run }: Begin): Promise<void> {
    const { options, months, rebuild, state } = this.#how;
    this.#ledger = new Ledger(options, months);
    const checkpoints = await this.#call.context.openCheckpoints(state);
    this.#saved = checkpoints.saved(app, this.#call.name, shape, rebuild);
    let before: Said | undefined;
    for await (const entry of this.#saved.load(at, run)) {
      if (entry[0] === 'options') before = entry[1] as Said;
      else this.#ledger.load([entry]);
    }
    for await (const [commit, entries] of this.#saved.uncommitted()) this.#ledger.loadSaid(commit, entries);
    if (before === undefined) {
      // What a lost ledger said has lower revisions: each commit says an id once at most.
      if (at > 0) {
        this.#ledger.beginRevisionsAt(at + 1);
        this.#call.context.say(emptyNote(app, at, 'movements may come short: run it from the beginning of its events'));
      }
      return;
    }
    const now = this.#said;
    const others = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
    if (others.length > 0 && !rebuild) {
      throw new Failure(
        'misconfigured',
        `the ledger of app ${app} was made under another ${others.sort().join(', ')}`,
        'give the same options as before, or say the whole ledger anew under these: --rebuild',
      );
    }
    if (rebuild) this.#ledger.recompute();
    else this.#isSaidSaved = true;
  }

  add(line: Line): void {
    try {
      this.#ledger.add(line.record);
    } catch (error) {
      if (error instanceof BadRecord) throw new BadLine(error.reason);
      if (error instanceof RangeError) throw new BadLine('nested too deeply');
      throw error;
    }
  }

  async *flush(commit?: number): AsyncGenerator<Line> {
    if (this.#how.isLive) this.#ledger.moveClock(Math.floor(Date.now() / 1000));
    const { months } = this.#how;
    const sorter = new Sorter();
    try {
      let settled = 0;
      for (const movement of this.#ledger.settle(commit)) {
        if (!months) sorter.add(movement);
        // Other work (a signal, a status line) has its turn now and then.
        if (++settled % 1000 === 0) await new Promise(setImmediate);
      }
      const rows = months ? this.#ledger.monthChanges(commit) : [];
      // Nothing is committed here that could be told from what is not: it is all or nothing.
      if (commit === undefined) this.#refuseWarnings();
      else await this.#save(commit);
      for (const row of rows) yield Line.of({ ...row });
      for (const text of sorter.texts()) yield Line.written(text);
    } finally {
      sorter.close();
    }
  }

  async #save(commit: number): Promise<void> {
    const entries = this.#ledger.changes();
    if (!this.#isSaidSaved) {
      entries.push(['options', this.#said]);
      this.#isSaidSaved = true;
    }
    await this.#saved?.save(commit, entries);
  }

  /** Tells, once, what warnings stand at the end; under --strict they end the step. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const line of summarise(this.#ledger.warnings())) this.#call.context.say(line);
    this.#refuseWarnings();
  }

  #refuseWarnings(): void {
    const warnings = this.#ledger.warnings();
    if (!this.#how.strict || warnings.size === 0) return;
    if (!this.#isEnded) for (const line of summarise(warnings)) this.#call.context.say(line);
    this.#isEnded = true;
    throw new Failure(
      'badData',
      `${warnings.size} warnings under --strict`,
      'see the warnings above; without --strict they end nothing',
    );
  }
}
