import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../command.ts';
import { type Batch, type Rejected, readBatches } from '../lines.ts';
import type { Mark } from '../marks.ts';
import { Child, type Fault, type Program } from './child.ts';
import { Spool } from './spool.ts';

/** What is held of each side of a child before it goes to a temporary file: three of these are held at once, and the process stays under 150 MB. */
const heldBytes = 4 * 1024 ** 2;
/** A signal to the whole group may reach a child a little before it is noticed here. */
const noticeMs = 50;

/** The records of one epoch, and what a child makes of them. Both are held: nothing has left until the child has ended well. */
export class Epoch {
  readonly #call: Call;
  readonly #program: Program;
  readonly #input = new Spool(heldBytes);
  #output = new Spool(heldBytes);
  #child: Child | undefined;
  /** Where the lines of the input stood: the first line's number, and how many. */
  readonly #places: { number: number; count: number }[] = [];
  mark: Mark | undefined;
  fault: Fault;
  inCount = 0;
  deadCount = 0;

  constructor(call: Call, program: Program) {
    this.#call = call;
    this.#program = program;
  }

  async take(batch: Batch): Promise<void> {
    this.inCount += batch.count + batch.rejected;
    this.deadCount += batch.rejected;
    if (batch.count === 0) return;
    if (this.#call.rejects.keeps) this.#places.push({ number: batch.firstLine, count: batch.count });
    await this.#input.add(batch.bytes);
  }

  /** Runs the program on the records; where there are none, there is nothing to run. */
  async run(mark: Mark): Promise<this> {
    this.mark = mark;
    if (this.#input.bytes === 0) return this;
    // A signal to the whole group is a child's as well: it may have failed by it, or cut its output short and called that success.
    if (await this.#runChild()) await this.#runChild();
    return this;
  }

  /** True where the child may have been told to stop while it ran. */
  async #runChild(): Promise<boolean> {
    const { stopped } = this.#call.context;
    const wasStopped = stopped.aborted;
    await this.#output.close();
    const output = new Spool(heldBytes);
    const child = new Child(this.#call, this.#program);
    this.#output = output;
    this.#child = child;
    const hold = async () => {
      for await (const chunk of child.output) await output.add(chunk);
    };
    const work = Promise.all([child.feed(this.#input.read()), hold()]);
    work.catch(() => {});
    this.fault = await child.ended;
    if (!child.isOverdue) await work;
    if (this.fault !== undefined && !wasStopped) await sleep(noticeMs);
    return !wasStopped && stopped.aborted;
  }

  /** The lines that the child wrote. What is no record is rejected, and what looks like a mark is none. */
  async *lines(): AsyncGenerator<Batch> {
    const how = foreignLines(this.#call, this.#program);
    const reject = (rejected: Rejected) => {
      how.reject(rejected);
      // Counted one by one: of the next epoch, which is read meanwhile, lines are rejected too.
      this.deadCount++;
    };
    yield* readBatches(this.#output.read(), { ...how, reject });
  }

  /** Rejects every record of the input. */
  async reject(reason: string): Promise<void> {
    const { rejects } = this.#call;
    const batches = readBatches(this.#input.read(), { maxLineBytes: Number.POSITIVE_INFINITY, reject: () => {} });
    const numbers = numbersOf(this.#places);
    for await (const { lines } of batches) {
      for (const line of lines) rejects.line(line, reason, numbers.next().value ?? 0);
      this.deadCount += lines.length;
      await rejects.read(0);
    }
  }

  async close(): Promise<void> {
    this.#child?.kill();
    await this.#input.close();
    await this.#output.close();
  }
}

function* numbersOf(places: readonly { number: number; count: number }[]): Generator<number, undefined> {
  for (const { number, count } of places) for (let i = 0; i < count; i++) yield number + i;
}

/** How the output of a foreign program is read. */
export function foreignLines({ options, rejects }: Call, { words: [program] }: Program) {
  return {
    maxLineBytes: options.maxLine as number,
    isForeign: true,
    reject: (rejected: Rejected) => rejects.raw({ ...rejected, reason: `written by ${program}: ${rejected.reason}` }),
  };
}
