import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { explain, Failure } from '../../errors.ts';
import { sha256Of } from '../../hashing.ts';
import { KeyReader } from '../../keys.ts';
import { BadLine, Batch, type Line } from '../../lines.ts';
import { KeyHasher } from '../hash-key.ts';
import { ShardAppender } from './appender.ts';
import { changeSettings, createStream, defaults, openStream, type Settings, type StreamFolder } from './folder.ts';
import { shardOf } from './hash-keys.ts';
import { trim } from './retention.ts';
import type { ShardPlace } from './segment.ts';

/** What a test makes smaller or surer. */
export interface SinkTuning {
  segmentBytes: number;
  now: () => number;
}

/** The options of put-stream that matter here; undefined where they were not given. */
interface PutOptions {
  key?: string;
  shards?: number;
  retention?: number;
  maxSize?: number;
  state?: string;
}

/** A block is read back as one piece. */
const maxBlockBytes = 256 * 1024;

/**
 * Appends records to a stream of the local log, which it makes if it is not there. Where a key decides on the shard, or is asked for, it is
 * looked up in every record, and what is not JSON is rejected; otherwise a record is stored as it came, and not looked into.
 */
export class LocalSink implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #name: string;
  readonly #options: PutOptions;
  readonly #now: () => number;
  readonly #segmentBytes: number;
  readonly #keys: KeyReader;
  #hasher: KeyHasher | undefined;
  #shards: readonly ShardAppender[] | undefined;

  constructor(call: Call, name: string, { segmentBytes = defaults.segment_bytes, now = Date.now }: Partial<SinkTuning> = {}) {
    this.id = `local:${name}`;
    this.#call = call;
    this.#name = name;
    this.#options = call.options as PutOptions;
    this.#keys = new KeyReader(this.#options.key ?? 'id');
    this.#now = now;
    this.#segmentBytes = segmentBytes;
  }

  async write(batch: Batch): Promise<void> {
    this.#shards ??= await this.#open();
    const shards = this.#shards;
    if (shards.length > 1 || this.#options.key !== undefined) this.#spread(batch, shards);
    else add(shards[0], batch);
    for (const shard of shards) await shard.room();
  }

  async flush(): Promise<void> {
    this.#shards ??= await this.#open();
    await Promise.all(this.#shards.map((shard) => shard.flush()));
  }

  async close(): Promise<void> {
    await Promise.all((this.#shards ?? []).map((shard) => shard.close()));
    const { note } = this.#keys;
    if (note !== undefined) this.#call.context.say(note);
  }

  #spread(batch: Batch, shards: readonly ShardAppender[]): void {
    this.#hasher ??= new KeyHasher();
    const [keys, hasher] = [this.#keys, this.#hasher];
    const parts: Line[][] = shards.map(() => []);
    for (const line of batch.lines) {
      try {
        const hasKey = keys.read(line);
        if (hasKey && keys.start >= 0) hasher.find(line.block as Buffer, keys.start, keys.end);
        else hasher.findText(hasKey ? keys.text : sha256Of(line.bytes));
        parts[shardOf(hasher.words, shards.length)]?.push(line);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.#call.rejects.line(line, error.message);
      }
    }
    for (const [shard, lines] of parts.entries()) if (lines.length > 0) add(shards[shard], Batch.ofLines(lines));
  }

  async #open(): Promise<ShardAppender[]> {
    const { context } = this.#call;
    const stream = await this.#openStream();
    const trimShard = async (place: ShardPlace) => {
      try {
        trim(place, stream, await (await context.openCheckpoints(this.#options.state)).list(), this.#now());
      } catch (error) {
        // What is not dropped now is dropped with the next segment: no reason to refuse records.
        context.say(`retention was skipped: ${explain(error)}`);
      }
    };
    const world = { now: this.#now, say: context.say, trim: trimShard };
    context.detail(`stream ${stream.path}`);
    return Array.from({ length: stream.settings.shards }, (_, shard) => new ShardAppender(stream, shard, context.host, world));
  }

  /** The stream, made if need be; what was asked for of its settings holds from now on, but its shards stay as they are. */
  async #openStream(): Promise<StreamFolder> {
    const { context } = this.#call;
    const { shards, retention, maxSize } = this.#options;
    const change: Partial<Pick<Settings, 'retention_ms' | 'max_bytes'>> = {
      ...(retention !== undefined && { retention_ms: retention }),
      ...(maxSize !== undefined && { max_bytes: maxSize }),
    };
    const known = openStream(context, this.#name);
    const wanted = { ...defaults, segment_bytes: this.#segmentBytes, ...(shards !== undefined && { shards }), ...change };
    const stream = known ?? (await createStream(context, this.#name, wanted, new Date(this.#now())));
    const has = stream.settings;
    if (shards !== undefined && shards !== has.shards) {
      throw new Failure(
        'misconfigured',
        `local:${this.#name} has ${has.shards} ${has.shards === 1 ? 'shard' : 'shards'}, not ${shards}: that is settled when a stream is made`,
        'leave --shards out, or copy it into a new stream: buda get-stream … | buda put-stream --shards …',
      );
    }
    const isOther = (retention ?? has.retention_ms) !== has.retention_ms || (maxSize ?? has.max_bytes) !== has.max_bytes;
    return isOther ? await changeSettings(stream, change) : stream;
  }
}

/** A block is whole lines, and not much larger than a reader wants to hold. */
function add(shard: ShardAppender | undefined, batch: Batch): void {
  const { bytes, count } = batch;
  if (bytes.length <= maxBlockBytes || count === 1) {
    shard?.add(bytes, count);
    return;
  }
  let start = 0;
  let lines = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at) + 1;
    if (lines > 0 && end - start > maxBlockBytes) {
      shard?.add(bytes.subarray(start, at), lines);
      start = at;
      lines = 0;
    }
    lines++;
    at = end;
  }
  shard?.add(bytes.subarray(start), lines);
}
