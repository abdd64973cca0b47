import type { Call } from './command.ts';
import { BadLine, Batch, type JsonObject, Line } from './lines.ts';
import type { Begin, Mark } from './marks.ts';

/** The unit of work: batches in, batches out. A mark may leave a step only when every record before it is as safe as it was on coming in. */
export type Step = (input: AsyncIterable<Batch>) => AsyncIterable<Batch>;

/** What becomes of a record: the line itself (its bytes go on untouched), other records in its place, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing drops the record.
export type Change = Line | JsonObject | readonly (Line | JsonObject)[] | undefined | void;

/** Counts one step's epoch, for the marks and the progress. */
export class Tally {
  readonly #call: Pick<Call, 'name' | 'rejects' | 'context'>;
  #in = 0;
  #out = 0;
  #deadBefore = 0;

  constructor(call: Pick<Call, 'name' | 'rejects' | 'context'>) {
    this.#call = call;
  }

  read(batch: Batch): void {
    this.#in += batch.count + batch.rejected;
  }

  wrote(count: number): void {
    this.#out += count;
    this.#call.context.progress.records += count;
  }

  /** Lines that went to the dead letter in this epoch. */
  get dead(): number {
    return this.#call.rejects.count - this.#deadBefore;
  }

  /** The mark with this step's counters added; the next epoch begins. Dead letters are durable before it is given. */
  async close(mark: Mark): Promise<Mark> {
    const closed = await countedMark(this.#call, mark, [this.#in, this.#out, this.dead]);
    this.#in = 0;
    this.#out = 0;
    this.#deadBefore = this.#call.rejects.count;
    return closed;
  }
}

/** A mark with a step's counters added; the dead letters of its epoch are durable before it is given. */
export async function countedMark(
  { name, rejects, context: { progress } }: Pick<Call, 'name' | 'rejects' | 'context'>,
  mark: Mark,
  counts: readonly [inCount: number, outCount: number, deadCount: number],
): Promise<Mark> {
  await rejects.flush();
  progress.epochs++;
  progress.dead = rejects.count;
  progress.position = mark.to;
  return { ...mark, c: [...mark.c, [name, ...counts]] };
}

/** What a transform of one record at a time keeps between them. */
export interface Kept {
  /** Under an app, before the first record: loads what was saved. */
  begin?(begin: Begin): Promise<void>;
  /** After the records of each batch, before they go on. */
  settle?(): Promise<void>;
  /** Makes the state behind the records durable under this commit's number, before the mark goes on. */
  save?(commit: number): Promise<void>;
  close?(): Promise<void>;
}

/** A transform of one record at a time. A line that `change` cannot read (it throws BadLine) is rejected. */
export function each(call: Call, change: (line: Line) => Change, kept: Kept = {}): Step {
  return eachBatch(call, (batch) => changeBatch(call, batch, change), kept);
}

/** What lets lines through, or not. It looks at each where it stands in the bytes of a batch. */
export interface Sieve {
  /** Whether the line that begins at `start` goes on. Throws BadLine for one that it cannot read. */
  passes(bytes: Buffer, start: number): boolean;
  /** Where the line ends that it has looked at: at its newline. */
  readonly end: number;
}

/** A transform that lets records through or not, byte for byte. What the sieve cannot read is rejected. */
export function sift(call: Call, sieve: Sieve & Kept): Step {
  return eachBatch(call, (batch) => siftBatch(call, batch, sieve), sieve);
}

/** The same where changes may take their time: up to `concurrency` of them at once; the records leave in the order in which they came. */
export function eachInTime(call: Call, change: (line: Line) => Change | PromiseLike<Change>, concurrency: number): Step {
  return eachBatch(call, (batch) => changeInTime(call, batch, change, concurrency), {});
}

/** A transform of a batch at a time. */
export function eachBatch(call: Call, change: (batch: Batch) => Batch | Promise<Batch>, kept: Kept): Step {
  return async function* (input) {
    const tally = new Tally(call);
    let commit = 0;
    try {
      for await (const batch of input) {
        tally.read(batch);
        const control = batch.control;
        if (control?.kind === 'begin') {
          commit = control.begin.at;
          // It goes on first: so that the steps behind are told of a failure.
          yield Batch.ofControl(control);
          await kept.begin?.(control.begin);
          continue;
        }
        const changed = await change(batch);
        await kept.settle?.();
        tally.wrote(changed.count);
        if (control?.kind === 'mark') {
          commit++;
          await kept.save?.(commit);
          yield changed.closedBy({ kind: 'mark', mark: await tally.close(control.mark) });
        } else if (changed.count > 0 || control !== undefined) yield changed.closedBy(control);
      }
      await call.rejects.flush();
    } finally {
      await kept.close?.();
    }
  };
}

async function changeInTime(
  call: Call,
  batch: Batch,
  change: (line: Line) => Change | PromiseLike<Change>,
  concurrency: number,
): Promise<Batch> {
  const { lines } = batch;
  const results: (Change | BadLine)[] = [];
  let next = 0;
  const work = async () => {
    while (next < lines.length) {
      const i = next++;
      try {
        const result = change(lines[i] as Line);
        // A promise for each record costs more than most changes do.
        results[i] = isPromise(result) ? await result : result;
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        results[i] = error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, lines.length) }, work));
  return changeBatch(call, batch, (_, i) => {
    const result = results[i];
    if (result instanceof BadLine) throw result;
    return result;
  });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** A batch with each line changed; what `change` cannot read (it throws BadLine) is rejected. */
export function changeBatch(call: Call, batch: Batch, change: (line: Line, index: number) => Change): Batch {
  const { lines } = batch;
  // Made once a line comes to something else than itself: until then the batch goes on as it is.
  let out: Line[] | undefined;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line;
    let result: Change;
    try {
      result = change(line, i);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
      call.rejects.line(line, error.message);
    }
    if (result === line) {
      out?.push(line);
      continue;
    }
    out ??= lines.slice(0, i);
    if (result === undefined) continue;
    if (Array.isArray(result)) for (const one of result as readonly (Line | JsonObject)[]) out.push(asLine(one));
    else out.push(asLine(result as Line | JsonObject));
  }
  return out === undefined ? batch : Batch.ofLines(out);
}

/** What a sieve lets through of a batch; what it cannot read (it throws BadLine) is rejected. */
export function siftBatch(call: Call, batch: Batch, sieve: Sieve): Batch {
  const { bytes, firstLine } = batch;
  const pieces: Buffer[] = [];
  let count = 0;
  let lines = 0;
  /** From here on nothing has been taken out, nor copied. */
  let kept = 0;
  for (let start = 0; start < bytes.length; lines++) {
    let passes = false;
    try {
      passes = sieve.passes(bytes, start);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
      call.rejects.line(new Line(firstLine + lines, bytes, start, sieve.end), error.message);
    }
    const next = sieve.end + 1;
    if (passes) count++;
    else {
      if (start > kept) pieces.push(bytes.subarray(kept, start));
      kept = next;
    }
    start = next;
  }
  if (count === lines) return batch;
  if (kept < bytes.length) pieces.push(bytes.subarray(kept));
  return Batch.ofBytes(Buffer.concat(pieces), count);
}

function asLine(record: Line | JsonObject): Line {
  return record instanceof Line ? record : Line.of(record);
}

/** A transform that gathers records and answers before each mark (or at the end, where there are no marks). */
export interface Held {
  /** Under an app, before the first record: loads what was saved. */
  begin?(begin: Begin): Promise<void>;
  /** Throws BadLine for a record that it cannot take. */
  add(line: Line): void;
  /**
   * What the epoch's records come to; called once before each mark, with the number that its commit will have, or at the end where there are no
   * marks. The state behind the answers is durable before the first of them is given: what may have been said is known to the next run.
   */
  flush(commit?: number): Iterable<Line | JsonObject> | AsyncIterable<Line | JsonObject>;
  close?(): Promise<void>;
}

const linesABatch = 256;

/** A step that holds records until a mark. */
export function held(call: Call, holder: Held): Step {
  return async function* (input) {
    const tally = new Tally(call);
    let commit = 0;
    let isMarked = false;
    try {
      for await (const batch of input) {
        tally.read(batch);
        for (const line of batch.lines) {
          try {
            holder.add(line);
          } catch (error) {
            if (!(error instanceof BadLine)) throw error;
            call.rejects.line(line, error.message);
          }
        }
        const control = batch.control;
        if (control === undefined) continue;
        isMarked = true;
        if (control.kind === 'begin') {
          commit = control.begin.at;
          // It goes on first: so that the steps behind are told of a failure.
          yield Batch.ofControl(control);
          await holder.begin?.(control.begin);
        } else if (control.kind === 'mark') {
          yield* answer(holder, tally, ++commit);
          yield Batch.ofControl({ kind: 'mark', mark: await tally.close(control.mark) });
        } else {
          yield Batch.ofControl(control);
        }
      }
      if (!isMarked) yield* answer(holder, tally, undefined);
      await call.rejects.flush();
    } finally {
      await holder.close?.();
    }
  };
}

async function* answer(holder: Held, tally: Tally, commit: number | undefined): AsyncGenerator<Batch> {
  let lines: Line[] = [];
  for await (const record of holder.flush(commit)) {
    lines.push(asLine(record));
    if (lines.length < linesABatch) continue;
    tally.wrote(lines.length);
    yield Batch.ofLines(lines);
    lines = [];
  }
  if (lines.length === 0) return;
  tally.wrote(lines.length);
  yield Batch.ofLines(lines);
}
