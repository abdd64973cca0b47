import { defaultPace, type Pace } from '../../aws/pace.ts';
import type { Call } from '../../command.ts';
import type { Sink } from '../../delivery.ts';
import { Failure } from '../../errors.ts';
import { KeyedLines } from '../put/keyed-lines.ts';
import { LineWriter } from '../put/line-writer.ts';
import { firehoseLimits } from '../put/put.ts';
import { PutSink } from '../put/put-sink.ts';

/**
 * Puts records into a stream of Firehose: a record's data is its line with its `\n`, so that what Firehose joins is NDJSON. They have no keys, and keep
 * no order. A crash or a broken connection may double records, and so may Firehose behind it: at least once. Throws a Failure (2) for a name that
 * Firehose would refuse anyway. Source: its API reference, DeliveryStreamName. `pace` is for tests.
 */
export function firehoseSink(call: Call, stream: string, pace: Partial<Pace> = {}): Sink {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(stream))
    throw new Failure(
      'usage',
      `a stream of Firehose is named with letters, digits, "_", "." and "-", at most 64 of them; not ${JSON.stringify(stream.slice(0, 200))}`,
    );
  const lines = new KeyedLines(call.rejects, firehoseLimits);
  return new PutSink(call, {
    id: `firehose:${stream}`,
    limits: firehoseLimits,
    pace: { ...defaultPace, ...pace },
    lines,
    open: async () => new (await import('../../aws/firehose.ts')).Firehose(),
    putter: (firehose, signal) => firehose.putter(stream, { signal }),
    writer: (queue) => new LineWriter(lines, queue),
  });
}
