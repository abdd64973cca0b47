import type { Checkpoints } from '../../src/lib/checkpoints.ts';
import type { Batch } from '../../src/lib/lines.ts';
import type { Begin } from '../../src/lib/marks.ts';
import { produce } from '../../src/lib/sources.ts';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { accountOf, type Tuning } from '../../src/lib/stripe/client.ts';
import { readPlace } from '../../src/lib/stripe/place.ts';
import { type Plan, StripeSource } from '../../src/lib/stripe/source.ts';
import { type TestContext, testCall, testContext } from '../support/context.ts';

export const fast: Partial<Tuning> = { baseDelayMs: 1, maxDelayMs: 4 };

export interface Run {
  base: string;
  key?: string;
  app?: string;
  home?: string;
  plan?: Partial<Plan>;
  tuning?: Partial<Tuning>;
  account?: string;
  context?: TestContext;
  /** The pipe breaks when mark number `breakAt` comes: it is not committed. */
  breakAt?: number;
  /** Called with each batch as it leaves. */
  onBatch?: (batch: Batch) => void;
}

export interface Outcome {
  /** Records of committed epochs; all of them where there is no app. */
  lines: string[];
  /** Records that left, but whose mark did not. */
  unmarked: string[];
  marks: string[];
  context: TestContext;
}

/** The state store under a home. */
export function storeOf(home: string): Checkpoints {
  return openCheckpoints(undefined, { home, host: testContext({ home }).host, now: () => new Date() });
}

/** Runs the source as the whole of a pipe, its sink being a list that commits each mark. */
export async function crawl({
  base,
  key = 'sk_test_1234567890',
  app,
  home,
  plan,
  tuning,
  account,
  context: given,
  breakAt,
  onBatch,
}: Run): Promise<Outcome> {
  const place = given ?? testContext(home === undefined ? {} : { home });
  const context: TestContext = { ...place, openCheckpoints: () => storeOf(place.home) };
  const { call } = testCall('produce stripe', { app, account }, context);
  const source = new StripeSource(
    call,
    accountOf({ STRIPE_API_KEY: key, STRIPE_API_BASE: base }, undefined, account),
    {
      names: [],
      isBackfill: false,
      follow: false,
      pollMs: 1,
      overlapMs: 3_600_000,
      from: readPlace('--position', 'beginning'),
      until: undefined,
      count: undefined,
      ratePerSecond: 100_000,
      ...plan,
    },
    { ...fast, ...tuning },
  );
  const outcome: Outcome = { lines: [], unmarked: [], marks: [], context };
  const committed = app === undefined ? undefined : committer(storeOf(place.home));
  for await (const batch of produce(call, source)(nothing())) {
    onBatch?.(batch);
    outcome.unmarked.push(...linesOf(batch));
    const control = batch.control;
    if (control?.kind === 'begin') committed?.begin(control.begin);
    if (control?.kind !== 'mark') continue;
    if (breakAt !== undefined && outcome.marks.length + 1 >= breakAt) return outcome;
    await committed?.mark(control.mark.shard ?? '', control.mark.to);
    outcome.marks.push(`${control.mark.shard ?? ''} ${control.mark.to}`);
    outcome.lines.push(...outcome.unmarked.splice(0));
  }
  if (app === undefined) outcome.lines.push(...outcome.unmarked.splice(0));
  return outcome;
}

/** Commits marks as a sink does. */
export function committer(checkpoints: Checkpoints) {
  let begin: Begin;
  let commit = 0;
  const positions: Record<string, string> = {};
  return {
    begin(given: Begin) {
      begin = given;
      commit = given.at;
      Object.assign(positions, given.from);
    },
    async mark(shard: string, to: string) {
      commit++;
      const { app, source, term } = begin;
      await checkpoints.commit({ app, source, term, commit, shard, from: positions[shard], to, sink: 'test', counts: [] });
      positions[shard] = to;
    },
  };
}

export function linesOf(batch: Batch): string[] {
  return batch.count === 0 ? [] : batch.bytes.toString().trimEnd().split('\n');
}

export function idsOf(lines: readonly string[]): string[] {
  return lines.map((line) => JSON.parse(line).id as string);
}

async function* nothing(): AsyncGenerator<never> {}
