import type { Call } from '../command.ts';
import { BadLine } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { each, type Kept, type Step } from '../steps.ts';
import { LineWriter } from './writer.ts';

/**
 * A transform of a record's own text, read as latin1: what it does not change stays as it is written. `change` gives undefined for a record that it
 * leaves alone, which then goes on byte for byte.
 */
export function splice(call: Call, change: (text: string) => string | undefined, kept: Kept): Step {
  const writer = new LineWriter();
  const scanner = new Scanner([]);
  return each(
    call,
    (line) => {
      // The text is only walked through once it is known to be JSON.
      const { block, start, end } = line;
      if (block === undefined || !scanner.scan(block, start, end)) void line.record;
      try {
        const changed = change(block === undefined ? line.bytes.toString('latin1') : block.toString('latin1', start, end));
        return changed === undefined ? line : writer.write(changed, 'latin1');
      } catch (error) {
        if (error instanceof RangeError) throw new BadLine('nested too deeply');
        throw error;
      }
    },
    kept,
  );
}
