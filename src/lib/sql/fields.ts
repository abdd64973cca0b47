import { BadLine, parseRecord } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { endOfValue, toLatin1, visitMembers } from '../splice/text.ts';

/**
 * Finds top-level fields, and nested ones, in a record's bytes: where their values begin and end. Where a top-level name comes twice, the last
 * counts, as in a parse.
 */
export class Fields {
  /** Where each value begins in the block, -1 where the record has none; and where it ends. */
  starts: Int32Array;
  ends: Int32Array;
  /** 0 where it is certain that nothing is escaped in a value that is a string. */
  escaped: Uint8Array;
  /** Where the line ends: at its newline. */
  end = 0;
  readonly #scanner: Scanner;
  readonly #isScanned: boolean;
  readonly #places: Map<string, number>;
  readonly #own: { starts: Int32Array; ends: Int32Array; escaped: Uint8Array };
  readonly #isNested: boolean;

  /** Behind the names of top-level fields the paths of nested ones, as a Scanner takes them: with these no name may have a dot. */
  constructor(names: readonly string[], paths: readonly string[] = []) {
    // A dot would be a path to the scanner.
    this.#isScanned = names.every((name) => name !== '' && !name.includes('.'));
    this.#isNested = paths.length > 0;
    this.#scanner = new Scanner(this.#isScanned ? [...names, ...paths] : []);
    this.#places = new Map(names.map((name, i) => [writtenName(name), i]));
    const count = names.length;
    this.#own = { starts: new Int32Array(count), ends: new Int32Array(count), escaped: new Uint8Array(count).fill(1) };
    ({ starts: this.starts, ends: this.ends, escaped: this.escaped } = this.#own);
  }

  /**
   * Looks through the line that begins at `start` of a batch's bytes: `end` is where it ends. False where its nested fields are not told. Throws BadLine
   * where it is no record.
   */
  find(block: Buffer, start: number): boolean {
    const end = this.#scanner.scanFrom(block, start);
    this.end = end;
    const isJson = this.#scanner.isRecord;
    if (isJson && this.#isScanned) {
      ({ starts: this.starts, ends: this.ends, escaped: this.escaped } = this.#scanner);
      return true;
    }
    ({ starts: this.starts, ends: this.ends, escaped: this.escaped } = this.#own);
    this.starts.fill(-1);
    visit(block, start, end, isJson, (name, from, to) => {
      const i = this.#places.get(name);
      if (i === undefined) return;
      this.starts[i] = from;
      this.ends[i] = to;
    });
    return !this.#isNested;
  }
}

/** Every top-level field of a record: its name as it would be written with no needless escapes, read as latin1, and where its value stands. */
export class AllFields {
  readonly #scanner = new Scanner([]);

  find(block: Buffer, start: number, end: number, each: (name: string, start: number, end: number) => void): void {
    visit(block, start, end, this.#scanner.scan(block, start, end, true), each);
  }
}

function visit(
  block: Buffer,
  start: number,
  end: number,
  isJson: boolean,
  each: (name: string, start: number, end: number) => void,
): void {
  if (!isJson) parseRecord(block.subarray(start, end));
  const text = block.toString('latin1', start, end);
  try {
    visitMembers(text, 0, (name, at) => {
      const behind = endOfValue(text, at);
      each(name, start + at, start + behind);
      return behind;
    });
  } catch (error) {
    if (error instanceof RangeError) throw new BadLine('nested too deeply');
    throw error;
  }
}

/** A name as JSON writes it, read as latin1. */
export function writtenName(name: string): string {
  return toLatin1(JSON.stringify(name)).slice(1, -1);
}

/** The name that is so written. */
export function nameOf(written: string): string {
  return JSON.parse(Buffer.from(`"${written}"`, 'latin1').toString('utf8')) as string;
}
