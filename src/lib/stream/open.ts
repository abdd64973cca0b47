import type { Call } from '../command.ts';
import type { Sink } from '../delivery.ts';
import { Failure } from '../errors.ts';
import type { Source } from '../sources.ts';
import { parseStreamName } from './names.ts';

/** The sink of put-stream for the stream of this name. Only what is used is loaded: the SDK where Kinesis is named. */
export async function openSink(call: Call, text: string): Promise<Sink> {
  const { kind, name } = parseStreamName(text, call.context.env);
  if (kind === 'local') {
    if (call.options.aggregate)
      throw new Failure('usage', '--aggregate is for streams of Kinesis', 'leave it out: the local log needs no packing');
    return (await import('./local.ts')).localSink(call, name);
  }
  const { shards, retention, maxSize } = call.options;
  if ([shards, retention, maxSize].some((one) => one !== undefined))
    throw new Failure(
      'usage',
      '--shards, --retention and --max-size are for the local log',
      'Kinesis keeps such settings itself',
    );
  const { kinesisSink } = await import('./kinesis.ts');
  return kinesisSink({ ...call, options: { ...call.options, key: call.options.key ?? 'id' } }, name);
}

/** The source of get-stream for the stream of this name. */
export async function openSource(call: Call, text: string): Promise<Source> {
  const { kind, name } = parseStreamName(text, call.context.env);
  if (kind === 'local') return (await import('./local.ts')).localSource(call, name);
  return (await import('./kinesis.ts')).kinesisSource(call, name);
}
