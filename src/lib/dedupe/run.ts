import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { Filter } from './filter.ts';
import { compareAt, entryWords, type Hash } from './table.ts';

const entryBytes = 4 * entryWords;
/** A little less than the 4 KiB that a disk reads at once. */
const pageEntries = 204;
const pageBytes = pageEntries * entryBytes;
const pagesABuffer = 64;

/** Where a run's parts lie in its file: the entries, the first word of each page, the filter. */
export interface RunShape {
  entries: number;
  filterWords: number;
  /** The newest generation in it: once that is forgotten, all of it is. */
  newest: number;
}

/** Hashes on disk in their order, never changed once written. To look one up reads one page, and only where the filter lets it. */
export class Run {
  readonly file: number;
  readonly shape: RunShape;
  readonly #index: Int32Array;
  readonly #filter: Filter;
  readonly #page = new Int32Array(pageEntries * entryWords);

  private constructor(file: number, shape: RunShape, index: Int32Array, filter: Filter) {
    this.file = file;
    this.shape = shape;
    this.#index = index;
    this.#filter = filter;
  }

  /** Opens what was written. A RangeError says that the file is not as long as it was. */
  static open(path: string, shape: RunShape): Run {
    const file = openSync(path, 'r');
    const index = new Int32Array(Math.ceil(shape.entries / pageEntries));
    const filter = new Filter(new Int32Array(shape.filterWords));
    const behind = shape.entries * entryBytes;
    if (fstatSync(file).size !== behind + index.byteLength + filter.words.byteLength) {
      closeSync(file);
      throw new RangeError('its length is another');
    }
    readWords(file, index, behind);
    readWords(file, filter.words, behind + index.byteLength);
    return new Run(file, shape, index, filter);
  }

  /** The generation of a hash; 0 where it is not there. */
  find(hash: Hash): number {
    if (!this.#filter.mayHave(hash)) return 0;
    let page = this.#pageOf(hash[0]! >>> 0);
    for (; page >= 0; page--) {
      const entries = this.#readPage(page);
      const at = seek(this.#page, entries, hash);
      if (at >= 0) return this.#page[at + 4]!;
      // Only hashes of the same first word may lie on the page before as well.
      if (this.#page[0] !== hash[0]) return 0;
    }
    return 0;
  }

  /** Its entries, some pages at a time. */
  *pages(): Generator<Int32Array> {
    const buffer = new Int32Array(pagesABuffer * pageEntries * entryWords);
    const total = this.shape.entries * entryBytes;
    for (let position = 0; position < total; position += buffer.byteLength) {
      const words = buffer.subarray(0, Math.min(buffer.length, (total - position) / 4));
      readWords(this.file, words, position);
      yield words;
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** The last page that begins with this word or a smaller one. */
  #pageOf(word: number): number {
    let [low, high] = [0, this.#index.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#index[middle]! >>> 0 <= word) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #readPage(page: number): number {
    const entries = Math.min(pageEntries, this.shape.entries - page * pageEntries);
    readWords(this.file, this.#page.subarray(0, entries * entryWords), page * pageBytes);
    return entries;
  }
}

/** Writes entries, which come in order, as a run of at most `most` of them. It is durable, but for its name in the folder. */
export class RunWriter {
  readonly #file: number;
  readonly #filter: Filter;
  readonly #index: number[] = [];
  readonly #buffer = new Int32Array(pagesABuffer * pageEntries * entryWords);
  #filled = 0;
  #position = 0;
  #entries = 0;
  #newest = 0;

  constructor(path: string, most: number, filterBitsEach: number) {
    this.#file = openSync(path, 'wx', 0o600);
    this.#filter = Filter.for(most, filterBitsEach);
  }

  add(words: Int32Array, at: number): void {
    if (this.#entries++ % pageEntries === 0) this.#index.push(words[at]!);
    for (let i = 0; i < entryWords; i++) this.#buffer[this.#filled++] = words[at + i]!;
    this.#filter.add(words, at);
    if (words[at + 4]! > this.#newest) this.#newest = words[at + 4]!;
    if (this.#filled === this.#buffer.length) this.#flush();
  }

  /** Ends the run. The file is closed, whatever happens. */
  end(): RunShape {
    try {
      this.#flush();
      this.#write(Int32Array.from(this.#index));
      this.#write(this.#filter.words);
      fsyncSync(this.#file);
    } finally {
      closeSync(this.#file);
    }
    return { entries: this.#entries, filterWords: this.#filter.words.length, newest: this.#newest };
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #write(words: Int32Array): void {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#file, bytes, written, bytes.length - written, this.#position + written);
    }
    this.#position += bytes.length;
  }
}

/**
 * Merges entries of several sources, each in order, into one writer: where several have a hash, with its newest generation; what is before `oldest`
 * is left out. It yields now and then.
 */
export function* mergeRuns(sources: readonly Generator<Int32Array>[], oldest: number, writer: RunWriter): Generator<undefined> {
  const heads = sources.map((pages) => {
    return { pages, words: (pages.next().value as Int32Array | undefined) ?? new Int32Array(0), at: 0 };
  });
  let live = heads.filter(({ words }) => words.length > 0);
  const best = new Int32Array(entryWords);
  while (live.length > 0) {
    let least = live[0]!;
    for (const head of live) if (compareAt(head.words, head.at, least.words, least.at) < 0) least = head;
    best.set(least.words.subarray(least.at, least.at + entryWords));
    for (const head of live) {
      if (compareAt(head.words, head.at, best, 0) !== 0) continue;
      if (head.words[head.at + 4]! > best[4]!) best[4] = head.words[head.at + 4]!;
      head.at += entryWords;
      if (head.at < head.words.length) continue;
      const next = head.pages.next();
      head.words = next.done === true ? new Int32Array(0) : next.value;
      head.at = 0;
      yield;
    }
    if (best[4]! >= oldest) writer.add(best, 0);
    if (live.some(({ words }) => words.length === 0)) live = live.filter(({ words }) => words.length > 0);
  }
}

function seek(words: Int32Array, entries: number, hash: Hash): number {
  let [low, high] = [0, entries - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(words, middle * entryWords, hash, 0);
    if (order === 0) return middle * entryWords;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function readWords(file: number, words: Int32Array, position: number): void {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let read = 0; read < bytes.length; ) {
    const got = readSync(file, bytes, read, bytes.length - read, position + read);
    if (got === 0) throw new RangeError('it ends too early');
    read += got;
  }
}
