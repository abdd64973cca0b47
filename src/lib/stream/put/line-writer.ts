import type { Batch } from '../../lines.ts';
import type { KeyedLines } from './keyed-lines.ts';
import { LinePut } from './put.ts';
import type { PutQueue } from './put-queue.ts';
import type { Writer } from './put-sink.ts';

/** Gives lines to the queue, each as a record of its own. */
export class LineWriter implements Writer {
  readonly #lines: KeyedLines;
  readonly #queue: PutQueue;

  constructor(lines: KeyedLines, queue: PutQueue) {
    this.#lines = lines;
    this.#queue = queue;
  }

  async write(batch: Batch): Promise<void> {
    const [lines, queue] = [this.#lines, this.#queue];
    lines.turn(batch);
    while (lines.next()) {
      if (queue.isFull(lines.bytes)) await queue.room(lines.bytes);
      queue.add(new LinePut(lines));
    }
    queue.offer();
  }

  async flush(): Promise<void> {
    await this.#queue.flush();
  }
}
