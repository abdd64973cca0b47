import { command } from '../../lib/command.ts';
import { fileArgument, filterOptions, readDeadLetters } from '../../lib/dead-letters/read.ts';
import type { DeadLetter } from '../../lib/rejects.ts';

interface Group {
  step: string;
  reason: string;
  letters: number;
  first_at: string;
  last_at: string;
}

/** Reasons come from a small set; what a foreign program makes of it must not fill the memory. */
const maxGroups = 10_000;

export default command({
  role: 'tool',
  description:
    'Counts the dead letters of a file: a line for each step and reason, the most frequent first, with the times of the first and the last. Letters in a stream are read through a pipe: buda get-stream NAME -e | buda dead-letter list -.',
  args: [fileArgument],
  options: filterOptions,
  examples: [
    {
      run: 'printf \'{"id":1}\\nnot a record\\n\' | buda each --dead-letter bad.ndjson -- cat\nbuda dead-letter list bad.ndjson',
      shows: 'what was rejected, and why',
    },
  ],
  async run(call) {
    const groups = new Map<string, Group>();
    try {
      for await (const { letter } of readDeadLetters(call)) count(groups, letter);
    } finally {
      for (const group of [...groups.values()].sort((a, b) => b.letters - a.letters)) {
        await call.context.stdout.write(`${JSON.stringify(group)}\n`);
      }
    }
  },
});

function count(groups: Map<string, Group>, { step, reason: given, at }: DeadLetter): void {
  const keyOf = (reason: string) => JSON.stringify([step, reason]);
  const reason = groups.has(keyOf(given)) || groups.size < maxGroups ? given : 'other reasons';
  const group = groups.get(keyOf(reason)) ?? { step, reason, letters: 0, first_at: at, last_at: at };
  group.letters++;
  if (at < group.first_at) group.first_at = at;
  if (at > group.last_at) group.last_at = at;
  groups.set(keyOf(reason), group);
}
