import { sha256Of } from '../../hashing.ts';
import { KeyReader } from '../../keys.ts';
import { BadLine, type Batch, Line } from '../../lines.ts';
import type { Rejects } from '../../rejects.ts';
import type { Limits } from './put.ts';

/** The lines of batches, one after another, each with the key that the service takes, if it takes any. What cannot be put is rejected here. */
export class KeyedLines {
  /** The line that it is at, and where it stands with its `\n`. */
  number = 0;
  block: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Where the key stands in the block, in UTF-8; -1 where it does not: then it is `text`. Nothing stands there where there are no keys. */
  keyStart = -1;
  keyEnd = -1;
  text: Buffer | undefined;
  /** Whether the line has a key of its own: if not, it is the sha256 of its bytes. */
  hasKey = false;
  /** What counts for the limits: the line and its key. */
  bytes = 0;
  readonly #rejects: Rejects;
  readonly #keys: KeyReader;
  readonly #limits: Limits;

  /** `path` leads to the key: see KeyReader. Without one no line has any. */
  constructor(rejects: Rejects, limits: Limits, path?: string) {
    this.#rejects = rejects;
    this.#limits = limits;
    this.#keys = new KeyReader(path);
  }

  /** What a person is told of lines without a key, if there were some. */
  get note(): string | undefined {
    return this.#keys.note;
  }

  /** Goes to the batch: `next` is its first line. */
  turn({ bytes, firstLine }: Batch): void {
    this.block = bytes;
    this.end = 0;
    this.number = firstLine - 1;
  }

  /** Goes to the next line that can be put; false: there is none in this batch. */
  next(): boolean {
    while (this.end < this.block.length) {
      const [block, start, keys] = [this.block, this.end, this.#keys];
      const { service, recordBytes, keyCharacters } = this.#limits;
      this.number++;
      this.start = start;
      try {
        this.hasKey = keys.readFrom(block, start);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        this.end = keys.lineEnd + 1;
        this.#reject(error.message);
        continue;
      }
      this.end = keys.lineEnd + 1;
      if (keyCharacters === undefined) {
        this.keyStart = this.keyEnd = start;
        this.bytes = this.end - start;
      } else if (this.hasKey && keys.start >= 0 && keys.end - keys.start <= keyCharacters) {
        this.keyStart = keys.start;
        this.keyEnd = keys.end;
        this.text = undefined;
        this.bytes = this.end - start + keys.end - keys.start;
      } else {
        this.keyStart = -1;
        this.keyEnd = -1;
        this.text = Buffer.from(
          this.hasKey ? withinLimit(keys.text, keyCharacters) : sha256Of(block.subarray(start, this.end - 1)),
        );
        this.bytes = this.end - start + this.text.length;
      }
      if (this.bytes <= recordBytes) return true;
      const what = keyCharacters === undefined ? '' : ' with its key';
      this.#reject(`too large for ${service}: ${this.bytes} bytes${what}, at most ${recordBytes}`);
    }
    return false;
  }

  #reject(reason: string): void {
    this.#rejects.line(new Line(this.number, this.block, this.start, this.end - 1), reason);
  }
}

/** A key that is too long is replaced by its hash: equal keys still share a shard, in order. */
function withinLimit(key: string, characters: number): string {
  return key.length <= characters ? key : sha256Of(Buffer.from(key));
}
