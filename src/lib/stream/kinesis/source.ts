import type { Kinesis, KinesisShard } from '../../aws/kinesis.ts';
import { retryAws } from '../../aws/pace.ts';
import type { Call } from '../../command.ts';
import { Batch } from '../../lines.ts';
import type { Piece, Source } from '../../sources.ts';
import type { Cuts } from '../epochs.ts';
import type { Plan } from '../plan.ts';
import { formatCheckpoint, parseCheckpoint, shardEnd, trimHorizon } from './checkpoint.ts';
import { EpochBuffer } from './epoch-buffer.ts';
import { Lineage } from './lineage.ts';
import { findLandmark, isPast, type Landmark, placeShards } from './places.ts';
import { checkRetention } from './retention.ts';
import { type Chunk, type ReaderWorld, ShardReader } from './shard-reader.ts';
import { defaultTuning, type Tuning } from './tuning.ts';
import { Unpacker } from './unpacker.ts';

/** A shard that is being read. */
interface Active {
  shard: KinesisShard;
  reader: ShardReader;
  epoch: EpochBuffer;
}

const uncut: Cuts = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
/** How often the shards are listed anyway: no shard stays unread because one answer left it out. */
const auditMs = 60_000;
/** Arrival times are approximate: a moment is past a little later than the clock says. */
const settleMs = 1_000;

/**
 * Reads all shards of a stream at once, parents before children, an epoch of one shard at a time, from positions as checkpoint.ts writes them.
 */
export class KinesisSource implements Source {
  readonly name: string;
  readonly #call: Call;
  readonly #stream: string;
  readonly #plan: Plan;
  readonly #tuning: Tuning;
  readonly #unpacker: Unpacker;
  readonly #closing = new AbortController();
  readonly #lags = new Map<string, number>();
  #kinesis: Kinesis | undefined;

  constructor(call: Call, stream: string, plan: Plan, tuning: Partial<Tuning>) {
    this.name = `kinesis:${stream}`;
    this.#call = call;
    this.#stream = stream;
    this.#plan = plan;
    this.#tuning = { ...defaultTuning, ...tuning };
    // A record that holds several lines is read whole under an app: a checkpoint cannot stand inside it.
    const maxLines = plan.cuts === undefined ? plan.count : undefined;
    this.#unpacker = new Unpacker(call.rejects, maxLines ?? Number.POSITIVE_INFINITY);
  }

  async *read(from: Readonly<Record<string, string>>): AsyncGenerator<Piece> {
    const { stopped } = this.#call.context;
    const signal = AbortSignal.any([stopped, this.#closing.signal]);
    try {
      this.#kinesis = await this.#tuning.open();
      yield* this.#readShards(from, this.#world(this.#kinesis, signal));
    } catch (error) {
      // Told to stop while it waited: what is held has not left, so there is nothing to finish.
      if (!stopped.aborted || !(error instanceof Error) || error.name !== 'AbortError') throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#kinesis?.close();
    const { foreign } = this.#unpacker;
    if (foreign > 0)
      this.#call.context.say(
        `${foreign} aggregated records were passed over: by their keys they belong to other shards, where their producer has to put them`,
      );
  }

  async *#readShards(from: Readonly<Record<string, string>>, world: ReaderWorld): AsyncGenerator<Piece> {
    const { position, until, count, cuts } = this.#plan;
    const startedMs = this.#tuning.elapsed();
    const listed = await this.#list(world);
    const landmark = until?.kind === 'sequence' ? await findLandmark(until.sequenceNumber, listed, world) : undefined;
    await checkRetention(from, listed, world, () => this.#list(world));
    const starts = await placeShards(from, position, listed, world, cuts !== undefined);
    /** Where a restart would go on. */
    const placed = new Map(Object.entries(from));
    // A beginning that is a moment, or the end, is committed before anything is read: a restart must not choose another.
    for (const [shard, { atMs }] of starts)
      if (cuts !== undefined && atMs !== undefined) yield* place(shard, new Date(atMs).toISOString(), placed);
    const lineage = new Lineage(Object.keys(from).filter((shard) => from[shard] === shardEnd));
    lineage.update(listed);
    let listedMs = startedMs;
    const listAgain = async () => {
      listedMs = this.#tuning.elapsed();
      lineage.update(await this.#list(world));
    };

    /** A shard that was opened since is placed before its parents' ends are committed, or when it is found: from then on nothing of it grows too old unseen. */
    const placeUnread = (shard: string) =>
      place(shard, formatCheckpoint({ position: trimHorizon, readToMs: this.#now() }), placed);

    let active: Active[] = [];
    let isReached = false;
    for (;;) {
      for (const shard of lineage.give()) {
        if (cuts !== undefined && !starts.has(shard.id)) yield* placeUnread(shard.id);
        const reader = new ShardReader(shard, starts.get(shard.id)?.start ?? { type: trimHorizon }, world);
        const checkpoint = parseCheckpoint(placed.get(shard.id) ?? trimHorizon, shard.id);
        active.push({ shard, reader, epoch: new EpochBuffer(shard.id, cuts ?? uncut, checkpoint) });
      }
      const listingMs = lineage.isIncomplete ? this.#tuning.pollMs : auditMs;
      if (this.#tuning.elapsed() - listedMs >= listingMs) await listAgain();
      const next = await firstOf(active);
      if (next === undefined) {
        if (this.#plan.exitAtEnd || isReached) return;
        // Every shard was closed, and its children are not listed yet.
        await this.#tuning.sleep(this.#tuning.pollMs, world.signal);
        await listAgain();
        continue;
      }
      const { one, chunk } = next;
      const { shard, reader, epoch } = one;
      reader.take();
      // To the back: the others come first now.
      active = [...active.filter((other) => other !== one), one];
      this.#tellLag(shard, chunk, active);

      if (chunk.checkpointAtMs !== undefined) epoch.standAt(chunk.checkpointAtMs);
      let isDone = false;
      for (const record of chunk.records) {
        if (isPast(record, shard.id, until, landmark)) {
          isDone = true;
          break;
        }
        const { lines, rejected } = this.#unpacker.lines(record, shard);
        yield* epoch.add(lines, rejected, record.sequenceNumber, record.arrivedAtMs);
        if (count !== undefined && this.#unpacker.read >= count) {
          for (const each of active) yield* each.epoch.flush();
          return;
        }
        isDone = landmark?.shard === shard.id && landmark.sequenceNumber === record.sequenceNumber;
      }

      const isQuiet = cuts !== undefined && !isDone && !chunk.isFull && chunk.lagMs === 0;
      if (chunk.isEnd && !isDone) {
        await listAgain();
        lineage.finish(shard.id);
        if (cuts !== undefined) for (const child of lineage.childrenOf(shard.id)) yield* placeUnread(child);
        yield* epoch.flush(shardEnd);
        active = active.filter((other) => other !== one);
      } else if (isDone || this.#hasArrived(shard, chunk, startedMs, landmark)) {
        yield* epoch.flush();
        if (isQuiet) yield* epoch.readUpTo(this.#readUpToMs(chunk));
        active = active.filter((other) => other !== one);
        isReached = true;
      } else if (cuts === undefined) {
        yield* epoch.flush();
      } else if (isQuiet) {
        yield* epoch.readUpTo(this.#readUpToMs(chunk));
      }
    }
  }

  /** Whether all that is wanted of a shard has been read, by the lag that the service tells. A closed shard has no tip: its end sends the reader on to its children. */
  #hasArrived(shard: KinesisShard, chunk: Chunk, startedMs: number, landmark: Landmark | undefined): boolean {
    if (chunk.isFull || shard.isClosed) return false;
    const { exitAtEnd, until } = this.#plan;
    if (exitAtEnd && chunk.lagMs <= chunk.askedMs - startedMs) return true;
    const untilMs = until?.kind === 'time' ? until.atMs : landmark?.arrivedAtMs;
    return untilMs !== undefined && this.#readUpToMs(chunk) > untilMs + settleMs;
  }

  /** The time of day up to which a shard has been read with this answer. */
  #readUpToMs({ askedMs, lagMs }: Chunk): number {
    return this.#now() - (this.#tuning.elapsed() - askedMs) - lagMs;
  }

  /** The time of day by the service's clock, or up to a second less. */
  #now(): number {
    return this.#tuning.now() + (this.#kinesis?.clockOffsetMs ?? 0);
  }

  #list(world: ReaderWorld): Promise<KinesisShard[]> {
    return retryAws(world, () => world.kinesis.shards(this.#stream, world.signal));
  }

  #tellLag(shard: KinesisShard, chunk: Chunk, active: readonly Active[]): void {
    this.#lags.set(shard.id, chunk.isEnd ? 0 : chunk.lagMs);
    this.#call.context.progress.lagMs = Math.max(...active.map((one) => this.#lags.get(one.shard.id) ?? 0));
  }

  #world(kinesis: Kinesis, signal: AbortSignal): ReaderWorld {
    const { app } = this.#call.options as { app?: string };
    const { progress } = this.#call.context;
    return {
      kinesis,
      stream: this.#stream,
      tuning: this.#tuning,
      signal,
      app: app ?? 'APP',
      now: () => this.#now(),
      note: (note) => {
        progress.note = note;
      },
    };
  }
}

/** The first answer of any shard. */
async function firstOf(active: readonly Active[]): Promise<{ one: Active; chunk: Chunk } | undefined> {
  if (active.length === 0) return undefined;
  return await Promise.race(active.map(async (one) => ({ one, chunk: await one.reader.peek() })));
}

function* place(shard: string, to: string, placed: Map<string, string>): Generator<Piece> {
  if (placed.has(shard)) return;
  placed.set(shard, to);
  yield { batch: Batch.ofLines([]), shard, to };
}
