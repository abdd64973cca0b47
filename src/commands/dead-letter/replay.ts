import { command } from '../../lib/command.ts';
import { fileArgument, filterOptions, readDeadLetters, rejectedBytes, writeLines } from '../../lib/dead-letters/read.ts';
import { Failure } from '../../lib/errors.ts';
import { parseControl } from '../../lib/marks.ts';

const openBracket = 0x5b;

export default command({
  role: 'tool',
  description:
    'Writes the rejected lines back to stdout, byte for byte, to be mended and sent through the pipeline again. The file stays as it is. A line that was longer than --max-line was not kept whole, and one that would be taken for a mark must not go down a pipe: these are left out, and the command ends with 65.',
  args: [fileArgument],
  options: filterOptions,
  examples: [
    {
      run: 'printf \'{"id":1}\\nid=2\\n\' | buda each --dead-letter bad.ndjson -- cat\nbuda dead-letter replay bad.ndjson | sed -E \'s/id=(.*)/{"id":\\1}/\' | buda each -- cat',
      shows: 'mend what was rejected, and send it through again',
    },
  ],
  async run(call) {
    let left = 0;
    async function* lines() {
      for await (const { letter } of readDeadLetters(call)) {
        const bytes = rejectedBytes(letter);
        if (bytes === undefined || (bytes[0] === openBracket && parseControl(bytes.toString()) !== undefined)) left++;
        else yield bytes;
      }
    }
    await writeLines(call.context, lines());
    if (left > 0)
      throw new Failure(
        'badData',
        `left out, as they cannot go down a pipe: ${left}`,
        'look at them: buda dead-letter show FILE',
      );
  },
});
