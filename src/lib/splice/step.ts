import type { Call } from '../command.ts';
import { BadLine } from '../lines.ts';
import { each, type Kept, type Step } from '../steps.ts';
import { LineWriter } from './writer.ts';

/**
 * A transform of a record's own text, read as latin1: what it does not change stays as it is written. `change` gives undefined for a record that it
 * leaves alone, which then goes on byte for byte.
 */
export function splice(call: Call, change: (text: string) => string | undefined, kept: Kept): Step {
  const writer = new LineWriter();
  return each(
    call,
    (line) => {
      // The text is only walked through once it is known to be JSON.
      void line.record;
      try {
        const changed = change(line.bytes.toString('latin1'));
        return changed === undefined ? line : writer.write(changed, 'latin1');
      } catch (error) {
        if (error instanceof RangeError) throw new BadLine('nested too deeply');
        throw error;
      }
    },
    kept,
  );
}
