import { join, resolve } from 'node:path';
import type { Call } from '../command.ts';
import type { Epoch, Sink } from '../delivery.ts';
import { type Database, isOfData, withDatabase } from '../duckdb/database.ts';
import { Failure } from '../errors.ts';
import type { Batch } from '../lines.ts';
import type { Begin } from '../marks.ts';
import {
  beginIn,
  checkTerm,
  isRepeat,
  type Kept,
  makeBookkeeping,
  replayed,
  writeChanges,
  writeCheckpoint,
} from './checkpoints.ts';
import { fitColumns, readColumns } from './columns.ts';
import { append, labelColumn, merge } from './load.ts';
import { checkTableName, quoteName, quoteText } from './names.ts';
import { type Field, Scanner } from './scan.ts';
import { Spool } from './spool.ts';

interface TableOptions {
  /** A DuckDB file. */
  path: string;
  table: string;
  /** The fields that tell records apart; none where every record is added as it is. */
  keys: readonly string[];
  memoryBytes: number;
  /** Without marks: how much is gathered for one transaction. */
  pieceBytes: number;
}

/** What the records of a load were found to be. */
interface Gathered {
  fields: readonly Field[];
  longestBytes: number;
}

/**
 * Puts records into a table of a DuckDB file. They gather in a temporary file, which DuckDB reads by itself, and are merged in one
 * transaction an epoch, together with the epoch's checkpoint. Without marks a transaction is made of every `pieceBytes`, while the next
 * ones are read.
 */
export class TableSink implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #options: TableOptions;
  readonly #scanner: Scanner;
  #spool: Spool | undefined;
  #isMarked = false;
  #loading: Promise<void> = Promise.resolve();

  constructor(call: Call, options: TableOptions) {
    const path = resolve(options.path);
    this.id = `duckdb:${path}#${checkTableName(options.table)}`;
    this.#call = call;
    this.#options = { ...options, path };
    this.#scanner = new Scanner({
      keys: options.keys,
      reserved: labelColumn,
      ...(options.keys.length > 0 ? { revision: 'revision' } : {}),
    });
  }

  async begin(begin: Begin): Promise<void> {
    this.#isMarked = true;
    await this.#transaction((database) => beginIn(database, this.#options.table, begin));
  }

  async write(batch: Batch): Promise<void> {
    const { pieces, count, rejected } = this.#scanner.scan(batch);
    for (const { index, reason } of rejected) {
      const line = batch.lines[index];
      if (line !== undefined) this.#call.rejects.line(line, reason);
    }
    this.#spool ??= await this.#newSpool();
    await this.#spool.write(pieces, count);
    if (!this.#isMarked && this.#spool.bytes >= this.#options.pieceBytes) {
      await this.#loading;
      this.#loading = this.#load(undefined);
      // Whoever waits for it next hears of a failure.
      this.#loading.catch(() => {});
    }
  }

  async flush(epoch?: Epoch): Promise<void> {
    await this.#loading;
    await this.#load(epoch);
  }

  async close(): Promise<void> {
    await this.#loading.catch(() => {});
    await this.#spool?.remove();
  }

  #newSpool(): Promise<Spool> {
    return Spool.open(this.#folder, this.#call.context.host);
  }

  get #folder(): string {
    return join(this.#call.context.home, 'spool');
  }

  /** Loads what has gathered, in one transaction with its checkpoint; what comes meanwhile gathers anew. */
  async #load(epoch: Epoch | undefined): Promise<void> {
    const spool = this.#spool;
    const gathered = { fields: this.#scanner.fields.map((field) => ({ ...field })), longestBytes: this.#scanner.longestBytes };
    this.#spool = undefined;
    this.#scanner.clear();
    try {
      await spool?.finish();
      const path = spool !== undefined && spool.count > 0 ? spool.path : undefined;
      if (epoch !== undefined) await this.#transaction((database) => this.#commit(database, epoch, path, gathered));
      else if (path !== undefined) await this.#transaction((database) => this.#put(database, path, gathered));
    } finally {
      await spool?.remove();
    }
  }

  async #commit(database: Database, epoch: Epoch, path: string | undefined, gathered: Gathered): Promise<void> {
    const { table } = this.#options;
    await checkTerm(database, table, epoch.begin);
    const replaced = await replayed(database, table, epoch);
    if (isRepeat(replaced[0], epoch)) {
      this.#call.context.detail(`commit ${epoch.commit} is in the table already`);
      return;
    }
    if (replaced.length > 0) await this.#forget(database, replaced);
    const label = `${epoch.begin.app}/${epoch.begin.term}/${epoch.commit}`;
    if (path !== undefined) await this.#put(database, path, gathered, epoch, label);
    await writeCheckpoint(database, table, epoch, label, replaced);
  }

  async #put(
    database: Database,
    path: string,
    { fields, longestBytes }: Gathered,
    epoch?: Epoch,
    label: string | null = null,
  ): Promise<void> {
    const { table, keys } = this.#options;
    const isAppend = keys.length === 0;
    const { columns, changes, hasRevisions, isNew } = await fitColumns(database, table, fields, isAppend ? [labelColumn] : []);
    await writeChanges(database, table, changes, epoch);
    const load = { table, path, columns, longestBytes };
    if (isAppend) await append(database, load, label);
    else await merge(database, load, keys, { hasRevisions, isNew });
  }

  /** Added records of epochs that come again, cut otherwise, are taken out; merged ones replace themselves. */
  async #forget(database: Database, epochs: readonly Kept[]): Promise<void> {
    const { table, keys } = this.#options;
    if (keys.length > 0 || (await readColumns(database, table))?.has(labelColumn) !== true) return;
    const labels = epochs.map(({ label }) => quoteText(label));
    await database.run(`delete from ${quoteName(table)} where ${labelColumn} in (${labels.join(', ')})`);
  }

  async #transaction(work: (database: Database) => Promise<void>): Promise<void> {
    const { path, table, memoryBytes } = this.#options;
    const { context } = this.#call;
    const onWait = (note: string | undefined) => {
      context.progress.note = note;
    };
    try {
      await withDatabase({ path, isReadOnly: false, memoryBytes, temporary: this.#folder, onWait }, (database) =>
        database.transaction(async () => {
          await makeBookkeeping(database);
          await work(database);
        }),
      );
    } catch (error) {
      if (error instanceof Failure || !(error instanceof Error)) throw error;
      if (/base table|alter view|is not an? table/i.test(error.message)) {
        throw new Failure('misconfigured', `${table} is a view in ${path}`, 'choose the name of a table, or a new one', error);
      }
      if (!isOfData(error.message)) throw error;
      // The message may show a record: it is for those who ask.
      context.detail(error.message);
      const kind = error.message.split(':', 1)[0];
      throw new Failure(
        'badData',
        `DuckDB cannot put the records into ${table} (${kind})`,
        'see its own words with -v; a constraint of the table may forbid them',
        error,
      );
    }
  }
}
