import type { PutEntry } from '../../aws/put-window.ts';
import { Failure } from '../../errors.ts';
import { Line } from '../../lines.ts';
import { deaggregate, type SubRecord } from './aggregated.ts';
import type { Packer } from './packer.ts';
import { type LinePut, orderOf, type Put } from './put.ts';
import type { ShardMap } from './shard-map.ts';

/**
 * Records of one shard, packed into one record of the Kinesis Producer Library. Its key is that of the first record, so that the service
 * puts it where that one belongs. The next of the same shard leaves when this one is done: the shard's order is kept. While it waits it
 * is nothing but these bytes: what somebody wants to know of a record is read out of them.
 */
export class Aggregate implements Put {
  block: Buffer = empty;
  readonly start = 0;
  partitionKey = '';
  readonly keyStart = -1;
  readonly keyEnd = -1;
  readonly bytes: number;
  readonly order: number;
  next: Put | undefined = undefined;
  beside: Put | undefined = undefined;
  /** The lines' numbers. */
  #numbers: readonly number[] = [];
  readonly #map: ShardMap;
  readonly #packer: Packer;
  /** Where it was meant for; unknown for what is left of one that missed its shard. */
  #shard: string | undefined;

  constructor(puts: readonly LinePut[], shard: string, map: ShardMap, packer: Packer) {
    this.#map = map;
    this.#packer = packer;
    this.#shard = shard;
    this.order = orderOf(Buffer.from(shard), 0, shard.length);
    this.#pack(
      puts,
      puts.map(({ number }) => number),
    );
    this.bytes = this.block.length + Buffer.byteLength(this.partitionKey);
  }

  get end(): number {
    return this.block.length;
  }

  get lines(): readonly Line[] {
    return this.#records().map(({ block, start, end }, i) => new Line(this.#numbers[i] as number, block, start, end - 1));
  }

  get count(): number {
    return this.#numbers.length;
  }

  /**
   * After a split or a merge it may lie in another shard than it was meant for. Readers pass over the records that do not belong there
   * (the KCL does, and get-stream): those go out again, ahead of whatever follows them.
   */
  async isDone(shard: string | undefined): Promise<boolean> {
    if (this.count === 1) return true;
    if (shard === undefined || shard === this.#shard) {
      this.#packer.takeBack(this.block);
      return true;
    }
    const isFound = await this.#map.finder(shard);
    const records = this.#records();
    const isStrange = records.map(({ partitionKey }) => !isFound(partitionKey));
    const rest = records.filter((_, i) => isStrange[i]);
    if (rest.length === 0) return true;
    // The first one's key chose the shard: it cannot be a stranger there.
    if (rest.length === records.length)
      throw new Failure(
        'refused',
        `kinesis put records into ${shard}, whose range of hash keys does not hold their key`,
        'leave out --aggregate, which needs to know where records fall',
      );
    this.#shard = undefined;
    this.#pack(
      rest,
      this.#numbers.filter((_, i) => isStrange[i]),
    );
    return false;
  }

  #pack(records: readonly PutEntry[], numbers: readonly number[]): void {
    const [first] = records as [PutEntry];
    this.#numbers = numbers;
    this.partitionKey = first.partitionKey;
    // One alone needs no wrapping, and may be too large for it.
    this.block = records.length === 1 ? first.block.subarray(first.start, first.end) : this.#packer.pack(records);
  }

  #records(): readonly PutEntry[] {
    const { block, partitionKey, count } = this;
    const packed = count === 1 ? [{ data: block, partitionKey }] : (deaggregate(block) as readonly SubRecord[]);
    return packed.map(({ data, partitionKey: key }) => ({
      block: data,
      start: 0,
      end: data.length,
      keyStart: -1,
      keyEnd: -1,
      partitionKey: key,
    }));
  }
}

const empty = Buffer.alloc(0);
