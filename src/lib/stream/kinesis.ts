import type { KinesisSummary } from '../aws/kinesis.ts';
import { retryAws } from '../aws/pace.ts';
import type { Call } from '../command.ts';
import type { Context } from '../context.ts';
import type { Sink } from '../delivery.ts';
import { Failure } from '../errors.ts';
import type { Source } from '../sources.ts';
import { openKinesisSink } from './kinesis/sink.ts';
import { KinesisSource } from './kinesis/source.ts';
import { defaultTuning, type Tuning } from './kinesis/tuning.ts';
import { planOf } from './plan.ts';

/** Puts records into a stream of Kinesis that is there: one that is not is a Failure (78). `tuning` is for tests. */
export function kinesisSink(call: Call, name: string, tuning: Partial<Tuning> = {}): Sink {
  return openKinesisSink(call, checkedName(name), tuning);
}

/** Reads a stream of Kinesis as the options of get-stream say. `tuning` is for tests. */
export function kinesisSource(call: Call, name: string, tuning: Partial<Tuning> = {}): Source {
  return new KinesisSource(call, checkedName(name), planOf(call), tuning);
}

interface KinesisStreams {
  /** The names of all streams of this account and region. */
  list(): Promise<string[]>;
  describe(name: string): Promise<KinesisSummary & { shards: { id: string; parents: readonly string[]; is_closed: boolean }[] }>;
  delete(name: string): Promise<void>;
  close(): void;
}

/** Looks after streams: what `buda stream list|describe|delete` does for Kinesis. Making one is left to those who pay for its shards. */
export function kinesisStreams(context: Context, tuning: Partial<Tuning> = {}): KinesisStreams {
  const full = { ...defaultTuning, ...tuning };
  const opened = full.open();
  // Whoever asks first hears of it.
  opened.catch(() => {});
  const note = (text: string | undefined) => {
    context.progress.note = text;
  };
  const ask = <T>(request: (kinesis: Awaited<typeof opened>) => Promise<T>): Promise<T> =>
    retryAws({ tuning: full, signal: context.stopped, note }, async () => request(await opened));
  return {
    list: () => ask((kinesis) => kinesis.names()),
    describe: async (name) => {
      const stream = checkedName(name);
      const summary = await ask((kinesis) => kinesis.summary(stream));
      const shards = await ask((kinesis) => kinesis.shards(stream));
      return { ...summary, shards: shards.map(({ id, parents, isClosed }) => ({ id, parents, is_closed: isClosed })) };
    },
    delete: (name) => ask((kinesis) => kinesis.delete(checkedName(name))),
    close: () =>
      void opened.then(
        (kinesis) => kinesis.close(),
        () => {},
      ),
  };
}

/** Refuses what Kinesis would refuse anyway, before anything is sent. Source: the API reference of Kinesis, StreamName. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_.-]{1,128}$/.test(name)) return name;
  throw new Failure(
    'usage',
    `a stream of Kinesis is named with letters, digits, "_", "." and "-", at most 128 of them; not ${JSON.stringify(name.slice(0, 200))}`,
  );
}
