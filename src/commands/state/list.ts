import { command } from '../../lib/command.ts';
import { throwFirst } from '../../lib/errors.ts';
import { stateOptions } from '../../lib/options.ts';
import type { ListedApp } from '../../lib/state/folder.ts';

export default command({
  role: 'tool',
  description:
    'Writes a line for each app: its term, its commits so far, the sink that commits, its sources, when its document last changed, and whether a source of it runs now.',
  options: stateOptions,
  examples: [
    { run: 'buda state list', shows: 'every app of the state store' },
    { run: "buda state list | jq -r 'select(.running | not) | .app'", shows: 'the apps that do not run' },
  ],
  async run({ options, context }) {
    const failures: unknown[] = [];
    const apps = (await (await context.openCheckpoints(options.state)).list((error) => failures.push(error))) as ListedApp[];
    for (const { app, term, commits, sink, sources, updated_at, running } of apps) {
      await context.stdout.write(
        `${JSON.stringify({ app, term, commits, sink, sources: Object.keys(sources), updated_at, running })}\n`,
      );
    }
    throwFirst(failures, context);
  },
});
