import { isUtf8 } from 'node:buffer';
import { Failure } from './errors.ts';
import { sha256Of } from './hashing.ts';
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

/** Where dead letters go: durable after `flush`. */
export interface DeadLetters {
  write(letter: DeadLetter): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** How many rejected lines are a flood: so many, or such a share (0 to 1) of the lines that were read. */
export type MaxDead = { lines: number } | { share: number };

/** A share means something only once so many lines were read, or all of them. */
const leastLinesToJudge = 100;
/** What waits to be made durable holds memory: no more than this, even where no mark comes. */
const maxUnsavedBytes = 1024 ** 2;

/** Takes what a step rejects: into the dead letters where there are some, else it ends the step with 65. */
export class Rejects {
  /** All that was rejected so far. */
  count = 0;
  readonly #step: string;
  readonly #letters: DeadLetters | undefined;
  readonly #now: () => Date;
  readonly #maxDead: MaxDead | undefined;
  #read = 0;
  #unsaved = 0;
  #unsavedBytes = 0;
  #saving: Promise<void> = Promise.resolve();

  constructor(step: string, letters: DeadLetters | undefined, now: () => Date, maxDead?: MaxDead) {
    this.#step = step;
    this.#letters = letters;
    this.#now = now;
    this.#maxDead = maxDead;
  }

  /** Whether what is rejected is kept; if not, the first rejected line ends the step. */
  get keeps(): boolean {
    return this.#letters !== undefined;
  }

  /** A record that was read well but that this step cannot take. */
  line(line: Line, reason: string, number = line.number): void {
    const bytes = line.bytes;
    const sha256 = sha256Of(bytes);
    this.raw({ reason, number, sha256, head: bytes, length: bytes.length });
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
    this.#unsaved++;
    this.#unsavedBytes += head.length;
    if (this.#maxDead !== undefined && 'lines' in this.#maxDead && this.count > this.#maxDead.lines) {
      throw flood(`more than ${this.#maxDead.lines} lines were rejected, the last for this reason: ${reason}`);
    }
  }

  /** Tells how many more lines the step has read; before it reads on, it awaits this. */
  async read(lines: number): Promise<void> {
    this.#read += lines;
    if (this.#unsavedBytes > maxUnsavedBytes) await this.flush();
  }

  /** Makes what was rejected durable: before a mark goes on, and at the end. Throws (65) where it was too much. */
  async flush(isEnd = false): Promise<void> {
    await this.#save();
    if (this.#maxDead === undefined || !('share' in this.#maxDead) || (this.#read < leastLinesToJudge && !isEnd)) return;
    if (this.count > this.#read * this.#maxDead.share) {
      throw flood(`${this.count} of ${this.#read} lines were rejected, more than ${this.#maxDead.share * 100} %`);
    }
  }

  async close(): Promise<void> {
    await this.#save();
    await this.#letters?.close();
  }

  /** One behind the other: what is rejected while others are made durable is left to the next. */
  #save(): Promise<void> {
    this.#saving = this.#saving.catch(() => {}).then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    const [lines, bytes] = [this.#unsaved, this.#unsavedBytes];
    if (lines === 0) return;
    this.#unsaved = 0;
    this.#unsavedBytes = 0;
    try {
      await this.#letters?.flush();
    } catch (error) {
      this.#unsaved += lines;
      this.#unsavedBytes += bytes;
      throw error;
    }
  }
}

function flood(message: string): Failure {
  return new Failure('badData', message, 'see why: buda dead-letter list FILE; then mend the step before, or raise --max-dead');
}
