import type { Batch } from '../../lines.ts';
import type { KeyedLines } from '../put/keyed-lines.ts';
import type { PutQueue } from '../put/put-queue.ts';
import type { Writer } from '../put/put-sink.ts';
import { Aggregate } from './aggregate.ts';
import { aggregateBytes, Bundle, frameBytes, Packer, windowBytes } from './packer.ts';
import type { ShardMap } from './shard-map.ts';

/** How long a record waits for others to share its aggregate, as with the Kinesis Producer Library. */
const lingerMs = 100;
/** What all shards' open bundles may hold together. */
const maxOpenBytes = 8 * 1024 ** 2;

/** Gathers records by shard, and gives them to the queue as aggregates: when one is full, or has waited long enough, or all must go. */
export class Aggregator implements Writer {
  readonly #lines: KeyedLines;
  readonly #queue: PutQueue;
  readonly #map: ShardMap;
  readonly #packer = new Packer();
  readonly #open = new Map<string, Bundle>();
  #openBytes = 0;
  /** The list of shards by which the open ones were gathered. */
  #version = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(lines: KeyedLines, queue: PutQueue, map: ShardMap) {
    this.#lines = lines;
    this.#queue = queue;
    this.#map = map;
  }

  async write(batch: Batch): Promise<void> {
    const [lines, packer] = [this.#lines, this.#packer];
    if (this.#queue.isFull(0)) await this.#queue.room(0);
    lines.turn(batch);
    while (lines.next()) {
      let bundle = this.#bundleFor(lines);
      while (bundle === undefined) {
        await this.#wait(lines.bytes);
        bundle = this.#bundleFor(lines);
      }
      const { number, block, start, end, text, keyStart, keyEnd } = lines;
      if (bundle.bytes === 0) bundle.partitionKey = text?.toString() ?? block.toString('utf8', keyStart, keyEnd);
      bundle.numbers.push(number);
      if (lines.bytes > windowBytes) {
        this.#give(bundle, block.subarray(start, end));
        this.#queue.offer();
        continue;
      }
      if (!packer.add(bundle, lines)) {
        for (const open of this.#open.values()) packer.settle(open);
        packer.turn(block, start);
        packer.add(bundle, lines);
      }
      bundle.bytes += lines.bytes + frameBytes;
      this.#openBytes += lines.bytes + frameBytes;
      if (this.#openBytes > maxOpenBytes) this.#sealAll();
      this.#timer ??= setTimeout(() => this.#sealAll(), lingerMs);
    }
  }

  async flush(): Promise<void> {
    this.#sealAll();
    await this.#queue.flush();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** The bundle that a line goes into; undefined: see `#wait`. */
  #bundleFor({ block, text, keyStart, keyEnd, bytes }: KeyedLines): Bundle | undefined {
    if (this.#version !== this.#map.version) return undefined;
    const shard = text === undefined ? this.#map.shardOf(block, keyStart, keyEnd) : this.#map.shardOf(text, 0, text.length);
    let bundle = this.#open.get(shard);
    if (bundle === undefined) this.#open.set(shard, (bundle = new Bundle(shard)));
    const together = bundle.bytes + bytes + frameBytes;
    if (together > aggregateBytes || bytes > windowBytes) {
      if (this.#queue.isFull(together)) return undefined;
      this.#seal(bundle);
    }
    return bundle;
  }

  /** Waits for room, or takes a new list of shards: a key may have another shard now, so all that is on its way by the old one has to be done first. */
  async #wait(bytes: number): Promise<void> {
    if (this.#version === this.#map.version) return this.#queue.room(aggregateBytes + bytes + frameBytes);
    const { version } = this.#map;
    await this.flush();
    this.#version = version;
  }

  #sealAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const bundle of this.#open.values()) this.#seal(bundle);
    this.#open.clear();
    this.#queue.offer();
  }

  #seal(bundle: Bundle): void {
    if (bundle.bytes === 0) return;
    this.#openBytes -= bundle.bytes;
    this.#give(bundle, this.#packer.seal(bundle));
  }

  #give(bundle: Bundle, data: Buffer): void {
    const { partitionKey, shard, numbers } = bundle;
    bundle.numbers = [];
    bundle.bytes = 0;
    this.#queue.add(new Aggregate(data, partitionKey, numbers, shard, this.#map, this.#packer));
  }
}
