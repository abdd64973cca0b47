import { createHash } from 'node:crypto';

/** Packs records as the Kinesis Producer Library does: the encoder that only a test needs. */
export function aggregate(records: readonly { partitionKey: string; data: Buffer }[]): Buffer {
  const keys = [...new Set(records.map(({ partitionKey }) => partitionKey))];
  const message = Buffer.concat([
    ...keys.map((key) => field(1, Buffer.from(key))),
    ...records.map(({ partitionKey, data }) =>
      field(3, Buffer.concat([Buffer.from([0x08]), varint(keys.indexOf(partitionKey)), field(3, data)])),
    ),
  ]);
  return Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), message, createHash('md5').update(message).digest()]);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
