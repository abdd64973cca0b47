import { command } from '../lib/command.ts';
import { filter } from '../lib/each/filter.ts';
import { Failure } from '../lib/errors.ts';
import { count, duration, flagOf, type Option, readingOptions } from '../lib/options.ts';

const okFlags = '--ok <CODES>';
const okCodes: Option<number[]> = {
  flags: okFlags,
  summary: 'exit codes besides 0 that are no failure, with commas between them: --ok 1 for grep',
  fallback: [],
  parse(text) {
    const codes = text.split(',').map((code) => (/^\d{1,3}$/.test(code) ? Number(code) : Number.NaN));
    if (codes.every((code) => code <= 255)) return codes;
    throw new Failure('usage', `${flagOf(okFlags)} takes exit codes from 0 to 255 like 1 or 1,4; not ${JSON.stringify(text)}`);
  },
};

export default command({
  role: 'transform',
  runsPrograms: true,
  description:
    'Runs a filter that knows nothing of marks: jq, grep, sort, awk, a script. Under marks one child runs for each epoch: it is fed the records, what it writes is held (4 MiB in memory, then a temporary file) until it has ended well, and then the mark goes on. So sort and jq -s see one epoch. A child that fails leaves the epoch unmarked, and the step ends with 75; under --dead-letter its records are kept there instead. Without marks it is a plain pipe through one child.',
  args: [{ name: 'CMD', summary: 'the program and its arguments, behind --', many: true }],
  options: {
    jobs: count('-j, --jobs <N>', 'how many epochs are run side by side; they leave in order', 1, 1, 1024),
    ok: okCodes,
    timeout: duration('--timeout <DURATION>', 'under marks: a child that takes longer for an epoch is killed, and has failed'),
    ...readingOptions,
  },
  sections: {
    'WHAT THE PROGRAM SEES':
      'Records, one a line, on its stdin, and nothing of the marks; an epoch without records starts no child. Its stdin, stdout and stderr are sockets: read and write them, but do not open /dev/stdin anew. It need not read to the end: head -n 1 is content with one record. A line that it writes is taken as a record, or rejected; what looks like a mark is no mark. A child that was running when the first SIGINT or SIGTERM came is run once more, on the same records: the signal may have been its own as well.',
  },
  examples: [
    { run: 'buda each -- jq -c \'select(.type == "page_viewed")\' < events.ndjson', shows: 'select records with jq' },
    {
      run: "buda get-stream tracking_events --app paths -e | buda each -j 2 -- jq -c '{id, path: .properties.path}' | buda put-stream paths",
      shows: 'the same under an app, two epochs at a time: what was committed is not done again',
    },
    { run: 'buda each --ok 1 -- grep -F \'"ada@example.com"\' < events.ndjson', shows: 'grep: nothing found is no failure' },
  ],
  step: (call) =>
    filter(call, { words: call.args, okCodes: call.options.ok, timeoutMs: call.options.timeout }, call.options.jobs),
});
