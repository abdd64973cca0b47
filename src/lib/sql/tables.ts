import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Sandbox } from '../duckdb/sandbox.ts';
import { explain, Failure } from '../errors.ts';
import { quoteName, quotePath } from '../table/names.ts';

/** A table that stands beside `input`, and the file that has its rows. */
export interface Table {
  name: string;
  path: string;
  read: string;
}

const readers: [RegExp, string][] = [
  [/\.(csv|tsv)(\.gz)?$/i, 'read_csv'],
  [/\.(ndjson|jsonl|json)(\.gz)?$/i, 'read_json'],
  [/\.parquet$/i, 'read_parquet'],
];

/** Reads `plans=plans.csv`. Throws a Failure (2). */
export function parseTable(text: string): Table {
  const at = text.indexOf('=');
  const [name, path] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || path === '') throw new Failure('usage', '--table takes a name and a file, as plans=plans.csv');
  if (/^(input$|_buda_)/i.test(name)) throw new Failure('usage', `no table may be named ${name}`, 'choose another name');
  const read = readers.find(([ending]) => ending.test(path))?.[1];
  if (read === undefined)
    throw new Failure('usage', `--table ${name}: the file is to be .csv, .tsv, .ndjson, .jsonl, .json or .parquet`);
  return { name, path: resolve(path), read };
}

/** Loads the tables, and gives the names of their columns. A file that cannot be read is a Failure (78). */
export async function loadTables(sandbox: Sandbox, tables: readonly Table[]): Promise<Map<string, string[]>> {
  const columns = new Map<string, string[]>();
  for (const { name, path, read } of tables) {
    if (columns.has(name)) throw new Failure('usage', `--table names ${name} twice`);
    try {
      statSync(path);
      await sandbox.run(`create table ${quoteName(name)} as select * from ${read}(${quotePath(path)})`);
    } catch (error) {
      if (error instanceof Failure) throw error;
      // Beyond its first line the message may show what is in the file.
      const [reason = ''] = explain(error).split('\n', 1);
      throw new Failure('misconfigured', `the table ${name} cannot be loaded: ${reason}`, undefined, error);
    }
    columns.set(
      name,
      (await sandbox.texts(`describe ${quoteName(name)}`)).map(([column = '']) => column),
    );
  }
  return columns;
}
