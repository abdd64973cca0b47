import { nothing, readInput, writeOutput } from '../lib/call.ts';
import { command } from '../lib/command.ts';
import { exitOf, exits } from '../lib/errors.ts';
import { flag } from '../lib/options.ts';
import { summarise } from '../lib/progress.ts';
import { Pipeline } from '../lib/run/pipeline.ts';
import { planPipeline } from '../lib/run/plan.ts';
import { tableOf } from '../lib/run/table.ts';

export default command({
  role: 'server',
  description:
    "Runs the steps of a pipeline in one process, with the same records, marks, commits and exit code as the shell's pipe under pipefail, but without writing and reading every line in between. The steps of buda need no buda before them; any other program is run by buda each. Words are quoted as in a shell; there are no variables, patterns, redirections or other features of one. The first step may read stdin, the last may write stdout.",
  args: [{ name: 'PIPELINE', summary: "the steps, with | between them, as one word: 'A | B | C'" }],
  options: { dryRun: flag('--dry-run', 'write what would run, a line for each step, and run nothing') },
  sections: {
    'EXIT STATUS':
      'That of the last step that failed, as a shell tells it under pipefail; a step whose reader has gone has not failed. With -v a table of what every step counted is said at the end.',
  },
  examples: [
    {
      run: `buda run -v "get-stream tracking_events --app paths -e | jq -c '{id, path: .properties.path}' | put-stream paths"`,
      shows: 'a pipeline with a foreign filter in one process, and what each step counted',
    },
    { run: "buda run --dry-run 'get-stream tracking_events -e | grep page_viewed'", shows: 'what would run' },
    { run: "buda run 'each -- jq -c . | each --ok 1 -- grep ada' < events.ndjson", shows: 'stdin to stdout' },
  ],
  async run({ args: [text = ''], options, context, entries }) {
    const planned = await planPipeline(text, entries);
    if (options.dryRun) {
      for (const { name, command, words } of planned) {
        await context.stdout.write(`${JSON.stringify({ step: name, role: command.role, words })}\n`);
      }
      return 0;
    }
    const began = performance.now();
    const pipeline = await Pipeline.open(planned, context, entries);
    let isReaderGone = false;
    try {
      const input = planned[0]?.command.role === 'source' ? nothing() : readInput(pipeline.first);
      return await writeOutput(context, pipeline.pass(input), { atOnce: planned.some(({ command }) => command.runsPrograms) });
    } catch (error) {
      isReaderGone = exitOf(error) === exits.readerGone.code;
      throw error;
    } finally {
      await pipeline.close();
      for (const line of tableOf(pipeline.counts())) context.detail(line);
      const isQuiet = (options as { quiet?: boolean }).quiet === true || isReaderGone;
      if (!isQuiet) context.say(summarise(context.progress, performance.now() - began));
    }
  },
});
