import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { stateOptions } from '../../lib/options.ts';

export default command({
  role: 'tool',
  description:
    'Forgets an app while it does not run: its checkpoints, and what its stateful steps saved. The next run under that name begins anew. What its sink has delivered stays where it is.',
  args: [{ name: 'APP', summary: 'the name of the app' }],
  options: stateOptions,
  examples: [{ run: 'buda state remove billing', shows: 'forget the app billing' }],
  async run({ args: [app = ''], options, context }) {
    const isRemoved = await (await context.openCheckpoints(options.state)).remove(app);
    if (!isRemoved) throw new Failure('misconfigured', `there is no app ${app}`, 'see: buda state list');
    context.say(`forgot app ${app}`);
  },
});
