import type { Pace } from '../../aws/pace.ts';
import type { PutRecords } from '../../aws/put-records.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import type { Batch } from '../../lines.ts';
import type { KeyedLines } from './keyed-lines.ts';
import type { Limits } from './put.ts';
import { PutQueue } from './put-queue.ts';

/** Gives the lines of batches to a queue. */
export interface Writer {
  /** Throws what stopped the queue for good. */
  write(batch: Batch): Promise<void>;
  /** Resolves once every record that was written is acknowledged or refused. */
  flush(): Promise<void>;
  /** Gives up what has not left. */
  close?(): void;
}

/** A service that takes records, and one stream of it. */
export interface Outlet<Door> {
  /** As the state names it: `kinesis:mrr_movements`. */
  readonly id: string;
  readonly limits: Limits;
  readonly pace: Pace;
  readonly lines: KeyedLines;
  /** Opens the door; the SDK behind it is loaded only now. */
  open(): Promise<Door>;
  /** What sends a request; the signal gives it up. */
  putter(door: Door, signal: AbortSignal): PutRecords;
  writer(queue: PutQueue, door: Door, note: (text: string | undefined) => void): Writer | Promise<Writer>;
}

/** A sink that puts records into a stream of a service by a queue. */
export class PutSink<Door extends { close(): void }> implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #outlet: Outlet<Door>;
  /** Begun at once: the SDK is loaded while the first record is still on its way. */
  readonly #opening: Promise<Door>;
  #queue: PutQueue | undefined;
  #writer: Writer | undefined;

  constructor(call: Call, outlet: Outlet<Door>) {
    this.id = outlet.id;
    this.#call = call;
    this.#outlet = outlet;
    this.#opening = outlet.open();
    // Whoever writes first hears of it.
    this.#opening.catch(() => {});
  }

  async write(batch: Batch): Promise<void> {
    this.#writer ??= await this.#open();
    await this.#writer.write(batch);
  }

  async flush(): Promise<void> {
    await this.#writer?.flush();
  }

  async close(): Promise<void> {
    this.#writer?.close?.();
    this.#queue?.close();
    await this.#opening.then(
      (door) => door.close(),
      () => {},
    );
    const { detail, say } = this.#call.context;
    if (this.#queue !== undefined)
      detail(`${this.#queue.counts.requests} requests, ${this.#queue.counts.again} records sent again`);
    const { note } = this.#outlet.lines;
    if (note !== undefined) say(note);
  }

  async #open(): Promise<Writer> {
    const { id, limits, pace, putter, writer } = this.#outlet;
    const { rejects, context } = this.#call;
    const door = await this.#opening;
    const note = (text: string | undefined) => {
      context.progress.note = text;
    };
    this.#queue = new PutQueue({
      limits,
      open: (signal) => putter(door, signal),
      doing: `putting records into ${id}`,
      tuning: pace,
      refuse: ({ lines }, reason) => {
        for (const line of lines) rejects.line(line, reason);
      },
      note,
    });
    return writer(this.#queue, door, note);
  }
}
