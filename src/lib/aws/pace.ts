import { setTimeout as sleep } from 'node:timers/promises';
import { retry } from '../retry.ts';
import { AwsError, judgeAws } from './errors.ts';

/** How patiently AWS is asked, and what a test makes smaller or surer of it: waits, clocks, chance. */
export interface Pace {
  random: () => number;
  /** The time of day, in milliseconds. */
  now: () => number;
  /** A clock that only goes on, in milliseconds. */
  elapsed: () => number;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Tries of one request, or tries in a row in which no record was taken. */
  tries: number;
  baseDelayMs: number;
  maxDelayMs: number;
}

/** Some twenty seconds of trying, with the waits drawn at random so that many writers do not come back at once. */
export const defaultPace: Pace = {
  random: Math.random,
  now: Date.now,
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal });
  },
  tries: 10,
  baseDelayMs: 100,
  maxDelayMs: 5_000,
};

/** Tries through whatever a wait may mend; `note` tells the person what is waited for. */
export async function retryAws<T>(
  { tuning, signal, note }: { tuning: Pace; signal: AbortSignal; note: (note: string | undefined) => void },
  attempt: () => Promise<T>,
  judge = judgeAws,
): Promise<T> {
  let isNoted = false;
  const onWait = (_: number, delayMs: number, error: unknown) => {
    isNoted = true;
    note(waitNote(delayMs, error));
  };
  const result = await retry({ ...tuning, sleep: (ms) => tuning.sleep(ms, signal), onWait }, attempt, judge);
  if (isNoted) note(undefined);
  return result;
}

/** What the progress says during a wait. */
export function waitNote(delayMs: number, error: unknown): string {
  return `waiting ${(delayMs / 1000).toFixed(1)} s: ${error instanceof AwsError ? error.code : 'no answer'}`;
}
