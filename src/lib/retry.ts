/** When and how long to wait between tries of one request. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  tries: number;
  /** The longest first wait; it doubles with each try up to `maxDelayMs`. The wait itself is drawn between half of that and all of it. */
  baseDelayMs: number;
  maxDelayMs: number;
  random: () => number;
  /** Waits; throws as soon as the signal is set. */
  sleep: (ms: number) => Promise<void>;
  /** What to tell while waiting. */
  onWait?: (attempt: number, delayMs: number, error: unknown) => void;
}

/** What a failed try means: not to be tried again, or again, after at least `afterMs` where the other side asked for it. */
export type Verdict = { again: false } | { again: true; afterMs?: number };

/** Calls until it succeeds, the verdict says no, or the tries are used up; then the last error is thrown. */
export async function retry<T>(
  policy: RetryPolicy,
  attempt: (number: number) => Promise<T>,
  judge: (error: unknown) => Verdict,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      const verdict = judge(error);
      if (!verdict.again || number >= policy.tries) throw error;
      const delayMs = Math.max(verdict.afterMs ?? 0, backOffMs(policy, number));
      policy.onWait?.(number, delayMs, error);
      await policy.sleep(delayMs);
    }
  }
}

/** The wait before try `number + 1`. */
export function backOffMs(
  { baseDelayMs, maxDelayMs, random }: Pick<RetryPolicy, 'baseDelayMs' | 'maxDelayMs' | 'random'>,
  number: number,
): number {
  const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** (number - 1));
  return Math.round(ceiling * (0.5 + random() / 2));
}
