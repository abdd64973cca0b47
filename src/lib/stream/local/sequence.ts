/**
 * Sequence numbers of the local stream: 20 digits, of which the first four are the shard and the rest the byte at which the record
 * begins, counted through all segments of the shard. As text they sort as they were written; as a checkpoint one says where the next
 * record begins.
 */

const positionDigits = 16;
const shardDigits = 4;

/** The sequence number of what begins at this byte of this shard; `parseSequence` reads it. */
export function formatSequence(shard: number, position: number): string {
  return String(shard).padStart(shardDigits, '0') + String(position).padStart(positionDigits, '0');
}

/** Undefined for what is no sequence number of a local stream. */
export function parseSequence(text: string): { shard: number; position: number } | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const digits = text.padStart(shardDigits + positionDigits, '0');
  const position = Number(digits.slice(shardDigits));
  return Number.isSafeInteger(position) ? { shard: Number(digits.slice(0, shardDigits)), position } : undefined;
}

/** Named as Kinesis names its shards. */
export function shardId(shard: number): string {
  return `shardId-${String(shard).padStart(12, '0')}`;
}

const gapBytes = 2 ** 30;

/** A position that nobody can have seen before: far behind all that may have stood after `end`. */
export function afterGap(end: number): number {
  return (Math.floor(end / gapBytes) + 2) * gapBytes;
}
