/** Who has to be looked at once something that was missing is known, by the thing's key. */
export class Waiting<T> {
  readonly #waiting = new Map<string, Set<T>>();

  add(who: T, keys: readonly string[]): void {
    for (const key of keys) {
      const waiting = this.#waiting.get(key);
      if (waiting) waiting.add(who);
      else this.#waiting.set(key, new Set([who]));
    }
  }

  /** Everybody who waited for it; they are forgotten. */
  take(key: string): Iterable<T> {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return waiting;
  }
}
