import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Movement, Place } from './movement.ts';
import { inOrder } from './movement.ts';

const newline = 0x0a;
const runBytes = 4 * 1024 * 1024;
const readBytes = 32 * 1024;

/** A text that waits to be sorted: where it lies in the buffer. */
interface Waiting extends Place {
  readonly from: number;
  readonly to: number;
}

/** A run's first text that has not been given yet. */
interface Head {
  readonly place: Place;
  readonly text: string;
  readonly rest: Generator<string>;
}

/**
 * Puts any number of movements into the ledger's order: as texts in one buffer and, each time that is full, as a sorted run in a temporary file. A
 * movement itself is let go at once.
 */
export class Sorter {
  #waiting: Waiting[] = [];
  #buffer = Buffer.alloc(0);
  #filled = 0;
  #file: number | undefined;
  #fileBytes = 0;
  readonly #runs: { from: number; to: number }[] = [];

  add(movement: Movement): void {
    const text = `${JSON.stringify(movement)}\n`;
    const bytes = Buffer.byteLength(text);
    if (this.#filled + bytes > this.#buffer.length) this.#makeRoom(bytes);
    const from = this.#filled;
    this.#filled += this.#buffer.write(text, from);
    const { occurred_at, account, subscription, livemode, currency } = movement;
    this.#waiting.push({ occurred_at, account, subscription, livemode, currency, from, to: this.#filled });
  }

  /** Each as JSON text, in order. */
  *texts(): Generator<string> {
    if (this.#runs.length === 0) {
      for (const { from, to } of this.#waiting.sort(inOrder)) yield this.#buffer.toString('utf8', from, to - 1);
      return;
    }
    this.#writeRun();
    const heads: Head[] = [];
    for (const { from, to } of this.#runs) advance(this.#read(from, to), heads);
    for (let first = heads.pop(); first !== undefined; first = heads.pop()) {
      yield first.text;
      advance(first.rest, heads);
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** The buffer grows to its full size before anything goes to disk. */
  #makeRoom(bytes: number): void {
    if (this.#buffer.length < runBytes || this.#filled === 0) {
      const more = Buffer.allocUnsafeSlow(Math.max(Math.min(runBytes, 4 * this.#buffer.length), this.#filled + bytes, 65_536));
      this.#buffer.copy(more, 0, 0, this.#filled);
      this.#buffer = more;
    } else {
      this.#writeRun();
      if (bytes > this.#buffer.length) this.#makeRoom(bytes);
    }
  }

  #writeRun(): void {
    this.#file ??= openNameless();
    const run = Buffer.allocUnsafeSlow(this.#filled);
    let end = 0;
    for (const { from, to } of this.#waiting.sort(inOrder)) end += this.#buffer.copy(run, end, from, to);
    for (let written = 0; written < end; )
      written += writeSync(this.#file, run, written, end - written, this.#fileBytes + written);
    this.#runs.push({ from: this.#fileBytes, to: this.#fileBytes + end });
    this.#fileBytes += end;
    this.#waiting = [];
    this.#filled = 0;
  }

  *#read(from: number, to: number): Generator<string> {
    let buffer = Buffer.allocUnsafeSlow(readBytes);
    let filled = 0;
    for (let place = from; place < to; ) {
      if (filled === buffer.length) buffer = Buffer.concat([buffer], 2 * filled);
      const read = readSync(this.#file!, buffer, filled, Math.min(buffer.length - filled, to - place), place);
      if (read === 0) throw new Error('a temporary file was cut short');
      place += read;
      filled += read;
      let start = 0;
      for (let end = buffer.indexOf(newline); end >= 0 && end < filled; end = buffer.indexOf(newline, start)) {
        yield buffer.toString('utf8', start, end);
        start = end + 1;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
    }
  }
}

/** Puts a run at its place among the others by its next text, if it has one: the first in order is the last of them. */
function advance(rest: Generator<string>, heads: Head[]): void {
  const { value: text } = rest.next();
  if (text === undefined) return;
  const place = JSON.parse(text) as Place;
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (inOrder(heads[middle]!.place, place) > 0) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, { place, text, rest });
}

/** A file that nobody else sees, and that is gone with the process however it ends. */
function openNameless(): number {
  const path = join(tmpdir(), `buda-mrr-${randomBytes(8).toString('hex')}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}
