import type { KinesisShard } from '../../aws/kinesis.ts';

/**
 * Which shards may be read: a child only when its parents have been read to their ends, since a key's records go on there. A parent that
 * is no longer listed has passed out of retention, and holds up nobody.
 */
export class Lineage {
  readonly #shards = new Map<string, KinesisShard>();
  readonly #done: Set<string>;
  readonly #given = new Set<string>();

  /** `done` are the shards that an earlier run read to their ends. */
  constructor(done: Iterable<string>) {
    this.#done = new Set(done);
  }

  update(shards: readonly KinesisShard[]): void {
    for (const shard of shards) this.#shards.set(shard.id, shard);
  }

  finish(id: string): void {
    this.#done.add(id);
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
