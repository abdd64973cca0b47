import type { KinesisShard } from '../../aws/kinesis.ts';

/**
 * Which shards may be read: a child only when its parents have been read to their ends, since a key's records go on there. A parent that
 * is no longer listed has passed out of retention, and holds up nobody.
 */
export class Lineage {
  readonly #shards = new Map<string, KinesisShard>();
  readonly #done: Set<string>;
  readonly #given = new Set<string>();
  /** Shards that this run read to their ends, and whose children are not listed yet. */
  readonly #childless = new Set<string>();

  /** `done` are the shards that an earlier run read to their ends. */
  constructor(done: Iterable<string>) {
    this.#done = new Set(done);
  }

  update(shards: readonly KinesisShard[]): void {
    for (const shard of shards) {
      this.#shards.set(shard.id, shard);
      for (const parent of shard.parents) this.#childless.delete(parent);
    }
  }

  finish(id: string): void {
    this.#done.add(id);
    if (this.childrenOf(id).length === 0) this.#childless.add(id);
  }

  /** Every shard that was closed has children; the list of shards may be a little late. */
  get isIncomplete(): boolean {
    return this.#childless.size > 0;
  }

  /** The listed shards that were split or merged from this one. */
  childrenOf(id: string): string[] {
    return [...this.#shards.values()].filter(({ parents }) => parents.includes(id)).map((shard) => shard.id);
  }

  /** The shards that may be begun now, each given once. */
  give(): KinesisShard[] {
    const given = [...this.#shards.values()].filter(
      ({ id, parents }) =>
        !this.#done.has(id) &&
        !this.#given.has(id) &&
        parents.every((parent) => !this.#shards.has(parent) || this.#done.has(parent)),
    );
    for (const { id } of given) this.#given.add(id);
    return given;
  }
}
