import { type JsonObject, Line } from './lines.ts';
import { Scanner } from './scan.ts';

/** The digits that a double holds in any case. */
const safeDigits = 15;

/**
 * Finds a record's partition key, or its time: the value at a path of field names joined by dots (`customer.id`). Text is taken as it is, a
 * number or a boolean as JavaScript writes it (1.0 is 1); anything else is no key.
 */
export class KeyReader {
  /** Where the key that was read last stands in its line's block, if its bytes are its text: in UTF-8, without an escape; else -1. */
  start = -1;
  end = -1;
  /** Where the line ends that `readFrom` has looked at: at its newline. */
  lineEnd = 0;
  readonly #scanner: Scanner;
  readonly #fields: readonly string[];
  #block: Buffer | undefined;
  #text = '';
  /** How many lines had none. */
  #keyless = 0;

  /** Without a path no record has a key: it is only looked whether it is one. */
  constructor(path?: string) {
    this.#scanner = new Scanner(path === undefined ? [] : [path]);
    this.#fields = path?.split('.') ?? [];
  }

  /** Whether the line has a key. Throws BadLine for a line that is not JSON. */
  read(line: Line): boolean {
    const { block, start, end } = line;
    const scanner = this.#scanner;
    this.start = -1;
    if (block !== undefined && scanner.scan(block, start, end, line.isFinal) && scanner.escaped[0] !== 1)
      return this.#counted(this.#take(block, scanner));
    return this.#counted(this.#keep(this.#find(line.record)));
  }

  /** The same for the line that begins at `start` of a block of whole lines, into which nobody writes any more. */
  readFrom(block: Buffer, start: number): boolean {
    const scanner = this.#scanner;
    this.start = -1;
    this.lineEnd = scanner.scanFrom(block, start);
    if (scanner.isRecord && scanner.escaped[0] !== 1) return this.#counted(this.#take(block, scanner));
    return this.#counted(this.#keep(this.#find(new Line(0, block, start, this.lineEnd).record)));
  }

  /** The key that was read last. */
  get text(): string {
    return this.start < 0 ? this.#text : (this.#block as Buffer).toString('utf8', this.start, this.end);
  }

  /** What a person is told of records without their key, if there were some. */
  get note(): string | undefined {
    if (this.#keyless === 0 || this.#fields.length === 0) return undefined;
    const records = this.#keyless === 1 ? 'record has' : 'records have';
    return `${this.#keyless} ${records} no ${this.#fields.join('.')}: the sha256 of the line was the key`;
  }

  #counted(hasKey: boolean): boolean {
    if (!hasKey) this.#keyless++;
    return hasKey;
  }

  /** What the scanner has answered. */
  #take(block: Buffer, { starts, ends }: Scanner): boolean {
    const start = starts[0] ?? -1;
    const end = ends[0] as number;
    if (start < 0) return false;
    switch (block[start]) {
      case 0x22: // a string
        return this.#stand(block, start + 1, end - 1);
      case 0x5b: // an array, an object, null
      case 0x7b:
      case 0x6e:
        return false;
      default:
        if (isCount(block, start, end)) return this.#stand(block, start, end);
        return this.#keep(String(JSON.parse(block.toString('latin1', start, end))));
    }
  }

  #stand(block: Buffer, start: number, end: number): boolean {
    this.#block = block;
    this.start = start;
    this.end = end;
    return end > start;
  }

  #keep(text: string | undefined): boolean {
    this.#text = text ?? '';
    return this.#text !== '';
  }

  #find(record: JsonObject): string | undefined {
    let value: unknown = record;
    for (const field of this.#fields) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
      value = (value as JsonObject)[field];
    }
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  }
}

/** Whether the number is written as JavaScript would write it: digits alone, and not too many. */
function isCount(block: Buffer, start: number, end: number): boolean {
  if (end - start > safeDigits) return false;
  for (let at = start; at < end; at++) if (((block[at] as number) - 0x30) >>> 0 > 9) return false;
  return true;
}
