import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Call } from '../command.ts';
import type { Sandbox } from '../duckdb/sandbox.ts';
import { makeFolderDurably } from '../durable.ts';
import { Failure } from '../errors.ts';
import { BadLine, type Batch, type Line } from '../lines.ts';
import type { Fixed } from './columns.ts';
import type { Query } from './query.ts';
import { Rows, type Wanted } from './rows.ts';
import { loadTables, type Table } from './tables.ts';
import { isRecord } from './tree.ts';

/** A query, the types that are fixed for it, and the tables that stand beside `input`. */
export interface Selection {
  sql: string;
  fixed: readonly Fixed[];
  tables: readonly Table[];
  memoryBytes: number;
}

/** DuckDB and the table that is being filled. */
export class Engine {
  readonly #call: Call;
  readonly #sandbox: Sandbox;
  readonly #folder: string;
  readonly #query: Query;
  readonly #wanted: Wanted;
  readonly #answer: typeof import('./answer.ts').answer;
  readonly #met = new Set<string>();
  #rows: Rows | undefined;
  #number = 0;

  static async start(call: Call, { sql, fixed, tables, memoryBytes }: Selection): Promise<Engine> {
    const [{ Sandbox: Opened }, { readQuery }, { answer }, folder] = await Promise.all([
      import('../duckdb/sandbox.ts'),
      import('./query.ts'),
      import('./answer.ts'),
      makeSpool(call),
    ]);
    let sandbox: Sandbox | undefined;
    try {
      sandbox = await Opened.open({ folder, memoryBytes });
      const columns = await loadTables(sandbox, tables);
      await sandbox.lock();
      const types = new Map(fixed.map((column) => [column.name, column]));
      return new Engine(call, sandbox, folder, await readQuery(sandbox, sql, types, columns), types, answer);
    } catch (error) {
      sandbox?.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(
    call: Call,
    sandbox: Sandbox,
    folder: string,
    query: Query,
    fixed: ReadonlyMap<string, Fixed>,
    answer: typeof import('./answer.ts').answer,
  ) {
    this.#call = call;
    this.#sandbox = sandbox;
    this.#folder = folder;
    this.#query = query;
    this.#answer = answer;
    const passed = [...query.passed.values()].map(({ field }) => field);
    const isPassed = passed.some(isRecord);
    this.#wanted = {
      names: [...new Set([...query.typed, ...passed.filter((name) => !isRecord(name)), ...query.shared])],
      typed: new Set(query.typed),
      fixed,
      all: query.hasStar,
      record: query.usesRecord ? 'json' : isPassed ? 'text' : 'no',
    };
  }

  /** Takes records into the table; those that it cannot take are rejected, unless they were before. */
  add(batch: Batch, isTold = false): void {
    const { bytes, count } = batch;
    if (count === 0) return;
    this.#rows ??= new Rows(join(this.#folder, `${this.#number++}.rows`), this.#wanted);
    let index = 0;
    for (let start = 0; start < bytes.length; index++) {
      const end = bytes.indexOf(0x0a, start);
      try {
        this.#rows.add(bytes, start, end);
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        if (!isTold) this.#call.rejects.line(batch.lines[index] as Line, error.message);
      }
      start = end + 1;
    }
  }

  /** What the query makes of the table; the next one begins. */
  async *answer(): AsyncGenerator<Batch> {
    const rows = this.#rows;
    if (rows === undefined) return;
    this.#rows = undefined;
    rows.finish();
    for (const { name, isMet } of rows.columns) {
      if (!isMet) continue;
      this.#met.add(name);
      if (!this.#query.shared.includes(name)) continue;
      throw new Failure(
        'usage',
        `a table and the records both have ${JSON.stringify(name)}`,
        `say which: input."${name}", or the table's`,
      );
    }
    try {
      yield* this.#answer(this.#sandbox, this.#query, rows, this.#wanted.fixed, this.#call.context.detail);
    } finally {
      rmSync(rows.path, { force: true });
    }
  }

  /** The fields that the query names, and those of them that a record had. */
  get names(): readonly string[] {
    return this.#wanted.names.filter((name) => !this.#query.shared.includes(name));
  }

  get met(): ReadonlySet<string> {
    return this.#met;
  }

  close(): void {
    this.#rows?.close();
    this.#sandbox.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A folder of this process alone; those that killed processes left are removed. */
async function makeSpool({ context }: Call): Promise<string> {
  const spool = join(context.home, 'spool');
  await makeFolderDurably(spool);
  for (const name of readdirSync(spool)) {
    const pid = /^transform-sql-(\d+)-\w+$/.exec(name)?.[1];
    if (pid !== undefined && !context.host.isAlive(Number(pid))) rmSync(join(spool, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(spool, `transform-sql-${context.host.pid}-`));
}
