import type { Put } from './put.ts';

/** About as many as records may wait at once, so that chains are short; a power of two. */
const slots = 8192;

/** The last waiting record of each order: chains of them, which cost a fifth of a Map. */
export class Tails {
  readonly #heads: (Put | undefined)[] = new Array(slots).fill(undefined);

  /** Makes it the last of its order; gives the one that was. */
  append(put: Put, order: number): Put | undefined {
    const slot = order & (slots - 1);
    const before = this.#take(slot, order);
    put.beside = this.#heads[slot];
    this.#heads[slot] = put;
    return before;
  }

  /** Takes the last of its order out. */
  remove(order: number): void {
    this.#take(order & (slots - 1), order);
  }

  #take(slot: number, order: number): Put | undefined {
    let before: Put | undefined;
    for (let at = this.#heads[slot]; at !== undefined; before = at, at = at.beside) {
      if (at.order !== order) continue;
      if (before === undefined) this.#heads[slot] = at.beside;
      else before.beside = at.beside;
      at.beside = undefined;
      return at;
    }
    return undefined;
  }
}
