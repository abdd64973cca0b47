import type { Call } from '../command.ts';
import { Failure } from '../errors.ts';
import { Batch, readBatches } from '../lines.ts';
import { countedMark, type Step, Tally } from '../steps.ts';
import { Child, type Program } from './child.ts';
import { Epoch, foreignLines } from './epoch.ts';

/**
 * A foreign program as a step. Under marks a child runs for each epoch, up to `jobs` of them at once, and the mark follows what
 * it wrote once it has ended well; without marks one child is a plain pipe.
 */
export function filter(call: Call, program: Program, jobs: number): Step {
  return async function* (input) {
    const reader = input[Symbol.asyncIterator]();
    const first = await reader.next();
    const rest = joined(first, reader);
    if (first.done !== true && first.value.control !== undefined && first.value.count === 0)
      yield* epochByEpoch(call, program, jobs, rest);
    else yield* throughOne(call, program, rest);
  };
}

async function* joined(first: IteratorResult<Batch>, rest: AsyncIterator<Batch>): AsyncGenerator<Batch> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

type Next = { batch: Batch } | { error: unknown } | 'done';

async function* epochByEpoch(call: Call, program: Program, jobs: number, input: AsyncGenerator<Batch>): AsyncGenerator<Batch> {
  const running: { epoch: Epoch; ended: Promise<Epoch> }[] = [];
  let open = new Epoch(call, program);
  const read = (): Promise<Next> =>
    input.next().then(
      (result) => (result.done === true ? 'done' : { batch: result.value }),
      (error: unknown) => ({ error }),
    );
  async function* answerFirst(): AsyncGenerator<Batch> {
    const first = running[0];
    if (first === undefined) return;
    yield* answer(call, await first.ended);
    running.shift();
    await first.epoch.close();
  }
  async function* answerAll(): AsyncGenerator<Batch> {
    while (running.length > 0) yield* answerFirst();
  }
  try {
    for (let next = read(); ; ) {
      const result = await (running[0] === undefined ? next : Promise.race([next, running[0].ended]));
      if (result instanceof Epoch) {
        yield* answerFirst();
        continue;
      }
      if (result === 'done') return;
      if ('error' in result) {
        yield* answerAll();
        throw result.error;
      }
      const { batch } = result;
      await open.take(batch);
      const { control } = batch;
      if (control?.kind === 'mark') {
        while (running.length >= jobs) yield* answerFirst();
        const ended = open.run(control.mark);
        ended.catch(() => {});
        running.push({ epoch: open, ended });
        open = new Epoch(call, program);
      } else if (control !== undefined) {
        yield* answerAll();
        yield Batch.ofControl(control);
      }
      next = read();
    }
  } finally {
    for (const { epoch } of running) await epoch.close();
    await open.close();
    void input.return(undefined);
  }
}

/** What an epoch's child wrote, then the mark; where it failed, the epoch's records are rejected, or the step fails and the mark stays here. */
async function* answer(call: Call, epoch: Epoch): AsyncGenerator<Batch> {
  const { mark, fault } = epoch;
  if (mark === undefined) throw new Error('an epoch was run without its mark');
  let outCount = 0;
  if (fault === undefined) {
    for await (const batch of epoch.lines()) {
      outCount += batch.count;
      call.context.progress.records += batch.count;
      if (batch.count > 0) yield batch.closedBy(undefined);
    }
  } else if (call.rejects.keeps) {
    await epoch.reject(fault.reason);
  } else {
    throw new Failure(
      'incomplete',
      `${fault.reason} in the epoch up to ${mark.to}, which is not marked`,
      `${fault.remedy}; then run the pipe again, or keep such records and go on: --dead-letter FILE`,
    );
  }
  yield Batch.ofControl({ kind: 'mark', mark: await countedMark(call, mark, [epoch.inCount, outCount, epoch.deadCount]) });
}

async function* throughOne(call: Call, program: Program, input: AsyncGenerator<Batch>): AsyncGenerator<Batch> {
  const tally = new Tally(call);
  // Apart: what it has read cannot be given to another, so it has to come to its end as this step does.
  const child = new Child(call, { ...program, timeoutMs: undefined }, true);
  async function* pieces() {
    for await (const batch of input) if (batch.count > 0) yield batch.bytes;
  }
  const reader = pieces();
  let broken: { error: unknown } | undefined;
  child.feed(reader).catch((error: unknown) => {
    broken = { error };
  });
  try {
    for await (const batch of readBatches(child.output, foreignLines(call, program))) {
      tally.wrote(batch.count);
      yield batch.closedBy(undefined);
    }
    const fault = await child.ended;
    if (broken !== undefined) throw (broken as { error: unknown }).error;
    if (fault !== undefined) throw new Failure('failed', fault.reason, fault.remedy);
    await call.rejects.flush();
  } finally {
    child.kill();
    void reader.return(undefined);
  }
}
