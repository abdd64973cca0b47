import type { AppState } from '../../lib/checkpoints.ts';
import { command } from '../../lib/command.ts';
import { Failure } from '../../lib/errors.ts';
import { stateOptions, text } from '../../lib/options.ts';

export default command({
  role: 'tool',
  description:
    'Moves a checkpoint of an app to where you say, while the app does not run. The next run goes on from there: moved back, records come again, and stateful steps know those that they have seen; moved forward, records are left out for good. The number of commits stays as it is. A table, which keeps its own checkpoints, takes records again from where one of its last thousand epochs began, and refuses the next run (65) elsewhere.',
  args: [
    { name: 'APP', summary: 'the name of the app' },
    { name: 'POSITION', summary: 'the position, as the source writes it: see buda state show' },
  ],
  options: {
    source: text('--source <NAME>', 'the source, as the state names it; may be left out where the app has one'),
    shard: text('--shard <NAME>', 'the shard, where the source has several'),
    ...stateOptions,
  },
  examples: [
    {
      run: 'buda state set billing --source stripe:events live:2026-11-24T10:00:00Z',
      shows: 'go on from that instant: what was created since comes again',
    },
  ],
  async run({ args: [app = '', position = ''], options, context }) {
    if (position === '')
      throw new Failure('usage', 'the position is empty', `to begin anew, forget the app: buda state remove ${app}`);
    const checkpoints = await context.openCheckpoints(options.state);
    const document = await checkpoints.read(app);
    if (document === undefined) throw new Failure('misconfigured', `there is no app ${app}`, 'see: buda state list');
    const source = options.source ?? onlySource(document);
    const shard = options.shard ?? '';
    const before = document.sources[source]?.checkpoints[shard] ?? 'no checkpoint';
    await checkpoints.set(app, source, shard, position);
    context.say(`${source}${shard === '' ? '' : ` ${shard}`}: ${before} → ${position}`);
  },
});

function onlySource({ app, sources }: AppState): string {
  const [source, ...others] = Object.keys(sources);
  if (source !== undefined && others.length === 0) return source;
  throw new Failure('usage', `app ${app} has several sources`, `name one: --source ${[source, ...others].join('|')}`);
}
