/** A token bucket: so many requests a second, in bursts of no more than a tenth of that. `elapsedMs` is a clock that only goes on. */
export class Rate {
  readonly #perMs: number;
  readonly #size: number;
  readonly #elapsedMs: () => number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, elapsedMs: () => number) {
    this.#perMs = perSecond / 1_000;
    this.#size = Math.max(1, perSecond / 10);
    this.#elapsedMs = elapsedMs;
    this.#tokens = this.#size;
    this.#atMs = elapsedMs();
  }

  /** Takes one token and says how long to wait before it counts. */
  take(): number {
    const nowMs = this.#elapsedMs();
    this.#tokens = Math.min(this.#size, this.#tokens + (nowMs - this.#atMs) * this.#perMs) - 1;
    this.#atMs = nowMs;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** The other side said that it was too fast: no burst follows. */
  empty(): void {
    this.#tokens = Math.min(this.#tokens, 0);
  }
}
