import { command } from '../../lib/command.ts';
import { fileArgument, filterOptions, readDeadLetters, writeLines } from '../../lib/dead-letters/read.ts';
import { text } from '../../lib/options.ts';

export default command({
  role: 'tool',
  description:
    'Writes dead letters as they were kept, one a line: {reason, step, position, at, sha256, record}. The record is the rejected line as text; where it was not UTF-8 it is base64 and encoding says so; where it was longer than --max-line only its beginning is there and length says how long it was.',
  args: [fileArgument],
  options: { ...filterOptions, sha256: text('--sha256 <HEX>', 'only the line of this hash, or of a hash that begins so') },
  examples: [
    {
      run: 'printf \'{"id":1}\\nnot a record\\n\' | buda each --dead-letter bad.ndjson -- cat\nbuda dead-letter show bad.ndjson --since 1h | jq -r .record',
      shows: 'the lines that were rejected in the last hour',
    },
  ],
  async run(call) {
    const { sha256 = '' } = call.options;
    async function* lines() {
      for await (const { letter, line } of readDeadLetters(call)) {
        if (letter.sha256.startsWith(sha256.toLowerCase())) yield line.bytes;
      }
    }
    await writeLines(call.context, lines());
  },
});
