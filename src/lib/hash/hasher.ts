import { createHmac } from 'node:crypto';
import { decode } from '../splice/text.ts';
import { findPlaces, parsePath } from './fields.ts';

const mostKnown = 10_000;

/** Puts the HMAC-SHA256 of a value, 64 hexadecimal digits, in the value's place. */
export class Hasher {
  /** Values that were hashed so far. */
  count = 0;
  readonly #key: Buffer;
  readonly #paths: ReturnType<typeof parsePath>[];
  readonly #known = new Map<string, string>();

  constructor(key: Buffer, fields: readonly string[]) {
    this.#key = key;
    this.#paths = fields.map(parsePath);
  }

  /** The record with its fields hashed, all else as it is written; undefined where it has none of them. Text is JSON, read as latin1. */
  hash(text: string): string | undefined {
    const places = findPlaces(text, this.#paths);
    let hashed = '';
    let from = 0;
    for (const { start, end } of places) {
      const json = text.slice(start, end);
      // Nothing is known of nobody.
      if (json === 'null') continue;
      hashed += `${text.slice(from, start)}"${this.#digestOf(json)}"`;
      from = end;
      this.count++;
    }
    return from === 0 ? undefined : hashed + text.slice(from);
  }

  /** Of a string by its text, so that it does not matter how it was escaped; of anything else as it is written. */
  #digestOf(json: string): string {
    const known = this.#known.get(json);
    if (known !== undefined) return known;
    const isText = json[0] === '"';
    const bytes =
      isText && json.includes('\\')
        ? Buffer.from(String(decode(json)))
        : Buffer.from(isText ? json.slice(1, -1) : json, 'latin1');
    const digest = createHmac('sha256', this.#key).update(bytes).digest('hex');
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(json, digest);
    return digest;
  }
}
