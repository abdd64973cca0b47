import { callOf, guarded } from '../call.ts';
import type { Call, Entry } from '../command.ts';
import { type Context, newProgress } from '../context.ts';
import { exitOf, explain, Failure } from '../errors.ts';
import { type Batch, cutAgain, defaultMaxLineBytes } from '../lines.ts';
import type { Step } from '../steps.ts';
import type { PlannedStep } from './plan.ts';

interface OpenStep {
  call: Call;
  step: Step;
  /** Set when nobody reads this step's output any more, or when it has failed: those before it stop waiting. */
  gone: AbortController;
  inCount: number;
  failure?: unknown;
}

/** What a step came to. */
export interface StepCounts {
  name: string;
  inCount: number;
  outCount: number;
  deadCount: number;
  epochs: number;
}

/**
 * Steps joined in one process: batches go from one to the next as they are. Each ends as its process would in a shell's pipe: a
 * step that fails says so down the pipe, and those behind it finish what they have.
 */
export class Pipeline {
  readonly #steps: readonly OpenStep[];

  private constructor(steps: readonly OpenStep[]) {
    this.#steps = steps;
  }

  /** Makes every step ready; nothing is read yet. The last step's progress is the context's own. */
  static async open(planned: readonly PlannedStep[], context: Context, entries: readonly Entry[]): Promise<Pipeline> {
    const steps: OpenStep[] = [];
    let { stopped } = context;
    try {
      for (const { name, command, args, options } of [...planned].reverse()) {
        const gone = new AbortController();
        stopped = AbortSignal.any([stopped, gone.signal]);
        const progress = steps.length === 0 ? context.progress : newProgress();
        const call = callOf(name, args, options, { ...context, ...voiceOf(name, options, context), stopped, progress }, entries);
        const one = { call, gone, inCount: 0, step: notYet };
        steps.unshift(one);
        one.step = (await command.step?.(call)) ?? notYet;
      }
    } catch (error) {
      for (const { call } of steps) await call.rejects.close();
      throw error;
    }
    return new Pipeline(steps);
  }

  /** The first step's call: it says how the input of the whole is to be read. */
  get first(): Call {
    return (this.#steps[0] as OpenStep).call;
  }

  /** What comes out behind the last step. When all have ended, throws what made the last of the failed ones fail; the others' reasons are said. */
  async *pass(input: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    yield* this.#steps.reduce((before, one, i) => joined(before, one, i === 0), input);
    const failed = this.#steps.filter(({ failure }) => failure !== undefined);
    const last = failed.pop();
    for (const { call, failure } of failed) {
      call.context.say(explain(failure));
      if (failure instanceof Failure && failure.remedy !== undefined) call.context.say(failure.remedy);
    }
    if (last === undefined) return;
    const { call, failure } = last;
    const remedy = failure instanceof Failure ? failure.remedy : undefined;
    throw new Failure(exitOf(failure), `${call.name}: ${explain(failure)}`, remedy, failure);
  }

  /** What every step has counted so far. */
  counts(): StepCounts[] {
    return this.#steps.map(({ call: { name, rejects, context }, inCount }) => {
      const { records, epochs } = context.progress;
      return { name, inCount, outCount: records, deadCount: rejects.count, epochs };
    });
  }

  /** Closes what every step rejected; throws what the first of them throws. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#steps.map(({ call }) => call.rejects.close()));
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }
}

const notYet: Step = () => {
  throw new Error('a step was run that is none');
};

function voiceOf(name: string, options: Record<string, unknown>, context: Context): Pick<Context, 'say' | 'detail'> {
  const say = (message: string) => context.say(`${name}: ${message}`);
  return { say, detail: options.verbose === true ? say : (message) => context.detail(`${name}: ${message}`) };
}

/** One more step behind the others. Its failure is its own: the next step sees an end, as in a shell's pipe. */
function joined(before: AsyncIterable<Batch>, one: OpenStep, isFirst: boolean): AsyncIterable<Batch> {
  const { maxLine: maxLineBytes = defaultMaxLineBytes } = one.call.options as { maxLine?: number };
  async function* counted() {
    let nextLine = 1;
    for await (const batch of before) {
      one.inCount += batch.count + batch.rejected;
      // In a shell's pipe it would count what it reads, marks as well. What the first step reads has been counted.
      if (!isFirst) batch.numberFrom(nextLine);
      nextLine += batch.count + (batch.control === undefined ? 0 : 1);
      if (isFirst || batch.count === 0 || maxLineBytes >= defaultMaxLineBytes) yield batch;
      else yield* cutAgain(batch, { maxLineBytes, reject: (rejected) => one.call.rejects.raw(rejected) });
    }
  }
  async function* contained() {
    try {
      yield* guarded(one.call, one.step, (error) => {
        one.failure = error;
      })(counted());
    } catch (error) {
      one.failure = error;
      // A step that reads ahead may have asked for more, and a source may wait long for that.
      one.gone.abort();
    }
  }
  const output = contained();
  // A reader that goes away may find the step waiting for something; a source is told to stop waiting.
  const leave = () => {
    one.gone.abort();
    return output.return(undefined);
  };
  return { [Symbol.asyncIterator]: () => ({ next: () => output.next(), return: leave }) };
}
