import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { stateOptions } from '../../lib/options.ts';

export default command({
  role: 'tool',
  description:
    'Writes the document of an app: its term, its commits, the sink that commits, and for each source the checkpoints, the counters and the last run.',
  args: [{ name: 'APP', summary: 'the name of the app' }],
  options: stateOptions,
  examples: [
    { run: 'buda state show billing', shows: 'where the app billing stands' },
    { run: "buda state show billing | jq '.sources[].checkpoints'", shows: 'its checkpoints alone' },
  ],
  async run({ args: [app = ''], options, context }) {
    const document = await (await context.openCheckpoints(options.state)).read(app);
    if (document === undefined) throw new Failure('misconfigured', `there is no app ${app}`, 'see: buda state list');
    await context.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  },
});
