import type { Call } from '../command.ts';
import { Batch, type Line } from '../lines.ts';
import { type Step, Tally } from '../steps.ts';
import { Engine, type Selection } from './engine.ts';
import { readPlain } from './plain.ts';
import { PlainReader } from './plain-reader.ts';

/** Without marks: so many records are one table, or so many bytes. */
export interface Block {
  records: number;
  bytes: number;
}

/**
 * A query of each epoch, or, without marks, of each block. What is not plain DuckDB has read and accepted before any record is read.
 */
export async function select(call: Call, selection: Selection, block: Block): Promise<Step> {
  const isBare = selection.tables.length === 0 && selection.fixed.length === 0;
  const plain = isBare ? readPlain(selection.sql) : undefined;
  const reader = plain && new PlainReader(plain);
  const table = new Filling(call, selection, reader, reader === undefined ? await Engine.start(call, selection) : undefined);
  return async function* (input) {
    const tally = new Tally(call);
    let isMarked = false;
    function* ready(): Generator<Batch> {
      for (const batch of table.takeReady()) {
        tally.wrote(batch.count);
        yield batch;
      }
    }
    async function* close(): AsyncGenerator<Batch> {
      for await (const batch of table.answer()) {
        tally.wrote(batch.count);
        yield batch;
      }
    }
    try {
      for await (const batch of input) {
        tally.read(batch);
        const { control } = batch;
        if (isMarked || control?.kind === 'begin') {
          await table.add(batch);
          yield* ready();
        } else {
          for (const piece of cut(batch, block, table)) {
            await table.add(piece);
            yield* ready();
            if (isFull(table, block)) yield* close();
          }
        }
        if (control?.kind === 'mark') {
          yield* close();
          yield Batch.ofControl({ kind: 'mark', mark: await tally.close(control.mark) });
        } else if (control !== undefined) {
          isMarked = true;
          yield Batch.ofControl(control);
        }
      }
      if (!isMarked) yield* close();
      await call.rejects.flush();
      table.tell();
    } finally {
      table.close();
    }
  };
}

/** How much a table holds. */
interface Size {
  records: number;
  bytes: number;
}

function isFull(held: Size, block: Block): boolean {
  return held.records >= block.records || held.bytes >= block.bytes;
}

/** A batch in pieces, so that each but the last fills a block: the cuts are those of the records, however they were read. */
function* cut(batch: Batch, block: Block, held: Size): Generator<Batch> {
  if (held.records + batch.count < block.records && held.bytes + batch.bytes.length < block.bytes) {
    yield batch;
    return;
  }
  const { bytes, firstLine } = batch;
  let start = 0;
  let count = 0;
  let done = 0;
  for (let at = 0; at < bytes.length; ) {
    at = bytes.indexOf(0x0a, at) + 1;
    count++;
    // The piece before is in the table by now, or the table is a new one.
    if (held.records + count < block.records && held.bytes + at - start < block.bytes) continue;
    yield Batch.ofBytes(bytes.subarray(start, at), count, undefined, 0, firstLine + done);
    done += count;
    count = 0;
    start = at;
  }
  if (count > 0) yield Batch.ofBytes(bytes.subarray(start), count, undefined, 0, firstLine + done);
}

/** What is kept of a table, in case that DuckDB has to be asked after all. */
const mostHeldBytes = 16 * 1024 ** 2;

/** The table that is being filled: a plain query is answered record by record, as long as no record stands against it; DuckDB answers the others. */
class Filling implements Size {
  records = 0;
  bytes = 0;
  readonly #call: Call;
  readonly #selection: Selection;
  readonly #reader: PlainReader | undefined;
  #engine: Engine | undefined;
  #isEngines: boolean;
  #isEmpty = true;
  #held: Batch[] = [];
  /** What the records so far come to, where that stands; and how much of the answer has gone on so. */
  #ready: Batch[] = [];
  #gone = 0;

  constructor(call: Call, selection: Selection, reader: PlainReader | undefined, engine: Engine | undefined) {
    this.#call = call;
    this.#selection = selection;
    this.#reader = reader;
    this.#engine = engine;
    this.#isEngines = reader === undefined;
  }

  async add(batch: Batch): Promise<void> {
    this.records += batch.count;
    this.bytes += batch.bytes.length;
    if (batch.count === 0) return;
    this.#isEmpty = false;
    if (this.#isEngines) {
      this.#engine?.add(batch);
      return;
    }
    if (this.bytes <= mostHeldBytes && this.#reader?.add(batch) === true) {
      this.#held.push(batch);
      if (this.#reader.isFinal) this.#ready.push(...this.#take());
      return;
    }
    this.#reader?.take();
    this.#engine ??= await Engine.start(this.#call, this.#selection);
    for (const held of this.#held) this.#engine.add(held, this.#reader?.isFinal);
    this.#engine.add(batch);
    this.#held = [];
    this.#isEngines = true;
  }

  /** What the query makes of the table; the next one begins. */
  async *answer(): AsyncGenerator<Batch> {
    this.records = 0;
    this.bytes = 0;
    if (this.#isEngines) {
      this.#isEngines = this.#reader === undefined;
      const gone = this.#gone;
      this.#gone = 0;
      if (this.#engine !== undefined) yield* behind(gone, this.#engine.answer());
      return;
    }
    this.#held = [];
    yield* this.#take();
    this.#gone = 0;
  }

  /** What may go on before the table is full. */
  takeReady(): Batch[] {
    return this.#ready.splice(0);
  }

  #take(): Batch[] {
    const { batches, bad } = this.#reader?.take() ?? { batches: [], bad: [] };
    for (const { batch, index, reason } of bad) this.#call.rejects.line(batch.lines[index] as Line, reason);
    for (const { count } of batches) this.#gone += count;
    return batches;
  }

  /** Says which fields of the query no record had. */
  tell(): void {
    if (this.#isEmpty) return;
    const met = [this.#reader?.met, this.#engine?.met];
    for (const name of (this.#engine ?? this.#reader)?.names ?? []) {
      if (!met.some((names) => names?.has(name)))
        this.#call.context.say(`no record has the field ${JSON.stringify(name)}: it was NULL everywhere`);
    }
  }

  close(): void {
    this.#engine?.close();
  }
}

/** An answer without its first records. */
async function* behind(gone: number, answer: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  let left = gone;
  for await (const batch of answer) {
    if (left === 0) yield batch;
    else if (left >= batch.count) left -= batch.count;
    else {
      let start = 0;
      const count = batch.count - left;
      for (; left > 0; left--) start = batch.bytes.indexOf(0x0a, start) + 1;
      yield Batch.ofBytes(batch.bytes.subarray(start), count, undefined, 0, 0);
    }
  }
}
