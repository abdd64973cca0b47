import type { Call } from '../command.ts';
import { BadLine, type Line } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { each, type Kept, type Step } from '../steps.ts';
import { LineWriter } from './writer.ts';

/** A change of a record's own text: what it does not change stays as it is written. */
export interface Splice {
  /**
   * Writes the changed record of a line that stands in `block` into `out` from `from` on, and gives where it ends. `same`: the record is left alone.
   * `unknown`: it may be no JSON, there may be no room, or it is a seldom case: the text is asked.
   */
  bytes(line: Line, block: Buffer, out: Buffer, from: number): number | 'same' | 'unknown';
  /** The record, which is JSON read as latin1, changed; undefined where it is left alone. A RangeError means that it is nested too deeply. */
  text(text: string): string | undefined;
}

/** Room beside twice a record's own bytes. */
const roomBytes = 1024;

/** A transform of a record's own text. A record that is left alone goes on byte for byte. */
export function splice(call: Call, change: Splice, kept: Kept): Step {
  const writer = new LineWriter();
  const scanner = new Scanner([]);
  return each(
    call,
    (line) => {
      const { block, start, end } = line;
      if (block !== undefined) {
        writer.reserve(2 * (end - start) + roomBytes);
        const written = change.bytes(line, block, writer.block, writer.filled);
        if (written === 'same') return line;
        if (written !== 'unknown') return writer.take(written);
      }
      // The text is only walked through once it is known to be JSON.
      if (block === undefined || !scanner.scan(block, start, end, line.isFinal)) void line.record;
      try {
        const changed = change.text(block === undefined ? line.bytes.toString('latin1') : block.toString('latin1', start, end));
        return changed === undefined ? line : writer.write(changed, 'latin1');
      } catch (error) {
        if (error instanceof RangeError) throw new BadLine('nested too deeply');
        throw error;
      }
    },
    kept,
  );
}
