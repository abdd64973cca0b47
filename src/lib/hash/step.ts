import type { Call } from '../command.ts';
import { BadLine } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { LineWriter } from '../splice/writer.ts';
import { each, type Kept, type Step } from '../steps.ts';
import type { Hasher } from './hasher.ts';

/** Room beside twice a record's own bytes. */
const roomBytes = 1024;

/** A transform that hashes fields of a record. One that has none of them goes on byte for byte. */
export function hash(call: Call, hasher: Hasher, kept: Kept): Step {
  const writer = new LineWriter();
  const scanner = new Scanner([]);
  return each(
    call,
    (line) => {
      const { block, start, end } = line;
      if (block !== undefined) {
        writer.reserve(2 * (end - start) + roomBytes);
        const written = hasher.bytes(line, block, writer.block, writer.filled);
        if (written === 'same') return line;
        if (written !== 'unknown') return writer.take(written);
      }
      // The text is only walked through once it is known to be JSON.
      if (block === undefined || !scanner.scan(block, start, end, line.isFinal)) void line.record;
      try {
        const changed = hasher.text(block === undefined ? line.bytes.toString('latin1') : block.toString('latin1', start, end));
        return changed === undefined ? line : writer.write(changed, 'latin1');
      } catch (error) {
        if (error instanceof RangeError) throw new BadLine('nested too deeply');
        throw error;
      }
    },
    kept,
  );
}
