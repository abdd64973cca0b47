import type { Call } from '../../command.ts';
import { Failure } from '../../errors.ts';
import { Batch } from '../../lines.ts';
import type { Piece, Source } from '../../sources.ts';
import { type Cuts, cellMs } from '../epochs.ts';
import type { Plan } from '../plan.ts';
import { existingStream, type StreamFolder } from './folder.ts';
import { formatSequence, parseSequence, shardId } from './sequence.ts';
import { type Piece as ShardPiece, ShardReader } from './shard-reader.ts';
import { Watch } from './watch.ts';

/** A net under the watching of files, and how often cells of time are looked at. */
const pollMs = 250;
/** While others have records, the epoch of a shard that is at its tip is kept open no longer than this. */
const patienceMs = 1_000;

/** A shard that is being read. */
interface Active {
  reader: ShardReader;
  shard: number;
  /** Records that begin here or behind are left. */
  end: number;
}

/** The epoch under way: records of it have left, its mark has not. */
interface Epoch {
  active: Active;
  cell: number;
  records: number;
  bytes: number;
  to: number;
  openedMs: number;
}

/**
 * Reads all shards of a stream of the local log, an epoch of one shard at a time, in turn. A position is the sequence number at which the
 * next record begins.
 */
export class LocalSource implements Source {
  readonly name: string;
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #stream: StreamFolder;
  readonly #watch = new Watch();
  #left: number;
  #active: Active[] = [];

  /** Throws a Failure (78) where there is no such stream. */
  constructor(call: Call, name: string, plan: Plan) {
    this.name = `local:${name}`;
    this.#call = call;
    this.#plan = plan;
    this.#stream = existingStream(call.context, name);
    this.#left = plan.count ?? Number.POSITIVE_INFINITY;
  }

  async *read(from: Readonly<Record<string, string>>): AsyncGenerator<Piece> {
    const { shards } = this.#stream.settings;
    this.#active = Array.from({ length: shards }, (_, shard) => {
      const reader = new ShardReader(this.#stream, shard, this.#call.context.say);
      return { reader, shard, end: Number.POSITIVE_INFINITY };
    });
    for (const active of this.#active) this.#place(active.reader, active.shard, from);
    this.#bound();
    if (this.#plan.cuts === undefined) yield* this.#readPlain();
    else yield* this.#readEpochs(from, this.#plan.cuts);
  }

  async close(): Promise<void> {
    this.#watch.close();
    for (const { reader } of this.#active) reader.close();
  }

  /** Without an app: whatever there is, from each shard in turn. */
  async *#readPlain(): AsyncGenerator<Piece> {
    const { stopped } = this.#call.context;
    while (this.#left > 0 && !stopped.aborted) {
      let isIdle = true;
      for (const { reader, shard, end } of [...this.#active]) {
        const piece = reader.take({ maxRecords: this.#left, maxBytes: Number.POSITIVE_INFINITY, beforeMs: this.#untilMs, end });
        if (piece === undefined) continue;
        isIdle = false;
        this.#count(piece);
        yield { batch: Batch.ofBytes(piece.bytes, piece.count), to: formatSequence(shard, piece.to) };
        if (this.#left === 0 || stopped.aborted) return;
      }
      if (!isIdle) continue;
      this.#dropFinished();
      if (this.#active.length === 0) return;
      await this.#wait();
    }
  }

  async *#readEpochs(from: Readonly<Record<string, string>>, cuts: Cuts): AsyncGenerator<Piece> {
    const { stopped } = this.#call.context;
    // A beginning that is a moment, or the end, is committed before anything is read: a restart must not choose another.
    for (const { reader, shard } of this.#active) {
      if (from[this.#markName(shard) ?? ''] === undefined && this.#plan.position.kind !== 'beginning')
        yield this.#closing(shard, reader.position);
    }
    let epoch: Epoch | undefined;
    while (this.#left > 0 && !stopped.aborted) {
      epoch ??= this.#begin();
      if (epoch === undefined) {
        this.#dropFinished();
        if (this.#active.length === 0) return;
        await this.#wait();
        continue;
      }
      const { active } = epoch;
      const piece = active.reader.take({
        maxRecords: Math.min(cuts.maxRecords - epoch.records, this.#left),
        maxBytes: cuts.maxBytes - epoch.bytes,
        beforeMs: Math.min(this.#untilMs, (epoch.cell + 1) * cellMs),
        end: active.end,
      });
      if (piece !== undefined) {
        this.#count(piece);
        epoch.records += piece.count;
        epoch.bytes += piece.bytes.length;
        epoch.to = piece.to;
        const isFull = epoch.records >= cuts.maxRecords || epoch.bytes >= cuts.maxBytes;
        const closing = isFull ? this.#closing(active.shard, epoch.to) : {};
        yield { ...closing, batch: Batch.ofBytes(piece.bytes, piece.count) };
        if (isFull) epoch = undefined;
      } else if (this.#isOver(epoch)) {
        yield this.#closing(active.shard, epoch.to);
        epoch = undefined;
      } else {
        await this.#wait();
      }
    }
    if (epoch !== undefined && epoch.records > 0) yield this.#closing(epoch.active.shard, epoch.to);
  }

  #count({ count, atMs }: ShardPiece): void {
    this.#left -= count;
    this.#call.context.progress.lagMs = Math.max(0, Date.now() - atMs);
  }

  /** The next epoch: of the first shard that has records, which goes to the back. */
  #begin(): Epoch | undefined {
    for (const active of this.#active) {
      const atMs = this.#nextMs(active);
      if (atMs === undefined) continue;
      this.#active = [...this.#active.filter((other) => other !== active), active];
      const cell = Math.floor(atMs / cellMs);
      return { active, cell, records: 0, bytes: 0, to: active.reader.position, openedMs: Date.now() };
    }
    return undefined;
  }

  /** Whether an epoch whose shard gives no more within its bounds is over: by the data, by the clock, or because others wait. */
  #isOver({ active, cell, openedMs }: Epoch): boolean {
    const nowMs = Date.now();
    if (active.reader.nextAtMs() !== undefined || this.#isFinished(active) || nowMs >= (cell + 1) * cellMs) return true;
    return nowMs - openedMs >= patienceMs && this.#active.some((other) => other !== active && this.#nextMs(other) !== undefined);
  }

  /** When the shard's next record arrived, if it is wanted. */
  #nextMs({ reader, end }: Active): number | undefined {
    const atMs = reader.nextAtMs();
    return atMs !== undefined && atMs < this.#untilMs && reader.position < end ? atMs : undefined;
  }

  #dropFinished(): void {
    this.#active = this.#active.filter((active) => {
      if (!this.#isFinished(active)) return true;
      active.reader.close();
      return false;
    });
  }

  /** Whether nothing that is wanted can come any more. */
  #isFinished({ reader, end }: Active): boolean {
    const nextMs = reader.nextAtMs();
    if (reader.position >= end) return true;
    return nextMs === undefined ? Date.now() >= this.#untilMs : nextMs >= this.#untilMs;
  }

  async #wait(): Promise<void> {
    const { stopped, progress } = this.#call.context;
    progress.lagMs = 0;
    for (const { reader } of this.#active) reader.checkIsThere();
    this.#watch.follow(this.#active.map(({ reader }) => reader.watched));
    await this.#watch.wait(pollMs, stopped);
  }

  #place(reader: ShardReader, shard: number, from: Readonly<Record<string, string>>): void {
    const checkpoint = from[this.#markName(shard) ?? ''];
    if (checkpoint !== undefined) return this.#resume(reader, shard, checkpoint);
    // One that a running app does not know yet is read from its beginning.
    const { position } = this.#plan;
    if (Object.keys(from).length > 0) return;
    if (position.kind === 'end') reader.seekEnd();
    else if (position.kind === 'time') reader.seekTime(position.atMs);
    else if (position.kind === 'sequence') {
      const landmark = this.#landmark('--position', position.sequenceNumber);
      if (landmark.shard === shard) reader.seek(landmark.position);
      else reader.seekTime(this.#momentOf(landmark));
    }
  }

  #resume(reader: ShardReader, shard: number, checkpoint: string): void {
    if (checkpoint === 'beginning' || checkpoint === 'TRIM_HORIZON') return;
    const found = parseSequence(checkpoint);
    const atMs = found === undefined ? Date.parse(checkpoint) : Number.NaN;
    if (found !== undefined && found.shard === shard) reader.seek(found.position);
    else if (!Number.isNaN(atMs)) reader.seekTime(atMs);
    else
      throw new Failure(
        'badData',
        `the checkpoint of ${shardId(shard)} of ${this.name} is no position of it: ${checkpoint}`,
        'put it right: buda state set',
      );
  }

  /** Up to where each shard is read. */
  #bound(): void {
    const { until, exitAtEnd } = this.#plan;
    for (const active of this.#active) if (exitAtEnd) active.end = active.reader.end();
    if (until?.kind !== 'sequence') return;
    const landmark = this.#landmark('--until', until.sequenceNumber);
    const atMs = this.#momentOf(landmark);
    for (const active of this.#active) {
      const end = active.shard === landmark.shard ? landmark.position + 1 : this.#endAfter(active, atMs);
      active.end = Math.min(active.end, end);
    }
  }

  /** A sequence number, which must be one of a shard of this stream. */
  #landmark(flag: string, sequenceNumber: string): { shard: number; position: number } {
    const found = parseSequence(sequenceNumber);
    if (found !== undefined && found.shard < this.#stream.settings.shards) return found;
    throw new Failure('usage', `${flag} ${sequenceNumber} is no sequence number of ${this.name}`, 'see: buda stream describe');
  }

  /** When a record arrived; it must be there. */
  #momentOf({ shard, position }: { shard: number; position: number }): number {
    const reader = new ShardReader(this.#stream, shard, () => {});
    try {
      reader.seek(position);
      const atMs = reader.nextAtMs();
      if (atMs !== undefined) return atMs;
    } finally {
      reader.close();
    }
    throw new Failure('badData', `${this.name} holds no record with the sequence number ${formatSequence(shard, position)}`);
  }

  /** The position behind the records that had arrived by then. */
  #endAfter({ shard }: Active, atMs: number): number {
    const reader = new ShardReader(this.#stream, shard, () => {});
    try {
      reader.seekTime(atMs + 1);
      return reader.position;
    } finally {
      reader.close();
    }
  }

  get #untilMs(): number {
    const { until } = this.#plan;
    return until?.kind === 'time' ? until.atMs : Number.POSITIVE_INFINITY;
  }

  #closing(shard: number, position: number, batch = Batch.ofLines([])): Piece {
    const to = formatSequence(shard, position);
    const name = this.#markName(shard);
    return { batch, to, ...(name !== undefined && { shard: name }) };
  }

  /** A stream with one shard is not spoken of as having any. */
  #markName(shard: number): string | undefined {
    return this.#stream.settings.shards === 1 ? undefined : shardId(shard);
  }
}
