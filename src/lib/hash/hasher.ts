import type { Line } from '../lines.ts';
import { Scanner } from '../scan.ts';
import { decode } from '../splice/text.ts';
import { copyBytes } from '../splice/writer.ts';
import { findPlaces, parsePath } from './fields.ts';
import { Hmac } from './hmac.ts';

/** A digest and its quotes. */
const hashBytes = 66;
const quote = 0x22;
const backslash = 0x5c;

/** Puts the HMAC-SHA256 of a value, 64 hexadecimal digits, in the value's place. */
export class Hasher {
  /** Values that were hashed so far. */
  count = 0;
  readonly #hmac: Hmac;
  readonly #paths: ReturnType<typeof parsePath>[];
  /** Finds the fields in the bytes; undefined where a path leads anywhere, or into another's value. */
  readonly #scanner: Scanner | undefined;
  /** The fields that a record has, in its order. */
  readonly #found: number[] = [];

  constructor(key: Buffer, fields: readonly string[]) {
    this.#hmac = new Hmac(key);
    this.#paths = fields.map(parsePath);
    if (isPlain(fields)) this.#scanner = new Scanner(fields);
  }

  /**
   * Writes the changed record of a line that stands in `block` into `out` from `from` on, and gives where it ends. `same`: the record is left alone.
   * `unknown`: it may be no JSON, there may be no room, or it is a seldom case: the text is asked.
   */
  bytes({ start, end, isFinal }: Line, block: Buffer, out: Buffer, from: number): number | 'same' | 'unknown' {
    const scanner = this.#scanner;
    if (scanner === undefined || !scanner.scan(block, start, end, isFinal)) return 'unknown';
    const { starts, ends } = scanner;
    const found = this.#found;
    found.length = 0;
    for (let i = 0; i < starts.length; i++) {
      const place = starts[i] as number;
      if (place < 0 || isNull(block, place)) continue;
      let at = found.push(i) - 1;
      for (; at > 0 && (starts[found[at - 1] as number] as number) > place; at--) found[at] = found[at - 1] as number;
      found[at] = i;
    }
    if (found.length === 0) return 'same';
    if (out.length - from < end - start + hashBytes * found.length) return 'unknown';
    let to = from;
    let copied = start;
    for (const i of found) {
      to = copyBytes(block, copied, starts[i] as number, out, to);
      copied = ends[i] as number;
      out[to++] = quote;
      this.#find(block, starts[i] as number, copied);
      to = copyBytes(this.#hmac.digits, 0, 64, out, to);
      out[to++] = quote;
    }
    this.count += found.length;
    return copyBytes(block, copied, end, out, to);
  }

  /** The record, which is JSON read as latin1, changed; undefined where it is left alone. A RangeError means that it is nested too deeply. */
  text(text: string): string | undefined {
    const places = findPlaces(text, this.#paths);
    let hashed = '';
    let from = 0;
    for (const { start, end } of places) {
      const json = text.slice(start, end);
      // Nothing is known of nobody.
      if (json === 'null') continue;
      this.#find(Buffer.from(json, 'latin1'), 0, json.length);
      hashed += `${text.slice(from, start)}"${this.#hmac.digits.toString('latin1')}"`;
      from = end;
      this.count++;
    }
    return from === 0 ? undefined : hashed + text.slice(from);
  }

  /** Of a string by its text, so that it does not matter how it was escaped; of anything else as it is written. */
  #find(json: Buffer, start: number, end: number): void {
    if (json[start] !== quote) return this.#hmac.find(json, start, end);
    for (let at = start; at < end; at++) {
      if (json[at] !== backslash) continue;
      const text = Buffer.from(String(decode(json.toString('latin1', start, end))));
      return this.#hmac.find(text, 0, text.length);
    }
    this.#hmac.find(json, start + 1, end - 1);
  }
}

/** Whether a scan can answer all of the paths: none leads to any element, and none into the value of another. */
function isPlain(paths: readonly string[]): boolean {
  return paths.every(
    (path, i) => !path.split('.').includes('*') && !paths.some((other, j) => i !== j && `${path}.`.startsWith(`${other}.`)),
  );
}

function isNull(block: Buffer, at: number): boolean {
  return block[at] === 0x6e;
}
