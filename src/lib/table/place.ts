import { join, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { Failure } from '../errors.ts';
import { text } from '../options.ts';

/** Where the warehouse is, for every command that works with it. */
export const warehouseOption = text('--to <URL>', 'the warehouse: duckdb:PATH (default duckdb:$BUDA_HOME/warehouse.duckdb)');

/** The file of `duckdb:PATH`, or the default one. Anything else: 2. */
export function warehousePath(url: string | undefined, { home }: Pick<Context, 'home'>): string {
  if (url === undefined) return join(home, 'warehouse.duckdb');
  const path = /^duckdb:(?:\/\/(?=\/))?(.+)$/s.exec(url)?.[1];
  if (path === undefined || path === ':memory:') {
    throw new Failure('usage', `a warehouse is a DuckDB file, as duckdb:PATH; not ${JSON.stringify(url)}`);
  }
  return resolve(path);
}
