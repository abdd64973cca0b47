import { createHash } from 'node:crypto';
import type { Kinesis } from '../../aws/kinesis.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { BadLine, type Batch, type Line } from '../../lines.ts';
import { keylessNote, keyReader } from '../keys.ts';
import { limits, PutQueue } from './put-queue.ts';
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
  readonly #keyOf: ((line: Line) => string | undefined) | undefined;
  #kinesis: Kinesis | undefined;
  #queue: PutQueue | undefined;
  #keyless = 0;

  constructor(call: Call, stream: string, tuning: Partial<Tuning>) {
    const { key } = call.options as { key?: string };
    this.id = `kinesis:${stream}`;
    this.#call = call;
    this.#stream = stream;
    this.#tuning = { ...defaultTuning, ...tuning };
    this.#keyOf = key === undefined ? undefined : keyReader(key);
  }

  async write(batch: Batch): Promise<void> {
    this.#queue ??= await this.#open();
    const queue = this.#queue;
    for (const line of batch.lines) {
      const data = dataOf(line);
      let key: string | undefined;
      try {
        key = this.#keyOf?.(line);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.#call.rejects.line(line, error.message);
        continue;
      }
      if (!key) this.#keyless++;
      const partitionKey = key ? keyWithinLimit(key) : createHash('sha256').update(data.subarray(0, -1)).digest('hex');
      const bytes = data.length + Buffer.byteLength(partitionKey);
      if (bytes > limits.recordBytes) {
        this.#call.rejects.line(line, `too large for Kinesis: ${bytes} bytes with its key, at most ${limits.recordBytes}`);
      } else {
        await queue.add({ line, data, partitionKey }, Boolean(key));
      }
    }
    queue.offer();
  }

  async flush(): Promise<void> {
    await this.#queue?.flush();
  }

  async close(): Promise<void> {
    this.#queue?.close();
    this.#kinesis?.close();
    const { detail, say } = this.#call.context;
    if (this.#queue !== undefined)
      detail(`${this.#queue.counts.requests} requests, ${this.#queue.counts.again} records sent again`);
    if (this.#keyOf !== undefined && this.#keyless > 0) say(keylessNote(this.#keyless, String(this.#call.options.key)));
  }

  async #open(): Promise<PutQueue> {
    const { rejects, context } = this.#call;
    this.#kinesis = await this.#tuning.open();
    return new PutQueue(
      this.#kinesis,
      this.#stream,
      this.#tuning,
      (line, reason) => rejects.line(line, reason),
      (note) => {
        context.progress.note = note;
      },
    );
  }
}

/** The line with its `\n`, without a copy where the two stand together. */
function dataOf(line: Line): Buffer {
  const { place } = line;
  if (place !== undefined && place.end < place.block.length) return place.block.subarray(place.start, place.end + 1);
  return Buffer.concat([line.bytes, Buffer.from('\n')]);
}

/** A key longer than Kinesis takes is replaced by its hash: equal keys still share a shard, in order. */
function keyWithinLimit(key: string): string {
  return key.length <= limits.keyCharacters ? key : createHash('sha256').update(key).digest('hex');
}
