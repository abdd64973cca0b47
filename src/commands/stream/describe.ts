import { command } from '../../lib/command.ts';
import { stateOptions } from '../../lib/options.ts';
import { parseStreamName } from '../../lib/stream/names.ts';
import { openStreams } from '../../lib/stream/streams.ts';

export default command({
  role: 'tool',
  description:
    'Writes what there is to know of a stream of the local log: its shards with the sequence numbers of their first and last records, how many records and bytes it holds, how long it keeps them, and the apps that read it with their lag: what they have yet to commit. Of a stream of Kinesis: what the service tells of it and its shards, and the apps.',
  args: [{ name: 'NAME', summary: 'the stream: NAME, local:NAME or kinesis:NAME' }],
  options: stateOptions,
  examples: [
    { run: 'buda stream describe mrr_movements', shows: 'all of it' },
    { run: "buda stream describe mrr_movements | jq -c '.apps[] | {app, lag}'", shows: 'how far its apps are behind' },
  ],
  async run({ args, options, context }) {
    const { kind, name } = parseStreamName(args[0] ?? '', context.env);
    const streams = await openStreams(context, kind, options.state);
    try {
      await context.stdout.write(`${JSON.stringify(await streams.describe(name), null, 2)}\n`);
    } finally {
      streams.close();
    }
  },
});
