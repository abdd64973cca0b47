import { command } from '../../lib/command.ts';
import { count, readingOptions } from '../../lib/options.ts';
import { changeBy, loadOwn } from '../../lib/own/module.ts';
import { readsOf } from '../../lib/own/reads.ts';
import { eachInTime } from '../../lib/steps.ts';

export default command({
  role: 'transform',
  description:
    'Runs a JavaScript function on each record: the default export of a file, which is named by a path (./mine.js). What it gives goes on: a record, an array of several, or nothing (undefined, null) to leave the record out. It may be async: up to --concurrency calls are under way at once, and the records leave in the order in which they came. Marks are seen to. What it throws rejects the record. A value that it leaves as it was stays as it is written: long numbers, 1.0, escapes.',
  args: [{ name: 'FILE', summary: 'the file, as a path: ./mine.js' }],
  options: {
    concurrency: count('--concurrency <N>', 'how many calls of an async function may be under way at once', 1, 1, 10_000),
    ...readingOptions,
  },
  examples: [
    { run: 'buda transform ./mine.js < events.ndjson', shows: 'export default (record) => record' },
    {
      run: 'buda get-stream tracking_events --app mine -e | buda transform ./mine.js --concurrency 8 | buda put-stream mine',
      shows: 'under an app, eight calls at a time',
    },
  ],
  sections: {
    TYPES:
      "In TypeScript: import type { Transform } from 'buda'; const mine: Transform = (record) => record; export default mine. To the function numbers are JavaScript's: a whole number beyond 9007199254740991 has lost digits there, and keeps them in what is written only as long as the function leaves it alone, under its name, in a record of the line that it was called with.",
    SPEED:
      'Where its source shows that the function only names fields of its record (record.type, or ({ id, type }) => …) and gives it back, these alone are parsed; to copy the record ({ ...record }) or to hand it on has all of it parsed. A record that comes back so keeps the bytes of every field that is not named, even where a name comes twice among them.',
  },
  async step(call) {
    const [path = ''] = call.args;
    call.context.keepStdout();
    const own = await loadOwn(path);
    return eachInTime(call, changeBy(own, path, await readsOf(own)), call.options.concurrency);
  },
});
