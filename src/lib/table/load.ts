import type { Database } from '../duckdb/database.ts';
import { Failure } from '../errors.ts';
import { type Column, columnsToRead, textOfTime } from './columns.ts';
import { quoteName, quotePath, quoteText } from './names.ts';

/** Which records, and where to. */
export interface Load {
  table: string;
  /** NDJSON of these columns' fields. */
  path: string;
  columns: readonly Column[];
  /** The longest line in it. */
  longestBytes: number;
}

const batch = '_buda_batch';

/** DuckDB reads pieces of twice this size, each in a thread: small ones spread better, and need less memory. */
const leastObjectBytes = 1024 ** 2;

/** The column for the label of the epoch that a record was added in; no field of a record may have its name. */
export const labelColumn = '_buda_commit';

/** Adds every record as it is, under a label by which the epoch can be found again; null where there is none. */
export async function append(database: Database, load: Load, label: string | null): Promise<void> {
  await stage(database, load);
  const names = [...load.columns.map(({ name }) => quoteName(name)), labelColumn];
  const values = [...load.columns.map((_, i) => `c${i}`), label === null ? 'null' : quoteText(label)];
  await database.run(`insert into ${quoteName(load.table)} (${names.join(', ')}) select ${values.join(', ')} from ${batch}`);
  await database.run(`drop table ${batch}`);
}

/**
 * Merges the records by their keys. Of several with the same keys the highest `revision` wins (none is the lowest), then the last; one with
 * `op` = `delete` removes the row, and at the same revision it wins. A delete with a revision is remembered, so that an older record that comes late does not undo it.
 */
export async function merge(
  database: Database,
  load: Load,
  keys: readonly string[],
  { hasRevisions, isNew }: { hasRevisions: boolean; isNew: boolean },
): Promise<void> {
  const { table, columns } = load;
  const target = quoteName(table);
  const hasDeleted = (await database.rows('select 1 from _buda_deleted where table_name = $1 limit 1', [table])).length > 0;
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  const keyColumns = keys.map((name) => `c${at(name)}`);
  const newRevision = at('revision') < 0 ? '0' : `coalesce(try_cast(b.c${at('revision')} as hugeint), 0)`;
  const oldRevision = hasRevisions ? `coalesce(try_cast(t.revision as hugeint), 0)` : '0';
  const same = keys.map((name, i) => `t.${quoteName(name)} = b.${keyColumns[i]}`).join(' and ');
  const isDelete = deleteTest(columns[at('op')], `b.c${at('op')}`);

  // Into a table that was just made the records go at once, in any order: which of several is the last matters where there are several.
  if (isNew && !hasDeleted && isDelete === 'false') {
    await database.run('set preserve_insertion_order = false');
    await insert(
      database,
      load,
      columns.map(({ name }) => quoteName(name)),
      recordsIn(load),
    );
    await database.run('reset preserve_insertion_order');
    if (await isUnique(database, target, keys.map(quoteName))) return;
    await database.run(`delete from ${target}`);
  }
  await stage(database, load);

  if (!(await isUnique(database, batch, keyColumns))) {
    await database.run(
      `delete from ${batch} where rowid in (select place from (select b.rowid as place, row_number() over (partition by ${keyColumns
        .map((column) => `b.${column}`)
        .join(
          ', ',
        )} order by ${newRevision} desc, ${newRevision} > 0 and ${isDelete} desc, b.rowid desc) as rank from ${batch} as b) where rank > 1)`,
    );
  }

  const keyText = `to_json([${keys.map((name, i) => textOf(columns[at(name)], `b.${keyColumns[i]}`)).join(', ')}])::varchar`;
  const dead = `_buda_deleted as d where d.table_name = ${quoteText(table)} and d.key = ${keyText}`;
  if (hasDeleted) {
    await database.run(`delete from ${batch} as b using ${dead} and d.revision >= ${newRevision} and not (${isDelete})`);
    await database.run(`delete from ${batch} as b using ${dead} and d.revision > ${newRevision}`);
  }
  const isEmpty = (await database.rows(`select 1 from ${target} limit 1`)).length === 0;
  if (!isEmpty) {
    if (hasRevisions)
      await database.run(`delete from ${batch} as b using ${target} as t where ${same} and ${oldRevision} > ${newRevision}`);
    await database.run(`delete from ${target} as t using ${batch} as b where ${same}`);
  }
  if (hasDeleted) {
    await database.run(
      `delete from _buda_deleted as d using ${batch} as b where d.table_name = ${quoteText(table)} and d.key = ${keyText}`,
    );
  }
  if (isDelete !== 'false') {
    if (newRevision !== '0') {
      await database.run(
        `insert into _buda_deleted select ${quoteText(table)}, ${keyText}, ${newRevision} from ${batch} as b where ${isDelete} and ${newRevision} > 0`,
      );
    }
    await database.run(`delete from ${batch} as b where ${isDelete}`);
  }
  await insert(
    database,
    load,
    columns.map((_, i) => `c${i}`),
    batch,
  );
  await database.run(`drop table ${batch}`);
}

async function insert(database: Database, { table, columns }: Load, values: readonly string[], from: string): Promise<void> {
  const names = columns.map(({ name }) => quoteName(name));
  await database.run(`insert into ${quoteName(table)} (${names.join(', ')}) select ${values.join(', ')} from ${from}`);
}

/** Whether no two rows have the same keys. Equal hashes of different keys only cost the look for doubles that are not there. */
async function isUnique(database: Database, table: string, keys: readonly string[]): Promise<boolean> {
  const [row] = await database.rows(`select count(*) = count(distinct hash(${keys.join(', ')})) as is_unique from ${table}`);
  return row?.is_unique === true;
}

/** The file as DuckDB reads it. */
function recordsIn({ path, columns, longestBytes }: Load): string {
  const objectBytes = Math.max(leastObjectBytes, longestBytes + 1);
  return `read_json(${quotePath(path)}, format = 'newline_delimited', hive_partitioning = false, maximum_object_size = ${objectBytes}, columns = ${columnsToRead(columns)})`;
}

/** Reads the file into a temporary table: c0, c1, … as the columns want them. */
async function stage(database: Database, load: Load): Promise<void> {
  const { table, columns } = load;
  const foreign = columns.map((column, i) => ({ column, i })).filter(({ column }) => column.readAs !== column.type);
  const values = columns.map(({ name, type, readAs }, i) =>
    readAs === type
      ? `${quoteName(name)} as c${i}`
      : `try_cast(${quoteName(name)} as ${type}) as c${i}, ${quoteName(name)} as r${i}`,
  );
  await database.run(`create temp table ${batch} as select ${values.join(', ')} from ${recordsIn(load)}`);
  for (const { column, i } of foreign) {
    const [{ count } = {}] = await database.rows(
      `select count(*) as count from ${batch} where r${i} is not null and try_cast(c${i} as ${column.readAs}) is distinct from r${i}`,
    );
    if (count === 0n || count === undefined) continue;
    throw new Failure(
      'badData',
      `the column ${JSON.stringify(column.name)} of ${table} is ${column.type}: ${count} of the records' values (${column.readAs}) would not stay what they are in it`,
      `change the column's type (buda query --write 'alter table …'), rename the field upstream, or load into another table`,
    );
  }
}

function deleteTest(column: Column | undefined, value: string): string {
  if (column?.type === 'VARCHAR') return `coalesce(${value} = 'delete', false)`;
  return column?.type === 'JSON' ? `coalesce(${value} ->> '$' = 'delete', false)` : 'false';
}

/** A key's value as text that stays the same when its column is widened. */
function textOf(column: Column | undefined, value: string): string {
  return column?.type === 'TIMESTAMP' ? textOfTime(value) : `cast(${value} as varchar)`;
}
