import { join } from 'node:path';
import { mergeRuns, Run, type RunShape, RunWriter } from './run.ts';
import { entryWords, type Hash, Table } from './table.ts';

const mostFilterBits = 10;

/** A run of the set, and the name of its file. */
interface Named {
  name: string;
  run: Run;
}

/**
 * A set of hashes with the generations in which they were added: in memory up to a limit, beyond it in runs on disk. A new run is merged with those
 * that are not greater, so that there are few: a hundred times the limit is in seven at most.
 */
export class Seen {
  readonly #folder: string;
  readonly #mostEntries: number;
  readonly #filterBytes: number;
  readonly #table: Table;
  #runs: Named[] = [];

  /**
   * `folder` is there once something has to go to disk. Memory is shared by the table (half of it) and the filters of the runs. `expected` is how
   * many there will be at once, if that is known.
   */
  constructor(folder: string, memoryBytes: number, expected = 0) {
    this.#folder = folder;
    // A table's slots are half full after it has grown, and while it grows there are two of them.
    this.#mostEntries = Math.max(1024, Math.floor(memoryBytes / 2 / (4 * entryWords * 3)));
    this.#filterBytes = memoryBytes / 2;
    this.#table = new Table(Math.min(expected, this.#mostEntries));
  }

  /** Whether there is so much in memory that it has to go to disk. */
  get isFull(): boolean {
    return this.#table.size > this.#mostEntries;
  }

  get runs(): readonly { name: string; shape: RunShape }[] {
    return this.#runs.map(({ name, run }) => ({ name, shape: run.shape }));
  }

  /** The generation of a hash; 0 where it is not there. One that is forgotten may still be found. */
  find(hash: Hash, oldest: number): number {
    const found = this.#table.find(hash);
    if (found >= oldest) return found;
    for (const { run } of this.#runs) {
      const generation = run.find(hash);
      if (generation >= oldest) return generation;
    }
    return 0;
  }

  /** As `Table.touch`. */
  touch(words: Int32Array, count: number): number {
    return this.#table.touch(words, count);
  }

  add(hash: Hash, generation: number, oldest: number): void {
    this.#table.set(hash, generation, oldest);
  }

  /** Whether the hash is there, of no generation before `oldest`; from now on it is, of this one. */
  meet(hash: Hash, generation: number, oldest: number): boolean {
    if (this.find(hash, oldest) >= oldest) return true;
    this.#table.setFound(hash, generation, oldest);
    return false;
  }

  /**
   * Moves what is in memory to disk, as a run of this name, and merges. Its file is whole and durable. Gives the names of the runs that are no more
   * part of the set; their files are the caller's.
   */
  async spill(name: string, oldest: number): Promise<string[]> {
    const words = this.#table.sorted(oldest);
    const count = words.length / entryWords;
    const gone = this.#runs.filter(({ run }) => run.shape.newest < oldest);
    const left = this.#runs.filter((one) => !gone.includes(one));
    // From the last and smallest on, as long as what has been gathered is as large as the next.
    const merged: Named[] = [];
    for (let total = count; left.length > 0 && left.at(-1)!.run.shape.entries <= total; ) {
      const one = left.pop()!;
      merged.push(one);
      total += one.run.shape.entries;
    }
    const most = merged.reduce((sum, { run }) => sum + run.shape.entries, count);
    const writer = new RunWriter(join(this.#folder, name), most, this.#filterBits(left, most));
    const sources = [pagesOf(words), ...merged.map(({ run }) => run.pages())];
    // Other work (a signal, a status line) has its turn now and then.
    for (const _ of mergeRuns(sources, oldest, writer)) await new Promise(setImmediate);
    const shape = writer.end();
    for (const { run } of [...gone, ...merged]) run.close();
    this.#runs = [...left, { name, run: Run.open(join(this.#folder, name), shape) }];
    this.#table.clear();
    return [...gone, ...merged].map(({ name: old }) => old);
  }

  /** Takes a run back that an earlier process wrote. A RangeError or an error of the system says that it is not what it was. */
  open(name: string, shape: RunShape): void {
    this.#runs.push({ name, run: Run.open(join(this.#folder, name), shape) });
    this.#runs.sort((a, b) => b.run.shape.entries - a.run.shape.entries);
  }

  close(): void {
    for (const { run } of this.#runs) run.close();
    this.#runs = [];
  }

  /** As many bits for each entry as the filters' share of the memory has for all. */
  #filterBits(others: readonly Named[], count: number): number {
    const all = others.reduce((sum, { run }) => sum + run.shape.entries, count);
    return Math.min(mostFilterBits, (8 * this.#filterBytes) / Math.max(1, all));
  }
}

function* pagesOf(words: Int32Array): Generator<Int32Array> {
  yield words;
}
