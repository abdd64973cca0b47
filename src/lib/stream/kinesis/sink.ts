import type { Kinesis } from '../../aws/kinesis.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { BadLine, type Batch } from '../../lines.ts';
import { KeyReader, keylessNote } from '../keys.ts';
import { Aggregator } from './aggregator.ts';
import { LinePut, limits, type Put } from './put.ts';
import { PutQueue } from './put-queue.ts';
import { listShards, ShardMap } from './shard-map.ts';
import { defaultTuning, type Tuning } from './tuning.ts';

/**
 * Puts records into a Kinesis stream; a record's data is its line with its `\n`, so that whatever joins records (Firehose, `cat`) yields
 * NDJSON. The order within a key is kept, also through partial failures. A crash or a broken connection may double records: at least once.
 */
export class KinesisSink implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #stream: string;
  readonly #tuning: Tuning;
  readonly #keys: KeyReader | undefined;
  /** Begun at once: the SDK is loaded while the first record is still on its way. */
  readonly #opening: Promise<Kinesis>;
  #queue: PutQueue | undefined;
  #aggregator: Aggregator | undefined;
  #keyless = 0;

  constructor(call: Call, stream: string, tuning: Partial<Tuning>) {
    const { key } = call.options as { key?: string };
    this.id = `kinesis:${stream}`;
    this.#call = call;
    this.#stream = stream;
    this.#tuning = { ...defaultTuning, ...tuning };
    this.#keys = key === undefined ? undefined : new KeyReader(key);
    this.#opening = this.#tuning.open();
    // Whoever writes first hears of it.
    this.#opening.catch(() => {});
  }

  async write(batch: Batch): Promise<void> {
    this.#queue ??= await this.#open();
    const queue = this.#queue;
    const aggregator = this.#aggregator;
    const keys = this.#keys;
    for (const line of batch.lines) {
      let hasKey: boolean;
      try {
        hasKey = keys?.read(line) ?? false;
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.#call.rejects.line(line, error.message);
        continue;
      }
      if (!hasKey) this.#keyless++;
      const put = new LinePut(line, hasKey ? keys : undefined);
      const { bytes } = put;
      if (bytes > limits.recordBytes) {
        this.#call.rejects.line(line, `too large for Kinesis: ${bytes} bytes with its key, at most ${limits.recordBytes}`);
        continue;
      }
      if (queue.isFull(bytes)) await queue.room(bytes);
      if (aggregator === undefined) {
        queue.add(put);
        continue;
      }
      if (aggregator.isStale) await aggregator.turn();
      aggregator.add(put);
    }
    if (aggregator === undefined) queue.offer();
  }

  async flush(): Promise<void> {
    await (this.#aggregator ?? this.#queue)?.flush();
  }

  async close(): Promise<void> {
    this.#aggregator?.close();
    this.#queue?.close();
    await this.#opening.then(
      (kinesis) => kinesis.close(),
      () => {},
    );
    const { detail, say } = this.#call.context;
    if (this.#queue !== undefined)
      detail(`${this.#queue.counts.requests} requests, ${this.#queue.counts.again} records sent again`);
    if (this.#keys !== undefined && this.#keyless > 0) say(keylessNote(this.#keyless, String(this.#call.options.key)));
  }

  async #open(): Promise<PutQueue> {
    const { rejects, context, options } = this.#call;
    const kinesis = await this.#opening;
    const refuse = ({ lines }: Put, reason: string) => {
      for (const line of lines) rejects.line(line, reason);
    };
    const note = (text: string | undefined) => {
      context.progress.note = text;
    };
    const isAggregating = options.aggregate === true;
    const queue = new PutQueue(kinesis, this.#stream, this.#tuning, refuse, note, isAggregating);
    if (isAggregating) {
      const map = new ShardMap((wanted) =>
        listShards(kinesis, this.#stream, wanted, { tuning: this.#tuning, signal: queue.closed, note }),
      );
      await map.refresh();
      this.#aggregator = new Aggregator(queue, map);
    }
    return queue;
  }
}
