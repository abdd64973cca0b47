import { hash } from 'node:crypto';

/** How many hash keys there are: an MD5 has 128 bits. */
const hashKeys = 1n << 128n;

/**
 * Which shard a partition key belongs to: its MD5 falls into one of equal ranges, as Kinesis cuts them for a new stream. Source: the
 * developer guide of Kinesis, "Partition Key", and CreateStream.
 */
export function shardOf(partitionKey: string, shards: number): number {
  if (shards === 1) return 0;
  const digest = hash('md5', partitionKey, 'buffer');
  // Ranges are cut far above the low 80 bits, but for a key at the very edge.
  const high = digest.readUIntBE(0, 6);
  const width = 2 ** 48 / shards;
  const shard = Math.floor(high / width);
  const inRange = high - shard * width;
  if (inRange > 1 && inRange < width - 2) return shard;
  const exact = BigInt(`0x${digest.toString('hex')}`) / (hashKeys / BigInt(shards));
  return Math.min(Number(exact), shards - 1);
}
