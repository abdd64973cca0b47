import { command } from '../../lib/command.ts';
import { throwFirst } from '../../lib/errors.ts';
import { defaultKind, streamKinds } from '../../lib/stream/names.ts';
import { openStreams } from '../../lib/stream/streams.ts';

export default command({
  role: 'tool',
  description:
    'Writes a line for each stream: of the local log with its shards, records, bytes and the time of its last record; of Kinesis with its name alone.',
  args: [
    {
      name: 'KIND',
      summary: 'which streams; those where BUDA_STREAMS says, local by default',
      optional: true,
      choices: streamKinds,
    },
  ],
  options: {},
  examples: [
    { run: 'buda stream list', shows: 'every stream of the local log' },
    { run: "buda stream list | jq -r 'select(.records > 0) | .name'", shows: 'those that hold something' },
  ],
  async run({ args, context }) {
    const kind = streamKinds.find((one) => one === args[0]) ?? defaultKind(context.env);
    const streams = await openStreams(context, kind, undefined);
    try {
      const failures: unknown[] = [];
      for (const stream of await streams.list((error) => failures.push(error)))
        await context.stdout.write(`${JSON.stringify(stream)}\n`);
      throwFirst(failures, context);
    } finally {
      streams.close();
    }
  },
});
