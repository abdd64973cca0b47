import { command } from '../../lib/command.ts';
import { stateOptions } from '../../lib/options.ts';
import { parseStreamName } from '../../lib/stream/names.ts';
import { openStreams, refuseWhileUsed } from '../../lib/stream/streams.ts';

export default command({
  role: 'tool',
  description:
    'Deletes a stream with all its records, at once and without asking; refused while an app runs that reads or writes it. Apps keep their checkpoints. A local stream that is made again under the same name goes on with higher sequence numbers, so that an app that had not read all of it is told (65).',
  args: [{ name: 'NAME', summary: 'the stream: NAME, local:NAME or kinesis:NAME' }],
  options: stateOptions,
  examples: [{ run: 'buda stream delete tracking_events', shows: 'delete a stream of the local log' }],
  async run({ args, options, context }) {
    const stream = parseStreamName(args[0] ?? '', context.env);
    await refuseWhileUsed(stream, context, options.state);
    const streams = await openStreams(context, stream.kind, options.state);
    try {
      await streams.delete(stream.name);
    } finally {
      streams.close();
    }
    context.say(`deleted ${stream.kind}:${stream.name}`);
  },
});
