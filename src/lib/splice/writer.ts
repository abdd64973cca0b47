import { Line } from '../lines.ts';

const blockBytes = 64 * 1024;
const newline = 0x0a;

/** Writes lines one behind the other into shared blocks, so that those that follow each other leave as one piece. */
export class LineWriter {
  /** Where the next line is to be written, from `filled` on. */
  block = Buffer.alloc(0);
  filled = 0;

  /** Makes room for a line of so many bytes. */
  reserve(bytes: number): void {
    if (this.block.length - this.filled > bytes) return;
    this.block = Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes + 1));
    this.filled = 0;
  }

  /** Makes room for so many bytes more behind `to`, up to where a line has been written; gives where that is then. */
  extend(to: number, bytes: number): number {
    // One byte is for the newline.
    if (this.block.length - to > bytes) return to;
    const { block: old, filled } = this;
    const written = to - filled;
    this.block = Buffer.allocUnsafeSlow(Math.max(blockBytes, 2 * (written + bytes) + 1));
    this.filled = 0;
    return old.copy(this.block, 0, filled, to);
  }

  /** The line that was written into the block, up to `end`. */
  take(end: number): Line {
    const start = this.filled;
    this.block[end] = newline;
    this.filled = end + 1;
    return new Line(0, this.block, start, end);
  }

  /** A line of this text, which holds no `\n`: latin1 is a byte a character. */
  write(text: string, encoding: 'latin1' | 'utf8'): Line {
    this.reserve(encoding === 'latin1' ? text.length : 3 * text.length);
    return this.take(this.filled + this.block.write(text, this.filled, encoding));
  }
}

/** Copies bytes and gives where the copy ends. A loop costs less than a call for so few as stand between two fields. */
export function copyBytes(from: Buffer, start: number, end: number, out: Buffer, at: number): number {
  if (end - start > 100) return at + from.copy(out, at, start, end);
  let to = at;
  for (let i = start; i < end; i++) out[to++] = from[i] as number;
  return to;
}
