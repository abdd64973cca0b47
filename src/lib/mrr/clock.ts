const dayS = 86_400;

/** Who has to be looked at once the clock has passed a second, kept by day. */
export class Clock<T> {
  readonly #days = new Map<number, Set<T>>();

  set(who: T, second: number): void {
    const day = Math.floor(second / dayS);
    const due = this.#days.get(day);
    if (due) due.add(who);
    else this.#days.set(day, new Set([who]));
  }

  /** Those whose second, as `nextOf` tells it now (0: none), is not after `now`; they are forgotten. */
  *takeDue(now: number, nextOf: (who: T) => number): Generator<T> {
    for (const [day, due] of this.#days) {
      if (day * dayS > now) continue;
      for (const who of due) {
        const next = nextOf(who);
        if (next > now && Math.floor(next / dayS) === day) continue;
        due.delete(who);
        if (next > 0 && next <= now) yield who;
      }
      if (due.size === 0) this.#days.delete(day);
    }
  }
}
