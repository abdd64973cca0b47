import { Aggregate } from './aggregate.ts';
import { aggregateBytes, frameBytes, Packer } from './packer.ts';
import type { LinePut } from './put.ts';
import type { PutQueue } from './put-queue.ts';
import type { ShardMap } from './shard-map.ts';

/** How long a record waits for others to share its aggregate, as with the Kinesis Producer Library. */
const lingerMs = 100;
/** What all shards' open aggregates may hold together. */
const maxOpenBytes = 8 * 1024 ** 2;

interface Open {
  puts: LinePut[];
  bytes: number;
}

/** Gathers records by shard, and gives them to the queue as aggregates: when one is full, or has waited long enough, or all must go. */
export class Aggregator {
  readonly #queue: PutQueue;
  readonly #map: ShardMap;
  readonly #open = new Map<string, Open>();
  readonly #packer = new Packer();
  #openBytes = 0;
  /** The list of shards by which the open ones were gathered. */
  #version = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(queue: PutQueue, map: ShardMap) {
    this.#queue = queue;
    this.#map = map;
  }

  /** Whether the list of shards has changed since the last record: see `turn`. */
  get isStale(): boolean {
    return this.#version !== this.#map.version;
  }

  /** Takes records by a new list of shards: a key may have another shard now, so all that is on its way by the old one has to be done first. */
  async turn(): Promise<void> {
    while (this.isStale) {
      const { version } = this.#map;
      await this.flush();
      this.#version = version;
    }
  }

  /** Takes a record, by the list of shards as it is. */
  add(put: LinePut): void {
    const shard = this.#map.shardOf(put);
    let open = this.#open.get(shard);
    const bytes = put.bytes + frameBytes;
    if (open !== undefined && open.bytes + bytes > aggregateBytes) {
      this.#seal(shard, open);
      open = undefined;
    }
    if (open === undefined) this.#open.set(shard, (open = { puts: [], bytes: 0 }));
    open.puts.push(put);
    open.bytes += bytes;
    this.#openBytes += bytes;
    if (this.#openBytes > maxOpenBytes) this.#sealAll();
    this.#timer ??= setTimeout(() => this.#sealAll(), lingerMs);
  }

  /** Resolves once every record that was added is acknowledged or refused. */
  async flush(): Promise<void> {
    this.#sealAll();
    await this.#queue.flush();
  }

  /** Gives up what has not left. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #sealAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [shard, open] of this.#open) this.#seal(shard, open);
    this.#queue.offer();
  }

  #seal(shard: string, { puts, bytes }: Open): void {
    this.#open.delete(shard);
    this.#openBytes -= bytes;
    this.#queue.add(new Aggregate(puts, shard, this.#map, this.#packer));
  }
}
