import { Line } from '../lines.ts';

const blockBytes = 64 * 1024;
const newline = 0x0a;

/** Writes lines one behind the other into shared blocks, so that those that follow each other leave as one piece. */
export class LineWriter {
  #block = Buffer.alloc(0);
  #filled = 0;

  /** A line of this text, which holds no `\n`: latin1 is a byte a character. */
  write(text: string, encoding: 'latin1' | 'utf8'): Line {
    const most = (encoding === 'latin1' ? text.length : 3 * text.length) + 1;
    if (this.#block.length - this.#filled < most) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(blockBytes, most));
      this.#filled = 0;
    }
    const start = this.#filled;
    const end = start + this.#block.write(text, start, encoding);
    this.#block[end] = newline;
    this.#filled = end + 1;
    return new Line(0, this.#block, start, end);
  }
}
