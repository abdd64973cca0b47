import type { Call } from '../command.ts';
import type { Sink } from '../delivery.ts';
import type { Source } from '../sources.ts';
import { LocalSink, type SinkTuning } from './local/sink.ts';
import { LocalSource } from './local/source.ts';
import { planOf } from './plan.ts';

export { localStreams } from './local/streams.ts';

/** Appends records to a stream of the local log as the options of put-stream say. `tuning` is for tests. */
export function localSink(call: Call, name: string, tuning: Partial<SinkTuning> = {}): Sink {
  return new LocalSink(call, name, tuning);
}

/** Reads a stream of the local log as the options of get-stream say; one that is not there is a Failure (78). */
export function localSource(call: Call, name: string): Source {
  return new LocalSource(call, name, planOf(call));
}
