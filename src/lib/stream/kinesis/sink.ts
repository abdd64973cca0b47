import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { KeyedLines } from '../put/keyed-lines.ts';
import { LineWriter } from '../put/line-writer.ts';
import { kinesisLimits } from '../put/put.ts';
import { PutSink } from '../put/put-sink.ts';
import { Aggregator } from './aggregator.ts';
import { listShards, ShardMap } from './shard-map.ts';
import { defaultTuning, type Tuning } from './tuning.ts';

/**
 * Puts records into a Kinesis stream; a record's data is its line with its `\n`, so that whatever joins records (Firehose, `cat`) yields
 * NDJSON. The order within a key is kept, also through partial failures. A crash or a broken connection may double records: at least once.
 */
export function openKinesisSink(call: Call, stream: string, given: Partial<Tuning>): Sink {
  const tuning = { ...defaultTuning, ...given };
  const isAggregating = call.options.aggregate === true;
  const lines = new KeyedLines(call.rejects, kinesisLimits, (call.options.key as string | undefined) ?? 'id');
  return new PutSink(call, {
    id: `kinesis:${stream}`,
    limits: kinesisLimits,
    pace: tuning,
    lines,
    open: tuning.open,
    putter: (kinesis, signal) => kinesis.putter(stream, { signal, tellsShards: isAggregating }),
    async writer(queue, kinesis, note) {
      if (!isAggregating) return new LineWriter(lines, queue);
      const map = new ShardMap((wanted) => listShards(kinesis, stream, wanted, { tuning, signal: queue.closed, note }));
      await map.refresh();
      return new Aggregator(lines, queue, map);
    },
  });
}
