import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guarded, nothing } from '../src/lib/call.ts';
import { deliver } from '../src/lib/delivery.ts';
import { produce } from '../src/lib/sources.ts';
import { openCheckpoints } from '../src/lib/state/open.ts';
import { localSink, localSource } from '../src/lib/stream/local.ts';
import { batchesOf, testCall, testContext } from './support/context.ts';

/** A source that is stopped anywhere and begins again behind its checkpoint cuts where it would have cut. */

test('a replay cuts at the same places, whatever was committed before it', async () => {
  const context = testContext();
  const { home, host } = context;
  const stores = (url: string | undefined) => openCheckpoints(url, { home, host, now: () => new Date() });
  const world = { ...context, openCheckpoints: stores };
  const store = stores(undefined);
  let trial = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat(4), { maxLength: 8 }),
      async (appends, maxRecords, stops) => {
        const stream = `numbers_${trial++}`;
        let n = 0;
        for (const count of appends) {
          const { call } = testCall('put-stream', {}, world);
          const lines = Array.from({ length: count }, () => `{"id":"e_${n++}"}\n`);
          for await (const _ of guarded(call, deliver(call, localSink(call, stream)))(batchesOf(lines)));
        }

        /** Reads under an app and commits, until `stop` epochs are committed; the next mark is seen, but not committed. */
        const read = async (app: string, stop: number) => {
          const epoch = { maxRecords, maxBytes: 1 << 23 };
          const { call } = testCall('get-stream', { app, exitAtEnd: true, epoch }, world);
          const epochs: string[] = [];
          let records = '';
          let begin: { source: string; term: number; at: number; from: Record<string, string> } | undefined;
          const from: Record<string, string> = {};
          for await (const batch of guarded(call, produce(call, localSource(call, stream)))(nothing())) {
            records += batch.bytes.toString();
            const { control } = batch;
            if (control?.kind === 'begin') {
              begin = control.begin;
              Object.assign(from, control.begin.from);
              await store.claim(control.begin, 'test');
            }
            if (control?.kind !== 'mark' || begin === undefined) continue;
            if (epochs.length === stop) break;
            const { shard = '', to } = control.mark;
            const { source, term, at } = begin;
            const commit = at + epochs.length + 1;
            await store.commit({ app, source, term, commit, shard, from: from[shard], to, sink: 'test', counts: [] });
            from[shard] = to;
            epochs.push(JSON.stringify([shard, to, records]));
            records = '';
          }
          return epochs;
        };

        const whole = await read(`whole-${trial}`, Number.POSITIVE_INFINITY);
        const parts: string[] = [];
        for (const stop of [...stops, Number.POSITIVE_INFINITY]) parts.push(...(await read(`parts-${trial}`, stop)));
        expect(parts).toEqual(whole);
        expect(whole.length).toBeGreaterThanOrEqual(Math.ceil(n / maxRecords));
      },
    ),
    { seed: 23, numRuns: 15 },
  );
  rmSync(home, { recursive: true, force: true });
});
