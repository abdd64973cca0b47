import { Failure } from '../../errors.ts';
import { Line } from '../../lines.ts';
import { orderOf, type Put } from '../put/put.ts';
import { deaggregate, type SubRecord } from './aggregated.ts';
import { type Packer, packAgain } from './packer.ts';
import type { ShardMap } from './shard-map.ts';

/**
 * Records of one shard, packed into one record of the Kinesis Producer Library. Its key is that of the first record, so that the service
 * puts it where that one belongs. The next of the same shard leaves when this one is done: the shard's order is kept. While it waits it
 * is nothing but these bytes: what somebody wants to know of a record is read out of them.
 */
export class Aggregate implements Put {
  block: Buffer;
  readonly start = 0;
  partitionKey: string;
  readonly keyStart = -1;
  readonly keyEnd = -1;
  readonly bytes: number;
  readonly order: number;
  next: Put | undefined = undefined;
  beside: Put | undefined = undefined;
  /** The lines' numbers. */
  #numbers: readonly number[];
  readonly #map: ShardMap;
  readonly #packer: Packer;
  /** Where it was meant for; unknown for what is left of one that missed its shard. */
  #shard: string | undefined;

  /** `data` holds the records of these lines; one alone is the line itself. */
  constructor(data: Buffer, partitionKey: string, numbers: readonly number[], shard: string, map: ShardMap, packer: Packer) {
    this.block = data;
    this.partitionKey = partitionKey;
    this.bytes = data.length + Buffer.byteLength(partitionKey);
    this.order = orderOf(Buffer.from(shard), 0, shard.length);
    this.#numbers = numbers;
    this.#map = map;
    this.#packer = packer;
    this.#shard = shard;
  }

  get end(): number {
    return this.block.length;
  }

  get lines(): readonly Line[] {
    return this.#records().map(({ data }, i) => new Line(this.#numbers[i] as number, data, 0, data.length - 1));
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
    const [first] = rest;
    if (first === undefined) return true;
    // The first one's key chose the shard: it cannot be a stranger there.
    if (rest.length === records.length)
      throw new Failure(
        'refused',
        `kinesis put records into ${shard}, whose range of hash keys does not hold their key`,
        'leave out --aggregate, which needs to know where records fall',
      );
    this.#shard = undefined;
    this.#numbers = this.#numbers.filter((_, i) => isStrange[i]);
    this.partitionKey = first.partitionKey;
    this.block = rest.length === 1 ? first.data : packAgain(rest);
    return false;
  }

  #records(): readonly Pick<SubRecord, 'data' | 'partitionKey'>[] {
    if (this.count === 1) return [{ data: this.block, partitionKey: this.partitionKey }];
    return deaggregate(this.block) as readonly SubRecord[];
  }
}
