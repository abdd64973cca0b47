import { AwsError, judgeAws } from '../../aws/errors.ts';
import type { IteratorStart, Kinesis, KinesisRecord, KinesisShard, Reading } from '../../aws/kinesis.ts';
import { retryAws } from '../../aws/pace.ts';
import { Failure } from '../../errors.ts';
import { isPastRetention, trimmed } from './retention.ts';
import type { Tuning } from './tuning.ts';

/**
 * Where a reader of a shard begins. At a checkpoint it reads that record once more, to see that nothing behind it is lost: where the record is gone, the
 * shard has to have been read up to a time within retention.
 */
export type ShardStart =
  | Exclude<IteratorStart, { type: 'AFTER_SEQUENCE_NUMBER' }>
  | { type: 'CHECKPOINT'; sequenceNumber: string; readToMs: number | undefined };

/** One answer of GetRecords. */
export interface Chunk {
  records: KinesisRecord[];
  /** How far behind the tip the reader is, by the service's clock. */
  lagMs: number;
  /** When it was asked for, by the clock that only goes on: all that arrived `lagMs` before that has been read. */
  askedMs: number;
  /** As many records as were asked for: there may be more, whatever the lag says. */
  isFull: boolean;
  /** The shard is closed and this was its last. */
  isEnd: boolean;
  /** When the record at the checkpoint arrived, in the answer that held it. */
  checkpointAtMs: number | undefined;
}

/** What the readers of all shards of one stream share. */
export interface ReaderWorld {
  kinesis: Kinesis;
  stream: string;
  tuning: Tuning;
  signal: AbortSignal;
  /** The name of the app, for what is said to its owner. */
  app: string;
  /** The time of day by the service's clock, or up to a second less. */
  now: () => number;
  note: (note: string | undefined) => void;
}

/** GetRecords gives 10,000 records or 10 MiB at most. Source: the API reference of Kinesis. */
const readLimit = 10_000;

/** Reads one shard. Iterators are made anew from the last sequence number whenever they expire. */
export class ShardReader {
  readonly shard: KinesisShard;
  readonly #world: ReaderWorld;
  readonly #start: ShardStart;
  /** The record behind which to go on, which has not been seen again yet. */
  #unseen: string | undefined;
  /** Up to when the shard has been read for certain. */
  #readToMs: number | undefined;
  #last: string | undefined;
  #iterator: string | undefined;
  #next: Promise<Chunk> | undefined;
  #notBeforeMs = 0;
  readonly #startedAtMs: number;
  #hasAsked = false;

  constructor(shard: KinesisShard, start: ShardStart, world: ReaderWorld) {
    this.shard = shard;
    this.#start = start;
    this.#world = world;
    this.#startedAtMs = world.tuning.now();
    if (start.type !== 'CHECKPOINT') return;
    this.#unseen = start.sequenceNumber;
    this.#readToMs = start.readToMs;
  }

  /** The next answer; the same one until it is taken. */
  peek(): Promise<Chunk> {
    if (this.#next === undefined) {
      this.#next = this.#fetch();
      // Whoever waits hears of it; a reader that nobody waits for any more may fail unheard.
      this.#next.catch(() => {});
    }
    return this.#next;
  }

  /** The answer has been dealt with: the next peek asks again. */
  take(): void {
    this.#next = undefined;
  }

  async #fetch(): Promise<Chunk> {
    const { tuning, signal } = this.#world;
    const restMs = this.#notBeforeMs - tuning.elapsed();
    if (restMs > 0) await tuning.sleep(restMs, signal);
    let askedMs = 0;
    const reading = await retryAws(
      this.#world,
      () => {
        askedMs = tuning.elapsed();
        return this.#ask();
      },
      (error) => {
        if (!(error instanceof AwsError) || error.kind !== 'iterator') return judgeAws(error);
        this.#iterator = undefined;
        return { again: true };
      },
    );
    const chunk = this.#chunk(reading, askedMs);
    if (this.#unseen !== undefined && (chunk.records.length > 0 || chunk.lagMs === 0 || chunk.isEnd)) {
      await this.#checkGap(this.#unseen);
      this.#unseen = undefined;
    }
    if (!chunk.isFull && chunk.lagMs === 0) this.#readToMs = this.#world.now() - (tuning.elapsed() - askedMs);
    else this.#readToMs = chunk.records.at(-1)?.arrivedAtMs ?? this.#readToMs;
    return chunk;
  }

  /** The record behind which to go on is gone: throws where there may have been others that are gone too. */
  async #checkGap(checkpoint: string): Promise<void> {
    if (this.#readToMs !== undefined && !(await isPastRetention(this.#readToMs, this.#world))) return;
    throw trimmed(this.#world, [{ shard: this.shard.id, checkpoint, goOn: 'beginning' }]);
  }

  async #ask(): Promise<Reading> {
    const { kinesis, stream, signal } = this.#world;
    this.#iterator ??= await this.#place();
    return kinesis.read(stream, this.shard.id, this.#iterator, readLimit, signal);
  }

  async #place(): Promise<string> {
    const { kinesis, stream, signal } = this.#world;
    const { id } = this.shard;
    // An iterator that expired: what was read last is looked for again, as at a checkpoint.
    if (this.#last !== undefined) this.#unseen = this.#last;
    else if (this.#hasAsked && this.#unseen === undefined && this.#readToMs !== undefined) await this.#checkGap(this.#start.type);
    const start = this.#iteratorStart();
    try {
      return await kinesis.iterator(stream, id, start, signal);
    } catch (error) {
      if (!(error instanceof AwsError) || error.kind !== 'argument') throw error;
      const place =
        'sequenceNumber' in start ? start.sequenceNumber : 'atMs' in start ? new Date(start.atMs).toISOString() : start.type;
      throw new Failure(
        'badData',
        `${place} is no position in ${id} of kinesis:${stream} (${error.code})`,
        'the stream may have been deleted and made again: put the checkpoint right, or begin a new app with --position',
        error,
      );
    }
  }

  #iteratorStart(): IteratorStart {
    if (this.#unseen !== undefined) return { type: 'AT_SEQUENCE_NUMBER', sequenceNumber: this.#unseen };
    if (this.#start.type === 'CHECKPOINT') return { type: 'AT_SEQUENCE_NUMBER', sequenceNumber: this.#start.sequenceNumber };
    // An iterator at the tip that expired before anything came: the tip has moved, the time when reading began has not.
    if (this.#start.type === 'LATEST' && this.#hasAsked) return { type: 'AT_TIMESTAMP', atMs: this.#startedAtMs };
    return this.#start;
  }

  #chunk({ records: read, next, lagMs }: Reading, askedMs: number): Chunk {
    const { tuning } = this.#world;
    this.#hasAsked = true;
    this.#iterator = next;
    const isFull = read.length >= readLimit;
    const isAtTip = !isFull && lagMs === 0;
    const checkpointAtMs = this.#seeCheckpoint(read);
    const records = checkpointAtMs === undefined ? read : read.slice(1);
    const isEnd = next === undefined;
    this.#last = records.at(-1)?.sequenceNumber ?? this.#last;
    this.#notBeforeMs = askedMs + (isAtTip ? tuning.pollMs : tuning.spacingMs);
    return { records, lagMs, askedMs, isFull, isEnd, checkpointAtMs };
  }

  /** When the record at the checkpoint arrived, where it is the first of these: it has been read before. */
  #seeCheckpoint([first]: readonly KinesisRecord[]): number | undefined {
    if (first === undefined || first.sequenceNumber !== this.#unseen) return undefined;
    this.#last = this.#unseen;
    this.#unseen = undefined;
    return first.arrivedAtMs;
  }
}
