import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { Failure } from './errors.ts';
import type { Line, Rejected } from './lines.ts';

/** A record that could not be delivered, as it is kept. */
export interface DeadLetter {
  reason: string;
  step: string;
  /** Where it stood: a line of the step's input. */
  position: string;
  at: string;
  sha256: string;
  /** The line as text; base64 where it is not UTF-8; cut where it was longer than the limit. */
  record: string;
  encoding?: 'base64';
  /** The whole length, where `record` is cut. */
  length?: number;
}

/** Where dead letters go: written at once, durable after `flush`. */
export interface DeadLetters {
  write(letter: DeadLetter): void;
  flush(): void;
  close(): void;
}

/** Takes what a step rejects: into the dead letters where there are some, else it ends the step with 65. */
export class Rejects {
  /** All that was rejected so far. */
  count = 0;
  readonly #step: string;
  readonly #letters: DeadLetters | undefined;
  readonly #now: () => Date;
  #unsaved = false;

  constructor(step: string, letters: DeadLetters | undefined, now: () => Date) {
    this.#step = step;
    this.#letters = letters;
    this.#now = now;
  }

  /** A record that was read well but that this step cannot take. */
  line(line: Line, reason: string): void {
    const bytes = line.bytes;
    this.raw({
      reason,
      number: line.number,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      head: bytes,
      length: bytes.length,
    });
  }

  /** A line that is no record at all. */
  raw({ reason, number, sha256, head, length }: Rejected): void {
    if (this.#letters === undefined) {
      throw new Failure(
        'badData',
        `line ${number}: ${reason} (sha256 ${sha256})`,
        'mend the line, or keep it and go on: --dead-letter FILE',
      );
    }
    const isText = isUtf8(head);
    this.#letters.write({
      reason,
      step: this.#step,
      position: `line ${number}`,
      at: this.#now().toISOString(),
      sha256,
      record: head.toString(isText ? 'utf8' : 'base64'),
      ...(isText ? {} : { encoding: 'base64' as const }),
      ...(length > head.length ? { length } : {}),
    });
    this.count++;
    this.#unsaved = true;
  }

  /** Makes what was rejected durable: before a mark goes on, and at the end. */
  flush(): void {
    if (!this.#unsaved) return;
    this.#letters?.flush();
    this.#unsaved = false;
  }

  close(): void {
    this.flush();
    this.#letters?.close();
  }
}
