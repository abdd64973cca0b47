import { AwsError, awsErrorOf } from '../../aws/errors.ts';
import { type Pace, waitNote } from '../../aws/pace.ts';
import type { PutOutcome } from '../../aws/put-answer.ts';
import type { PutRecords } from '../../aws/put-records.ts';
import { Failure } from '../../errors.ts';
import { backOffMs } from '../../retry.ts';
import { type Limits, type Put, requestRecords } from './put.ts';
import { Tails } from './tails.ts';

/** What may wait for its acknowledgement: the bound of the sink's memory, and the room in which it looks for records of other keys. */
const window = { records: 10_000, bytes: 16 * 1024 ** 2 };
const maxInFlight = 4;
/** Records that may leave now beyond which no more are taken in: as many as all requests hold. What waits for long costs the collector. */
const enough = maxInFlight * requestRecords;

/** Where a queue leads, and who is told of what. */
interface Destination {
  limits: Limits;
  /** Makes what sends a request; the signal gives it up. */
  open: (signal: AbortSignal) => PutRecords;
  /** What a request does: `putting records into kinesis:mrr_movements`. */
  doing: string;
  tuning: Pace;
  /** Takes a record that is refused for good. */
  refuse: (put: Put, reason: string) => void;
  note: (note: string | undefined) => void;
}

/** What one request came to: how many records are done with, and why others have to be tried again. */
interface Answer {
  taken: number;
  trouble: AwsError | undefined;
}

/**
 * Records on their way into a stream of Kinesis, or of Firehose. PutRecords takes each record of a request for itself and promises no order among them, so no two
 * records of one key travel at the same time: the next one leaves when the one before is acknowledged, however often that had to be
 * tried. Records of different keys fill the requests; up to four are under way.
 */
export class PutQueue {
  /** Requests that were sent, and records that had to be sent again. */
  readonly counts = { requests: 0, again: 0 };
  readonly #put: PutRecords;
  readonly #limits: Limits;
  readonly #doing: string;
  readonly #tuning: Pace;
  readonly #refuse: (put: Put, reason: string) => void;
  readonly #note: (note: string | undefined) => void;
  readonly #stop = new AbortController();
  /** Records that may leave now. */
  #ready: Put[] = [];
  /** The last unacknowledged one of each order. */
  readonly #tails = new Tails();
  #pending = 0;
  #pendingBytes = 0;
  #inFlight = 0;
  #isFlushing = false;
  #isWaiting = false;
  /** Answers in a row that took nothing. */
  #vain = 0;
  #failure: unknown;
  #wakers: (() => void)[] = [];

  constructor({ limits, open, doing, tuning, refuse, note }: Destination) {
    this.#put = open(this.#stop.signal);
    this.#limits = limits;
    this.#doing = doing;
    this.#tuning = tuning;
    this.#refuse = refuse;
    this.#note = note;
  }

  /** Aborted once nothing more is to be sent. */
  get closed(): AbortSignal {
    return this.#stop.signal;
  }

  /** Whether another record of so many bytes has to wait: see `room`. */
  isFull(bytes: number): boolean {
    if (this.#failure !== undefined) return true;
    if (this.#ready.length >= enough || this.#pending >= window.records) return true;
    return this.#pending > 0 && this.#pendingBytes + bytes > window.bytes;
  }

  /** Resolves once so many bytes more may be added. Throws what stopped the queue for good. */
  async room(bytes: number): Promise<void> {
    while (this.isFull(bytes)) {
      this.#pump(true);
      if (this.isFull(bytes)) await this.#change();
    }
  }

  /** Takes a record. A queue that was stopped sends no more: `room` and `flush` say so. */
  add(put: Put): void {
    this.#pending++;
    this.#pendingBytes += put.bytes;
    const tail = put.order === undefined ? undefined : this.#tails.append(put, put.order);
    if (tail === undefined) this.#ready.push(put);
    else tail.next = put;
    if (this.#ready.length >= requestRecords || this.#pendingBytes >= this.#limits.requestBytes) this.#pump();
  }

  /** Sends what was added so far, as soon as that makes sense. */
  offer(): void {
    this.#pump();
  }

  /** Resolves once every record that was added is acknowledged or refused. */
  async flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      this.#throwFailure();
      while (this.#pending > 0) {
        this.#pump();
        await this.#change();
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Gives up what is still under way. */
  close(): void {
    this.#failure ??= new Failure('incomplete', 'the sink was closed');
    this.#stop.abort();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #change(): Promise<void> {
    this.#throwFailure();
    await new Promise<void>((resolve) => this.#wakers.push(resolve));
    this.#throwFailure();
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** Sends what may leave. A request that is not full leaves only if none is under way, so that a trickle goes at once and a flood in full ones. */
  #pump(eager = this.#isFlushing): void {
    while (this.#failure === undefined && !this.#isWaiting && this.#inFlight < maxInFlight && this.#ready.length > 0) {
      const mayWait = this.#inFlight > 0 && !eager;
      if (mayWait && this.#ready.length < requestRecords && this.#pendingBytes < this.#limits.requestBytes) return;
      const count = this.#fit();
      if (mayWait && count === this.#ready.length && count < requestRecords) return;
      void this.#run(this.#ready.splice(0, count));
    }
  }

  /** How many of the ready records fit into one request. */
  #fit(): number {
    const { requestBytes } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const put of this.#ready) {
      bytes += put.bytes;
      if (count === requestRecords || (count > 0 && bytes > requestBytes)) break;
      count++;
    }
    return count;
  }

  async #run(puts: Put[]): Promise<void> {
    this.#inFlight++;
    try {
      const { taken, trouble } = await this.#send(puts);
      if (taken > 0) this.#vain = 0;
      if (trouble !== undefined) await this.#wait(trouble, taken > 0);
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#inFlight--;
      this.#pump();
      this.#wake();
    }
  }

  /** One request and its answer; what was not taken is ready again. Throws what no retry mends. */
  async #send(puts: Put[]): Promise<Answer> {
    let outcomes: readonly (PutOutcome | undefined)[];
    this.counts.requests++;
    try {
      outcomes = await this.#put(puts);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (error.kind === 'argument') return this.#sendSmaller(puts, error);
      if (error.kind !== 'again') throw error;
      this.#putBack(puts);
      return { taken: 0, trouble: error };
    }
    let taken = 0;
    let trouble: AwsError | undefined;
    const again: Put[] = [];
    for (let i = 0; i < puts.length; i++) {
      const put = puts[i] as Put;
      const outcome = outcomes[i];
      if (outcome !== undefined && outcome.error === undefined) {
        taken++;
        const isDone = put.isDone(outcome.shard);
        if (isDone === true || (await isDone)) this.#settle(put);
        else again.push(put);
        continue;
      }
      const error = awsErrorOf(outcome?.error ?? 'the answer does not speak of every record', this.#doing);
      if (error.kind === 'argument') {
        taken++;
        this.#refuseOne(put, error);
      } else if (error.kind === 'again') {
        again.push(put);
        trouble = error;
      } else {
        throw error;
      }
    }
    this.#putBack(again);
    return { taken, trouble };
  }

  /** To the front, so that the oldest records are tried first; among ready records no two are of one key. */
  #putBack(puts: Put[]): void {
    this.#ready.unshift(...puts);
    for (const { count } of puts) this.counts.again += count;
  }

  /** A refused request may be one byte too large, or hold one record that is wrong: halves find out which. */
  async #sendSmaller(puts: Put[], error: AwsError): Promise<Answer> {
    const [first] = puts;
    if (puts.length === 1 && first !== undefined) {
      this.#refuseOne(first, error);
      return { taken: 1, trouble: undefined };
    }
    const middle = Math.ceil(puts.length / 2);
    const left = await this.#send(puts.slice(0, middle));
    const right = await this.#send(puts.slice(middle));
    return { taken: left.taken + right.taken, trouble: left.trouble ?? right.trouble };
  }

  #refuseOne(put: Put, error: AwsError): void {
    this.#refuse(put, `refused: ${error.message}`);
    this.#settle(put);
  }

  /** The record is done with; the next one of its key may leave. */
  #settle(put: Put): void {
    this.#pending--;
    this.#pendingBytes -= put.bytes;
    const { order, next } = put;
    // One that is done with, and old, would keep the next for the collector.
    put.next = undefined;
    if (next !== undefined) this.#ready.push(next);
    else if (order !== undefined) this.#tails.remove(order);
  }

  /** Lets nothing more leave for a while; throws when too many answers in a row took nothing. */
  async #wait(trouble: AwsError, hasProgress: boolean): Promise<void> {
    // Of several requests that failed together one waits for all.
    if (this.#isWaiting) return;
    if (!hasProgress) this.#vain++;
    if (this.#vain >= this.#tuning.tries) throw trouble;
    const delayMs = backOffMs(this.#tuning, Math.max(1, this.#vain));
    this.#isWaiting = true;
    this.#note(waitNote(delayMs, trouble));
    try {
      await this.#tuning.sleep(delayMs, this.#stop.signal);
    } finally {
      this.#isWaiting = false;
      this.#note(undefined);
    }
  }
}
