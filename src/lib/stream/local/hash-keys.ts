/** How many hash keys there are: an MD5 has 128 bits. */
const hashKeys = 1n << 128n;

/**
 * Which shard a hash key (four words, the highest first) belongs to: it falls into one of equal ranges, as Kinesis cuts them for a new stream.
 * Source: the developer guide of Kinesis, "Partition Key", and CreateStream.
 */
export function shardOf(hashKey: Uint32Array, shards: number): number {
  if (shards === 1) return 0;
  // Ranges are cut far above the low 80 bits, but for a key at the very edge.
  const high = (hashKey[0] as number) * 2 ** 16 + ((hashKey[1] as number) >>> 16);
  const width = 2 ** 48 / shards;
  const shard = Math.floor(high / width);
  const inRange = high - shard * width;
  if (inRange > 1 && inRange < width - 2) return shard;
  const whole = hashKey.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n);
  return Math.min(Number(whole / (hashKeys / BigInt(shards))), shards - 1);
}
