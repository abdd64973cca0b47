import { Batch } from '../../lines.ts';
import type { Piece } from '../../sources.ts';
import { type Cuts, cellMs } from '../epochs.ts';
import { type Checkpoint, formatCheckpoint } from './checkpoint.ts';

/** Arrival times are the service's and approximate: a cell is over a little later than the clock says. */
const settleMs = 1_000;
/** A shard that has been quiet for so long is marked anew, with the time up to which it has been read. */
const quietMs = 3_600_000;
const newline = Buffer.from('\n');

/**
 * One shard's records up to a cut. They are held until the epoch is whole: an epoch never mixes shards, and while one shard's cell is still
 * open the others must go on. It is bounded by the cuts: by default 10,000 records or 8 MiB, and one record of the stream.
 */
export class EpochBuffer {
  readonly #shard: string;
  readonly #cuts: Cuts;
  #pieces: Buffer[] = [];
  #count = 0;
  #bytes = 0;
  #rejected = 0;
  #cell = Number.NEGATIVE_INFINITY;
  #to: string | undefined;
  /** The last record's number and arrival, or what the last mark said; a time that is not known is undefined. */
  #checkpoint: Checkpoint;

  /** `checkpoint` is where the shard is read from; one whose time is not known is marked as soon as the shard is known to be quiet. */
  constructor(shard: string, cuts: Cuts, checkpoint: Checkpoint) {
    this.#shard = shard;
    this.#cuts = cuts;
    this.#checkpoint = checkpoint;
  }

  /** The record at the checkpoint has been seen again; it arrived at this time. */
  standAt(arrivedAtMs: number): void {
    this.#checkpoint = { ...this.#checkpoint, readToMs: Math.max(arrivedAtMs, this.#checkpoint.readToMs ?? 0) };
  }

  /** Takes the lines of one record of the stream; gives the epochs that are whole by it. */
  *add(lines: readonly Buffer[], rejected: number, sequenceNumber: string, arrivedAtMs: number): Generator<Piece> {
    const cell = Math.floor(arrivedAtMs / cellMs);
    if (this.#to !== undefined && cell > this.#cell) yield* this.flush();
    this.#cell = Math.max(this.#cell, cell);
    for (const line of lines) {
      this.#pieces.push(line, newline);
      this.#bytes += line.length + 1;
    }
    this.#count += lines.length;
    this.#rejected += rejected;
    this.#to = sequenceNumber;
    this.#checkpoint = { position: sequenceNumber, readToMs: arrivedAtMs };
    if (this.#count >= this.#cuts.maxRecords || this.#bytes >= this.#cuts.maxBytes) yield* this.flush();
  }

  /** The epoch whose cell is over, when the shard has been read to its tip, which was at this time; or the mark of a shard that is quiet. */
  *readUpTo(nowMs: number): Generator<Piece> {
    if (this.#to !== undefined) {
      if (nowMs >= (this.#cell + 1) * cellMs + settleMs) yield* this.flush();
      return;
    }
    const readToMs = Math.floor(nowMs) - settleMs;
    if (readToMs - (this.#checkpoint.readToMs ?? 0) < quietMs) return;
    this.#checkpoint = { ...this.#checkpoint, readToMs };
    yield* this.flush(formatCheckpoint(this.#checkpoint));
  }

  /** What is held; `to` where the position is not that of the last record. */
  *flush(to = this.#to): Generator<Piece> {
    if (to === undefined) return;
    const batch = Batch.ofBytes(Buffer.concat(this.#pieces), this.#count, undefined, this.#rejected);
    this.#pieces = [];
    this.#count = 0;
    this.#bytes = 0;
    this.#rejected = 0;
    this.#to = undefined;
    yield { batch, shard: this.#shard, to };
  }
}
