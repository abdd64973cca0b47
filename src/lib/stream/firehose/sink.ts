import type { Firehose } from '../../aws/firehose.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { Failure } from '../../errors.ts';
import type { Batch } from '../../lines.ts';
import { KeyedLines } from '../kinesis/keyed-lines.ts';
import { LineWriter } from '../kinesis/line-writer.ts';
import { firehoseLimits } from '../kinesis/put.ts';
import { PutQueue } from '../kinesis/put-queue.ts';
import { defaultPace, type Pace } from '../kinesis/tuning.ts';

/**
 * Puts records into a stream of Firehose: a record's data is its line with its `\n`, so that what Firehose joins is NDJSON. They have no keys, and keep
 * no order. A crash or a broken connection may double records, and so may Firehose behind it: at least once.
 */
export class FirehoseSink implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #stream: string;
  readonly #pace: Pace;
  readonly #lines: KeyedLines;
  /** Begun at once: the SDK is loaded while the first record is still on its way. */
  readonly #opening: Promise<Firehose>;
  #queue: PutQueue | undefined;
  #writer: LineWriter | undefined;

  /** Throws a Failure (2) for a name that Firehose would refuse anyway. Source: its API reference, DeliveryStreamName. `pace` is for tests. */
  constructor(call: Call, stream: string, pace: Partial<Pace> = {}) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(stream))
      throw new Failure(
        'usage',
        `a stream of Firehose is named with letters, digits, "_", "." and "-", at most 64 of them; not ${JSON.stringify(stream.slice(0, 200))}`,
      );
    this.id = `firehose:${stream}`;
    this.#call = call;
    this.#stream = stream;
    this.#pace = { ...defaultPace, ...pace };
    this.#lines = new KeyedLines(call.rejects, firehoseLimits);
    this.#opening = import('../../aws/firehose.ts').then((door) => new door.Firehose());
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
    this.#queue?.close();
    await this.#opening.then(
      (firehose) => firehose.close(),
      () => {},
    );
    if (this.#queue === undefined) return;
    const { requests, again } = this.#queue.counts;
    this.#call.context.detail(`${requests} requests, ${again} records sent again`);
  }

  async #open(): Promise<LineWriter> {
    const { rejects, context } = this.#call;
    const firehose = await this.#opening;
    this.#queue = new PutQueue({
      limits: firehoseLimits,
      open: (signal) => firehose.putter(this.#stream, { signal }),
      doing: `putting records into firehose:${this.#stream}`,
      tuning: this.#pace,
      refuse: ({ lines }, reason) => {
        for (const line of lines) rejects.line(line, reason);
      },
      note: (text) => {
        context.progress.note = text;
      },
    });
    return new LineWriter(this.#lines, this.#queue);
  }
}
