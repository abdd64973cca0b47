import { AwsError } from '../../aws/errors.ts';
import type { Kinesis, KinesisShard } from '../../aws/kinesis.ts';
import { retryAws } from '../../aws/pace.ts';
import { KeyHasher } from '../hash-key.ts';

interface Range {
  readonly id: string;
  /** Its hash keys, both ends its own, in words of 32 bits with the highest first. */
  readonly first: Uint32Array;
  readonly last: Uint32Array;
}

/**
 * Which shard a partition key falls into, as far as is known: by its MD5, in the ranges of the shards that are open. Source: the developer
 * guide of Kinesis, "Partition Key".
 */
export class ShardMap {
  /** Goes up with each new list: what was decided by an older one may have to be decided anew. */
  version = 0;
  readonly #list: (wanted?: string) => Promise<readonly KinesisShard[]>;
  readonly #hasher = new KeyHasher();
  #ranges = new Map<string, Range>();
  #open: readonly Range[] = [];

  /** `list` gives all shards that hold records, and the wanted one among them. */
  constructor(list: (wanted?: string) => Promise<readonly KinesisShard[]>) {
    this.#list = list;
  }

  /** Asks for the shards anew. */
  async refresh(wanted?: string): Promise<void> {
    const shards = await this.#list(wanted);
    const ranges = shards.map(({ id, hashKeys, isClosed }) => ({
      id,
      first: wordsOf(hashKeys.first),
      last: wordsOf(hashKeys.last),
      isClosed,
    }));
    this.#ranges = new Map(ranges.map((range) => [range.id, range]));
    this.#open = ranges.filter(({ isClosed }) => !isClosed).sort((a, b) => compare(a.last, b.last));
    this.version++;
  }

  /** The shard that takes the key now, if nothing has changed since the list. The key stands in `block` from `start` up to `end`. */
  shardOf(block: Uint8Array, start: number, end: number): string {
    const open = this.#open;
    if (open.length <= 1) return open[0]?.id ?? '';
    const hasher = this.#hasher;
    hasher.find(block, start, end);
    let low = 0;
    let high = open.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(hasher.words, (open[middle] as Range).last) <= 0) high = middle;
      else low = middle + 1;
    }
    return (open[low] as Range).id;
  }

  /** Tells of keys whether readers of the shard look for them there. A shard that is not known yet is asked for. */
  async finder(shard: string): Promise<(partitionKey: string) => boolean> {
    if (!this.#ranges.has(shard)) await this.refresh(shard);
    const { first, last } = this.#ranges.get(shard) as Range;
    return (partitionKey) => {
      this.#hasher.findText(partitionKey);
      const { words } = this.#hasher;
      return compare(first, words) <= 0 && compare(words, last) <= 0;
    };
  }
}

/** The shards of a stream; it asks again while the wanted one, which the service has just named, is not listed. */
export function listShards(
  kinesis: Kinesis,
  stream: string,
  wanted: string | undefined,
  world: Parameters<typeof retryAws>[0],
): Promise<readonly KinesisShard[]> {
  return retryAws(world, async () => {
    const shards = await kinesis.shards(stream, world.signal);
    if (wanted === undefined || shards.some(({ id }) => id === wanted)) return shards;
    const message = `listing the shards of kinesis:${stream}: ${wanted}, which took records, is not among them`;
    throw new AwsError('again', 'a shard is missing', 'incomplete', message, 'run the pipe again', undefined);
  });
}

function wordsOf(hashKey: bigint): Uint32Array {
  return Uint32Array.from([96n, 64n, 32n, 0n], (shift) => Number((hashKey >> shift) & 0xffff_ffffn));
}

/** Below 0, 0 or above it, as for sort. */
function compare(a: Uint32Array, b: Uint32Array): number {
  let i = 0;
  while (i < 3 && a[i] === b[i]) i++;
  return (a[i] as number) - (b[i] as number);
}
