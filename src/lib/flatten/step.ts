import type { Call } from '../command.ts';
import { BadLine, Batch, Line } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { eachBatch, type Kept, type Step } from '../steps.ts';
import type { Flattener } from './flatten.ts';
import { FlattenWindow } from './window.ts';

/** So many records are flattened one by one before a window is opened: most runs are short. */
const recordsBeforeWindow = 64;

/** A transform that flattens every record. One that is flat goes on byte for byte. */
export function flatten(call: Call, flattener: Flattener, kept: Kept): Step {
  const scanner = new Scanner([]);
  let window: FlattenWindow | undefined;
  let toWindow = recordsBeforeWindow;

  const change = (batch: Batch): Batch => {
    const { bytes, firstLine } = batch;
    const pieces: Buffer[] = [];
    let count = 0;
    let lines = 0;
    let made = '';
    /** Up to here records are looked at one by one. */
    let oneByOne = 0;
    const close = () => {
      if (made !== '') pieces.push(Buffer.from(made, 'latin1'));
      made = '';
    };
    for (let start = 0; start < bytes.length; ) {
      if (window !== undefined && start >= oneByOne) {
        if (!window.flatten(bytes, start)) oneByOne = window.behind;
        else if (window.count > 0) {
          close();
          pieces.push(Buffer.from(window.output));
          count += window.count;
          lines += window.count;
          start = window.behind;
          continue;
        }
      } else if (--toWindow === 0) window = FlattenWindow.open(flattener.separator, flattener.depth);
      const end = scanner.scanFrom(bytes, start);
      const line = new Line(firstLine + lines, bytes, start, end);
      try {
        // The text is only walked through once it is known to be JSON.
        if (!scanner.isRecord) void line.record;
        const text = bytes.toString('latin1', start, end);
        made += `${flattener.text(text) ?? text}\n`;
        count++;
      } catch (error) {
        if (!(error instanceof BadLine || error instanceof RangeError)) throw error;
        call.rejects.line(line, error instanceof RangeError ? 'nested too deeply' : error.message);
      }
      lines++;
      start = end + 1;
    }
    close();
    return Batch.ofBytes(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces), count);
  };
  return eachBatch(call, change, kept);
}
