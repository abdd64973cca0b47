import { command } from '../../lib/command.ts';
import { rememberingOptions } from '../../lib/dedupe/options.ts';
import { dropRepeats } from '../../lib/dedupe/step.ts';
import { readingOptions, stateOptions, texts } from '../../lib/options.ts';

export default command({
  role: 'transform',
  description:
    'Lets each record through once: the first of those with the same id, or the same id and revision where there is one. The rest are left out; what goes on goes on byte for byte. Identities are compared by a keyed hash of 128 bits, so that none is left out by mistake. A record without an identity is known by its whole line. Under an app what was seen is kept between runs.',
  options: {
    key: texts('--key <PATH>', 'what tells records apart instead, as user.id; several times for several parts'),
    ...rememberingOptions(),
    ...stateOptions,
    ...readingOptions,
  },
  examples: [
    {
      run: 'cat events.ndjson events.ndjson | buda transform dedupe > once.ndjson',
      shows: 'a dump that holds some records twice',
    },
    {
      run: 'buda get-stream tracking_events --app once -e | buda transform dedupe --window 90d | buda put-stream tracked_once',
      shows: 'a stream into another, each record once, over all runs of the last 90 days',
    },
    {
      run: 'buda transform dedupe --key user_id --key type < events.ndjson',
      shows: 'the first record of each type of each user',
    },
  ],
  sections: {
    'HOW LONG IS REMEMBERED':
      'Without --window all is remembered: 20 bytes an identity on disk, and a filter in memory. A window of N remembers the last N identities; one of time, those whose first record is so much older than the latest time in any record; a record without a time counts as if it had come with the one before. Both are forgotten by eighths, so that up to an eighth more is remembered. Only the records decide, never the clock of the machine: the same records in the same order come to the same.',
  },
  step(call) {
    const { key, window, time, memory, state, rebuild } = call.options;
    return dropRepeats(call, { keys: key, window, time, memoryBytes: memory, state, rebuild });
  },
});
