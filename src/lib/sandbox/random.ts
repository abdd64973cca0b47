/** A stream of chance that always says the same for the same keys (FNV-1a into mulberry32): each thing of a story has its own, so that none disturbs another. */
export class Random {
  #state: number;

  constructor(...keys: readonly (string | number)[]) {
    let hash = 0x811c9dc5;
    for (const key of keys) {
      const text = `${key}|`;
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.#state = hash;
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }

  /** One of the choices, each as likely as its weight. */
  weigh<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) if ((left -= weight) < 0) return choice;
    return choices.at(-1)![1];
  }

  /** A waiting time of this mean, never less than one second. */
  wait(meanS: number): number {
    return Math.max(1, Math.round(-Math.log(1 - this.next()) * meanS));
  }
}

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const wheel = 62 ** 5;

/** An id that looks like Stripe's: the same for the same seed and number, another for any other number, and without a hint of their order. */
export function makeId(prefix: string, seed: number, number: number, length = 24): string {
  const random = new Random(seed, prefix, number);
  let id = prefix;
  for (let i = 0; i < length - 5; i++) id += letters[Math.floor(random.next() * 62)];
  // The factor has none in common with 62, so no two numbers meet on the wheel.
  let rest = ((number + 1) * 99_999_989 + seed) % wheel;
  for (let i = 0; i < 5; i++) {
    id += letters[rest % 62];
    rest = Math.floor(rest / 62);
  }
  return id;
}
