import { Batch } from '../../lines.ts';
import type { Piece } from '../../sources.ts';
import { type Cuts, cellMs } from '../epochs.ts';

/** Arrival times are the service's and approximate: a cell is over a little later than the clock says. */
const settleMs = 1_000;
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

  constructor(shard: string, cuts: Cuts) {
    this.#shard = shard;
    this.#cuts = cuts;
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
    if (this.#count >= this.#cuts.maxRecords || this.#bytes >= this.#cuts.maxBytes) yield* this.flush();
  }

  /** The epoch whose cell is over, when the shard has been read up to this time. */
  *readUpTo(nowMs: number): Generator<Piece> {
    if (this.#to !== undefined && nowMs >= (this.#cell + 1) * cellMs + settleMs) yield* this.flush();
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
