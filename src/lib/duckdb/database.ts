import { randomBytes } from 'node:crypto';
import { chmod, link, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
  DuckDBTypeId,
  ResultReturnType,
} from '@duckdb/node-api';
import { makeFolderDurably } from '../durable.ts';
import { codeOf, Failure } from '../errors.ts';
import { jsonWriterFor, type WriteJson } from './json.ts';
import { checkSizeLimit } from './size-limit.ts';

interface DatabaseOptions {
  /** A DuckDB file. */
  path: string;
  isReadOnly: boolean;
  /** What DuckDB may hold in memory; what goes beyond it lies in `temporary`, a folder. */
  memoryBytes: number;
  temporary: string;
  /** How long a file that another process holds is waited for; 10 s where nothing else is said. */
  lockWaitMs?: number;
  /** Told while another process holds the file, and once more with undefined when it no longer does. */
  onWait?: (note: string | undefined) => void;
}

const defaultLockWaitMs = 10_000;

/** DuckDB's own lock tells processes apart, not two users within one: here they take turns. */
const turns = new Map<string, Promise<unknown>>();

/**
 * Opens the file, works with it, and closes it again, which is when other processes can open it. A file that is not there is made (mode
 * 0600), except for reading: that is a Failure (78). A file that is held is tried again for 10 s, then that is a Failure (75).
 */
export async function withDatabase<T>(options: DatabaseOptions, work: (database: Database) => Promise<T>): Promise<T> {
  const path = resolve(options.path);
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.then(() => openAndWork({ ...options, path }, work));
  const settled = turn.catch(() => {});
  turns.set(path, settled);
  try {
    return await turn;
  } finally {
    if (turns.get(path) === settled) turns.delete(path);
  }
}

async function openAndWork<T>(options: DatabaseOptions, work: (database: Database) => Promise<T>): Promise<T> {
  const instance = await open(options);
  try {
    const connection = await instance.connect();
    try {
      const database = new Database(connection, options.path);
      await database.run(`set TimeZone = 'UTC'`);
      return await work(database);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

async function open({ path, isReadOnly, memoryBytes, temporary, lockWaitMs, onWait }: DatabaseOptions): Promise<DuckDBInstance> {
  const configuration = {
    access_mode: isReadOnly ? 'READ_ONLY' : 'READ_WRITE',
    threads: String(Math.min(4, availableParallelism())),
    memory_limit: `${Math.max(1, Math.floor(memoryBytes / 1024))}KiB`,
    temp_directory: temporary,
    autoinstall_known_extensions: 'false',
  };
  if (!isReadOnly) {
    await make(path, configuration);
    await checkSizeLimit(path);
  } else if (!(await isThere(path))) {
    throw new Failure(
      'misconfigured',
      `there is no warehouse at ${path}`,
      'buda put-table makes it; or name another: --to duckdb:PATH',
    );
  }
  for (const until = performance.now() + (lockWaitMs ?? defaultLockWaitMs); ; ) {
    try {
      const instance = await DuckDBInstance.create(path, configuration);
      onWait?.(undefined);
      return instance;
    } catch (error) {
      const holder = lockHolderIn(error);
      if (holder === undefined) throw failureOf(error, path);
      if (performance.now() > until) {
        onWait?.(undefined);
        throw new Failure('incomplete', `${path} is held by ${holder}`, 'run it again once that has ended', error);
      }
      onWait?.(`waiting: ${path} is held by ${holder}`);
      await sleep(50);
    }
  }
}

/** Makes an empty database under another name and puts it in place whole, for its owner alone; somebody else's that came first stays. */
async function make(path: string, configuration: Record<string, string>): Promise<void> {
  if (await isThere(path)) return;
  const folder = dirname(path);
  await makeFolderDurably(folder);
  const temporary = join(folder, `.${randomBytes(6).toString('hex')}.new`);
  try {
    const instance = await DuckDBInstance.create(temporary, configuration).catch((error) => {
      throw failureOf(error, path);
    });
    instance.closeSync();
    await chmod(temporary, 0o600);
    await link(temporary, path).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** "process 4711" of DuckDB's message on a lock, undefined for any other error. */
function lockHolderIn(error: unknown): string | undefined {
  if (!(error instanceof Error) || !/could not set lock on file/i.test(error.message)) return undefined;
  const pid = /\(PID (\d+)\)/.exec(error.message)?.[1];
  return pid === undefined ? 'another process' : `process ${pid}`;
}

/** An open database: SQL in, rows out. */
export class Database {
  readonly path: string;
  readonly #connection: DuckDBConnection;

  constructor(connection: DuckDBConnection, path: string) {
    this.#connection = connection;
    this.path = path;
  }

  /** Runs statements for their effect. Parameters are bound as text, whole numbers (bigint) and null. */
  async run(sql: string, parameters: readonly Parameter[] = []): Promise<void> {
    await this.#guarded(() => this.#connection.run(sql, [...parameters]));
  }

  /** The rows of a small result: a bigint for each whole number. */
  async rows(sql: string, parameters: readonly Parameter[] = []): Promise<Record<string, unknown>[]> {
    const reader = await this.#guarded(() => this.#connection.runAndReadAll(sql, [...parameters]));
    return reader.getRowObjectsJS();
  }

  /** Everything that `work` does, or nothing. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run('begin transaction');
    try {
      const result = await work();
      await this.run('commit');
      return result;
    } catch (error) {
      await this.#connection.run('rollback').catch(() => {});
      throw error;
    }
  }

  /**
   * Runs each statement of the text, and gives the rows of those that have some, each as JSON, while they are made. The rows of one are to be
   * read before the next is asked for.
   */
  async *query(sql: string): AsyncGenerator<Rows> {
    const statements = await this.#guarded(() => this.#connection.extractStatements(sql));
    for (let i = 0; i < statements.count; i++) {
      const result = await this.#guarded(async () => (await statements.prepare(i)).stream());
      if (result.returnType !== ResultReturnType.QUERY_RESULT) continue;
      const types = result.columnTypes();
      const columns = result.deduplicatedColumnNames().map((name, c) => ({ name, isNumber: isNumber(types[c]) }));
      yield { columns, pieces: this.#pieces(result, types.map(jsonWriterFor)) };
    }
  }

  async *#pieces(result: DuckDBResult, writers: readonly WriteJson[]): AsyncGenerator<string[][]> {
    for (;;) {
      const chunk = await this.#guarded(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) return;
      const columns = writers.map((write, c) => chunk.getColumnValues(c).map(write));
      yield Array.from({ length: chunk.rowCount }, (_, row) => columns.map((column) => column[row] ?? 'null'));
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, this.path);
    }
  }
}

/** A result: its columns, and its rows in pieces, each value as JSON. */
export interface Rows {
  columns: { name: string; isNumber: boolean }[];
  pieces: AsyncIterable<string[][]>;
}

const numbers = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.BIGNUM,
  DuckDBTypeId.DECIMAL,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
]);

function isNumber(type: DuckDBType | undefined): boolean {
  return type !== undefined && numbers.has(type.typeId);
}

type Parameter = string | bigint | null;

/** What DuckDB's own words on an error mean for who called: a full disk stays an error of the system (1). */
export function failureOf(error: unknown, path: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const message = error.message.trim();
  if (/no space left on device/i.test(message)) return new Failure('failed', `the disk is full (${path})`, undefined, error);
  if (/file too large/i.test(message)) {
    return new Failure(
      'failed',
      `the file would grow past the size limit of this process (ulimit -f) (${path})`,
      undefined,
      error,
    );
  }
  if (/read-only file system|permission denied/i.test(message)) {
    return new Failure(
      'failed',
      `${path} cannot be written: ${firstLine(message)}`,
      'give it to this user, or name another: --to duckdb:PATH',
      error,
    );
  }
  if (/^Out of Memory Error/.test(message))
    return new Failure('failed', firstLine(message), 'allow it more: --memory 2GiB', error);
  return error;
}

/**
 * The error of a statement that a person wrote: words that are no SQL, or that name what is not there, are 2; data that they cannot be done
 * with 65. DuckDB's message shows the place.
 */
export function failureOfStatement(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const message = error.message.trim().replace(/^Failed to extract statements: /, '');
  if (/read-only mode/.test(message)) return new Failure('usage', message, 'to change the warehouse: --write', error);
  if (/^(Parser|Binder|Catalog|Syntax) Error/.test(message)) return new Failure('usage', message, undefined, error);
  return isOfData(message) ? new Failure('badData', message, undefined, error) : error;
}

/** Whether DuckDB says that it cannot do with the data, and perhaps shows some of it. */
export function isOfData(message: string): boolean {
  return /^(Constraint|Conversion|Invalid Input|Invalid|Out of Range|Mismatch Type|Not implemented|TransactionContext) Error/i.test(
    message,
  );
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
