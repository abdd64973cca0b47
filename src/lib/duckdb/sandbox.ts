import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { failureOf } from './database.ts';
import { jsonWriterFor } from './json.ts';

interface SandboxOptions {
  /** The only folder that DuckDB may read and write, for what goes beyond its memory too. */
  folder: string;
  memoryBytes: number;
}

/**
 * A database in memory for statements that a person wrote: once it is locked they reach no file outside its folder, no network and no setting.
 * One thread does the work, so that rows come in order and sums of decimals come out the same each time.
 */
export class Sandbox {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = folder;
  }

  static async open({ folder, memoryBytes }: SandboxOptions): Promise<Sandbox> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${Math.max(1, Math.floor(memoryBytes / 1024))}KiB`,
      temp_directory: folder,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Files come and go under the eyes of nobody else: nothing of them is to be kept.
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    await connection.run(`set TimeZone = 'UTC'`);
    return new Sandbox(instance, connection, folder);
  }

  /** From now on only the folder can be reached, and no setting changed. */
  async lock(): Promise<void> {
    await this.run(`set allowed_directories = ['${this.#folder.replaceAll("'", "''")}']`);
    await this.run('set enable_external_access = false');
    await this.run('set lock_configuration = true');
  }

  async run(sql: string): Promise<void> {
    await this.#guarded(() => this.#connection.run(sql));
  }

  /** The rows of a small result, each value as text. */
  async texts(sql: string): Promise<string[][]> {
    const reader = await this.#guarded(() => this.#connection.runAndReadAll(sql));
    return reader.getRows().map((row) => row.map(String));
  }

  /** Throws what DuckDB says against the query, without running it. */
  async check(sql: string): Promise<void> {
    const statements = await this.#connection.extractStatements(sql);
    (await statements.prepare(0)).destroySync();
  }

  /** The rows of a query in pieces: the values of a column as they are, or as JSON. */
  async *rows(sql: string): AsyncGenerator<{ count: number; values: (column: number, isJson: boolean) => string[] }> {
    const result = await this.#guarded(() => this.#connection.stream(sql));
    const writers = result.columnTypes().map(jsonWriterFor);
    for (;;) {
      const chunk = await this.#guarded(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) return;
      yield {
        count: chunk.rowCount,
        values: (column, isJson) => {
          const values = chunk.getColumnValues(column);
          return isJson ? values.map((value) => writers[column]?.(value) ?? 'null') : (values as string[]);
        },
      };
    }
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, this.#folder);
    }
  }
}
