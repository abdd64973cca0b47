import { createHash, hash } from 'node:crypto';

/** One of the records that a producer packed into one record of Kinesis. */
export interface SubRecord {
  data: Buffer;
  partitionKey: string;
  /** Where the producer chose the shard itself. */
  explicitHashKey: string | undefined;
}

/** How an aggregated record begins. */
export const magic = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
/** How long the MD5 at its end is. */
export const digestBytes = 16;

/**
 * The records inside a record of the Kinesis Producer Library (and of Firehose's, Fluent Bit's and others' aggregation); undefined for
 * data that is not aggregated. Four magic bytes, a protobuf message AggregatedRecord, its MD5.
 * Source: github.com/awslabs/amazon-kinesis-producer, aggregation-format.md.
 */
export function deaggregate(data: Buffer): SubRecord[] | undefined {
  if (data.length < magic.length + digestBytes || !data.subarray(0, magic.length).equals(magic)) return undefined;
  const message = data.subarray(magic.length, -digestBytes);
  if (!createHash('md5').update(message).digest().equals(data.subarray(-digestBytes))) return undefined;
  const keys: string[] = [];
  const hashKeys: string[] = [];
  const packed: { key: number; hashKey: number | undefined; data: Buffer }[] = [];
  try {
    for (const { field, bytes } of fieldsOf(message)) {
      if (bytes === undefined) continue;
      if (field === 1) keys.push(bytes.toString('utf8'));
      else if (field === 2) hashKeys.push(bytes.toString('utf8'));
      else if (field === 3) packed.push(parsePacked(bytes));
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return packed.map(({ key, hashKey, data: inner }) => ({
    data: inner,
    partitionKey: keys[key] ?? '',
    explicitHashKey: hashKey === undefined ? undefined : hashKeys[hashKey],
  }));
}

/** Message Record: partition_key_index = 1, explicit_hash_key_index = 2, data = 3, tags = 4. */
function parsePacked(bytes: Buffer): { key: number; hashKey: number | undefined; data: Buffer } {
  let key = 0;
  let hashKey: number | undefined;
  let data: Buffer = Buffer.alloc(0);
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) key = field.number ?? 0;
    else if (field.field === 2) hashKey = field.number;
    else if (field.field === 3) data = field.bytes ?? data;
  }
  return { key, hashKey, data };
}

/** Where a partition key falls in the range of hash keys: its MD5 as a number. Source: the developer guide of Kinesis, "Partition Key". */
export function hashKeyOf({ partitionKey, explicitHashKey }: Pick<SubRecord, 'partitionKey' | 'explicitHashKey'>): bigint {
  if (explicitHashKey !== undefined && /^\d+$/.test(explicitHashKey)) return BigInt(explicitHashKey);
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`);
}

interface Field {
  field: number;
  number?: number;
  bytes?: Buffer;
}

/** The fields of a protobuf message. Throws RangeError where it is cut or of a wire type that protobuf does not have. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint of more than ten bytes');
  };
  const take = (length: number): Buffer => {
    if (at + length > message.length) throw new RangeError('the message is cut');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { field, number: varint() };
        break;
      case 1:
        yield { field, bytes: take(8) };
        break;
      case 2:
        yield { field, bytes: take(varint()) };
        break;
      case 5:
        yield { field, bytes: take(4) };
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
  }
}
