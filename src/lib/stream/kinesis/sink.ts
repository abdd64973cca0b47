import type { Kinesis } from '../../aws/kinesis.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import type { Batch } from '../../lines.ts';
import { Aggregator } from './aggregator.ts';
import { KeyedLines } from './keyed-lines.ts';
import { LineWriter } from './line-writer.ts';
import { kinesisLimits, type Put } from './put.ts';
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
  readonly #lines: KeyedLines;
  /** Begun at once: the SDK is loaded while the first record is still on its way. */
  readonly #opening: Promise<Kinesis>;
  #queue: PutQueue | undefined;
  #writer: LineWriter | Aggregator | undefined;

  constructor(call: Call, stream: string, tuning: Partial<Tuning>) {
    this.id = `kinesis:${stream}`;
    this.#call = call;
    this.#stream = stream;
    this.#tuning = { ...defaultTuning, ...tuning };
    this.#lines = new KeyedLines(call.rejects, kinesisLimits, (call.options.key as string | undefined) ?? 'id');
    this.#opening = this.#tuning.open();
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
    this.#writer?.close();
    this.#queue?.close();
    await this.#opening.then(
      (kinesis) => kinesis.close(),
      () => {},
    );
    const { detail, say } = this.#call.context;
    if (this.#queue !== undefined)
      detail(`${this.#queue.counts.requests} requests, ${this.#queue.counts.again} records sent again`);
    if (this.#lines.note !== undefined) say(this.#lines.note);
  }

  async #open(): Promise<LineWriter | Aggregator> {
    const { rejects, context, options } = this.#call;
    const kinesis = await this.#opening;
    const refuse = ({ lines }: Put, reason: string) => {
      for (const line of lines) rejects.line(line, reason);
    };
    const note = (text: string | undefined) => {
      context.progress.note = text;
    };
    const isAggregating = options.aggregate === true;
    const queue = new PutQueue({
      limits: kinesisLimits,
      open: (signal) => kinesis.putter(this.#stream, { signal, tellsShards: isAggregating }),
      doing: `putting records into kinesis:${this.#stream}`,
      tuning: this.#tuning,
      refuse,
      note,
    });
    this.#queue = queue;
    if (!isAggregating) return new LineWriter(this.#lines, queue);
    const map = new ShardMap((wanted) =>
      listShards(kinesis, this.#stream, wanted, { tuning: this.#tuning, signal: queue.closed, note }),
    );
    await map.refresh();
    return new Aggregator(this.#lines, queue, map);
  }
}
