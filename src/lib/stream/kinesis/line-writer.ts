import type { Batch } from '../../lines.ts';
import type { KeyedLines } from './keyed-lines.ts';
import { LinePut } from './put.ts';
import type { PutQueue } from './put-queue.ts';

/** Gives lines to the queue, each as a record of its own. */
export class LineWriter {
  readonly #lines: KeyedLines;
  readonly #queue: PutQueue;

  constructor(lines: KeyedLines, queue: PutQueue) {
    this.#lines = lines;
    this.#queue = queue;
  }

  /** Takes the records of a batch. Throws what stopped the queue for good. */
  async write(batch: Batch): Promise<void> {
    const [lines, queue] = [this.#lines, this.#queue];
    lines.turn(batch);
    while (lines.next()) {
      if (queue.isFull(lines.bytes)) await queue.room(lines.bytes);
      queue.add(new LinePut(lines));
    }
    queue.offer();
  }

  /** Resolves once every record that was written is acknowledged or refused. */
  async flush(): Promise<void> {
    await this.#queue.flush();
  }

  /** Nothing waits here. */
  close(): void {}
}
