import { command } from '../../lib/command.ts';
import { Flattener } from '../../lib/flatten/flatten.ts';
import { flatten } from '../../lib/flatten/step.ts';
import { count, readingOptions, text } from '../../lib/options.ts';
import { toLatin1 } from '../../lib/splice/text.ts';

export default command({
  role: 'transform',
  description:
    'Turns nested objects into columns: {"user":{"id":1}} becomes {"user_id":1}. Arrays are kept as JSON text, and so are empty objects and what lies deeper than --depth. Values stay as they are written, long numbers too; a record that is flat goes on byte for byte.',
  options: {
    separator: text('--separator <TEXT>', 'what joins the names', '_'),
    depth: count('--depth <N>', 'how many levels of objects become columns; deeper ones are kept as JSON text (default all)'),
    ...readingOptions,
  },
  examples: [
    { run: 'buda transform flatten < events.ndjson', shows: 'properties.path becomes the column properties_path' },
    {
      run: 'buda get-stream tracking_events --app warehouse -e | buda transform flatten | buda put-table tracking_events',
      shows: 'a table with a column for each property',
    },
    { run: 'buda transform flatten --separator . --depth 1 < movements.ndjson', shows: 'other names, and one level only' },
  ],
  sections: {
    'NAMES THAT MEET':
      'Where two fields come to one name, as user_id and user.id do, the one that lies less deep keeps it, then the first; the others are numbered: user_id_2. How many records this met is told at the end. Another separator, as two underscores, keeps them apart.',
  },
  step(call) {
    const { separator, depth = Number.POSITIVE_INFINITY } = call.options;
    const flattener = new Flattener(toLatin1(JSON.stringify(separator)).slice(1, -1), depth);
    return flatten(call, flattener, {
      async close() {
        for (const [name, records] of [...flattener.collisions].slice(0, 10)) {
          const shown = Buffer.from(name, 'latin1').toString();
          call.context.say(
            `several fields come to the name ${shown} in ${records} ${records === 1 ? 'record' : 'records'}: another --separator keeps them apart`,
          );
        }
      },
    });
  },
});
