import type { Database } from '../duckdb/database.ts';
import { Failure } from '../errors.ts';
import { type ColumnType, kinds, kindsOf, typeFor } from './kinds.ts';
import { quoteName, quoteText } from './names.ts';
import type { Field } from './scan.ts';

/** A field of the records and the column that takes it. */
export interface Column {
  name: string;
  /** The column's type. */
  type: string;
  /** The type as which DuckDB reads the field: another one only where the column's is none of ours. */
  readAs: ColumnType;
}

/** A change of columns, as `_buda_meta` keeps it. */
export interface ColumnChange {
  column: string;
  change: 'added' | 'widened';
  from: string | null;
  to: string;
  /** The column was made without having seen a value: it may still become anything. */
  isOpen: boolean;
}

/** The types of a table's columns by name; undefined where there is no such table. */
export async function readColumns(database: Database, table: string): Promise<Map<string, string> | undefined> {
  try {
    // Ten times as fast as the catalogue's own views, which count for every epoch.
    const rows = await database.rows(`describe ${quoteName(table)}`);
    return new Map(rows.map((row) => [String(row.column_name), String(row.column_type)]));
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Catalog Error')) return undefined;
    throw error;
  }
}

/**
 * Makes the table able to hold the fields, losing nothing: missing columns are added, ours widened where a value does not fit. A column of
 * a type that we do not make is left as it is.
 */
export async function fitColumns(
  database: Database,
  table: string,
  fields: readonly Field[],
  extra: readonly string[] = [],
): Promise<{ columns: Column[]; changes: ColumnChange[]; hasRevisions: boolean; isNew: boolean }> {
  const known = await readColumns(database, table);
  const changes: ColumnChange[] = [];
  const columns: Column[] = [];
  const added: string[] = [];
  const folded = new Map([...(known?.keys() ?? [])].map((name) => [fold(name), name]));
  for (const { name, seen } of fields) {
    const type = known?.get(name);
    if (type !== undefined) {
      columns.push(await fitColumn(database, table, name, type, seen, changes));
      continue;
    }
    const other = folded.get(fold(name));
    if (other !== undefined) {
      throw new Failure(
        'badData',
        `the field ${JSON.stringify(name)} and the column ${JSON.stringify(other)} of ${table} differ in case alone, and a table cannot have both`,
        'rename the field upstream, or load into another table',
      );
    }
    const made = typeFor(seen);
    added.push(`${quoteName(name)} ${made}`);
    changes.push({ column: name, change: 'added', from: null, to: made, isOpen: seen === 0 });
    columns.push({ name, type: made, readAs: made });
  }
  for (const name of extra) if (known === undefined || !known.has(name)) added.push(`${quoteName(name)} VARCHAR`);
  if (known === undefined) await database.run(`create table ${quoteName(table)} (${added.join(', ')})`);
  else for (const column of added) await database.run(`alter table ${quoteName(table)} add column ${column}`);
  const hasRevisions = known?.has('revision') === true || fields.some(({ name }) => name === 'revision');
  return { columns, changes, hasRevisions, isNew: known === undefined };
}

async function fitColumn(
  database: Database,
  table: string,
  name: string,
  type: string,
  seen: number,
  changes: ColumnChange[],
): Promise<Column> {
  const own = kindsOf(type);
  if (own === undefined) return { name, type, readAs: typeFor(seen) };
  if (seen === 0 || (typeFor(own | seen) === type && !(type === 'VARCHAR' && (seen & kinds.text) === 0)))
    return { name, type, readAs: type as ColumnType };
  const isOpen = type === 'VARCHAR' && (await isStillOpen(database, table, name));
  const held = isOpen ? 0 : type === 'BIGINT' && (await isSmall(database, table, name)) ? kinds.small : own;
  const to = typeFor(held | seen);
  if (to === type) return { name, type, readAs: to };
  const value = isOpen ? `null` : convert(quoteName(name), type, to);
  await database.run(`alter table ${quoteName(table)} alter column ${quoteName(name)} type ${to} using ${value}`);
  changes.push({ column: name, change: 'widened', from: type, to, isOpen: false });
  return { name, type: to, readAs: to };
}

/** Whether the column was made for a field that was always null, and still holds nothing. */
async function isStillOpen(database: Database, table: string, name: string): Promise<boolean> {
  const [last] = await database.rows(
    'select is_open from _buda_meta where table_name = $1 and column_name = $2 order by number desc limit 1',
    [table, name],
  );
  if (last?.is_open !== true) return false;
  return (await database.rows(`select 1 from ${quoteName(table)} where ${quoteName(name)} is not null limit 1`)).length === 0;
}

/** Whether every whole number of the column is one that a double holds. */
async function isSmall(database: Database, table: string, name: string): Promise<boolean> {
  const column = quoteName(name);
  const [row] = await database.rows(
    `select coalesce(max(${column}) <= 9007199254740992 and min(${column}) >= -9007199254740992, true) as is_small from ${quoteName(table)}`,
  );
  return row?.is_small === true;
}

/** The same values in a wider type; instants in the way RFC 3339 writes them. */
function convert(column: string, from: string, to: ColumnType): string {
  const text = from === 'TIMESTAMP' ? textOfTime(column) : from === 'DOUBLE' && to === 'VARCHAR' ? textOfDouble(column) : column;
  if (to === 'JSON') return `to_json(${text})`;
  return to === 'VARCHAR' ? `cast(${text} as VARCHAR)` : `cast(${column} as ${to})`;
}

/** An instant as RFC 3339 text in UTC, without needless decimals. */
export function textOfTime(value: string): string {
  const seconds = `strftime(${value}, '%Y-%m-%dT%H:%M:%S')`;
  return `${seconds} || case when microsecond(${value}) % 1000000 = 0 then '' else '.' || rtrim(strftime(${value}, '%f'), '0') end || 'Z'`;
}

/** A double in its shortest form; DuckDB would write a whole one as 1999.0. */
function textOfDouble(value: string): string {
  return `regexp_replace(cast(${value} as varchar), '\\.0$', '')`;
}

/** The fields as DuckDB's reader wants them. */
export function columnsToRead(columns: readonly Column[]): string {
  return `{${columns.map(({ name, readAs }) => `${quoteText(name)}: '${readAs}'`).join(', ')}}`;
}

function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
