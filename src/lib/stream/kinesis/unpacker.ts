import { createHash } from 'node:crypto';
import type { KinesisRecord, KinesisShard } from '../../aws/kinesis.ts';
import type { Rejects } from '../../rejects.ts';
import { deaggregate, hashKeyOf } from './aggregated.ts';
import { linesOfData } from './data.ts';

/** Takes the lines out of the records of a stream; what is none goes to the rejects. */
export class Unpacker {
  /** Lines so far, the rejected ones too. */
  read = 0;
  /** Aggregated records that belong to another shard. */
  foreign = 0;
  readonly #rejects: Rejects;
  readonly #maxLines: number;

  /** Stops after `maxLines`, in the midst of a record too. */
  constructor(rejects: Rejects, maxLines: number) {
    this.#rejects = rejects;
    this.#maxLines = maxLines;
  }

  lines({ data, sequenceNumber }: KinesisRecord, shard: KinesisShard): { lines: Buffer[]; rejected: number } {
    const lines: Buffer[] = [];
    let rejected = 0;
    for (const part of this.#parts(Buffer.from(data.buffer, data.byteOffset, data.byteLength), shard)) {
      for (const { bytes, bad } of linesOfData(part)) {
        if (this.read >= this.#maxLines) break;
        this.read++;
        if (bad === undefined) {
          lines.push(bytes);
          continue;
        }
        rejected++;
        const reason = `${bad} (${shard.id}, sequence number ${sequenceNumber})`;
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        this.#rejects.raw({ reason, number: this.read, sha256, head: bytes, length: bytes.length });
      }
    }
    return { lines, rejected };
  }

  /**
   * The data of a record, unpacked where a producer aggregated it. What such a producer sent into the wrong shard, during a split or
   * a merge, it sends once more: as the KCL does, it is passed over here.
   */
  #parts(data: Buffer, { hashKeys }: KinesisShard): Buffer[] {
    const packed = deaggregate(data);
    if (packed === undefined) return [data];
    const own = packed.filter((record) => {
      const hashKey = hashKeyOf(record);
      return hashKey >= hashKeys.first && hashKey <= hashKeys.last;
    });
    this.foreign += packed.length - own.length;
    return own.map((record) => record.data);
  }
}
