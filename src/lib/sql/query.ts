import type { Sandbox } from '../duckdb/sandbox.ts';
import { Failure } from '../errors.ts';
import { quoteName, quoteText } from '../table/names.ts';
import type { Fixed } from './columns.ts';
import {
  count,
  isRecord,
  isSpread,
  type Node,
  noColumn,
  type Passed,
  parseTree,
  passOn,
  rawName,
  spreadStar,
  writeTree,
} from './tree.ts';

/** A query that DuckDB accepts, and what it needs of the records. */
export interface Query {
  /** The SQL that is run; what is passed on as it is written is asked for by the names of `rawName`. */
  sql: string;
  /** The answer's columns that are passed on as they are written, by place. */
  passed: ReadonlyMap<number, Passed>;
  /** Fields that are used as values. */
  typed: readonly string[];
  /** Whether `record` is used as a value. */
  usesRecord: boolean;
  /** Names that stand for columns of other tables, as long as no record has such a field: then nobody knows which is meant. */
  shared: readonly string[];
  /** Whether it asks for all fields. */
  hasStar: boolean;
  /** Where it hands all of them on as they are written: gives the query for those that a table has. */
  spread?: (fields: readonly string[]) => Promise<Pick<Query, 'sql' | 'passed'>>;
  /** The type of a column that has no value. */
  emptyType: string;
}

/** The types that a field's column may come to have: one that has no value gets the first that the query takes. */
const emptyTypes = ['"NULL"', 'VARCHAR', 'BIGINT', 'DOUBLE', 'JSON', 'BOOLEAN'];

/** Reads a query, with the columns of the tables that stand beside `input`. Throws a Failure (2) where DuckDB refuses it, or where it is no SELECT. */
export async function readQuery(
  sandbox: Sandbox,
  sql: string,
  fixed: ReadonlyMap<string, Fixed>,
  tables: ReadonlyMap<string, readonly string[]>,
): Promise<Query> {
  const [[json = ''] = []] = await sandbox.texts(`select json_serialize_sql(${quoteText(sql)})`);
  const tree = parseTree(json);
  if (tree.error === true) {
    const isOther = tree.error_type === 'not implemented';
    throw new Failure('usage', isOther ? 'the SQL is no SELECT' : `the SQL is refused: ${tree.error_message}`);
  }
  if (tree.statements.length !== 1) throw new Failure('usage', 'the SQL is to be one SELECT, and no more');
  const root = tree.statements[0].node as Node;
  const aliases = new Set(['input']);
  count(root, (node) => {
    if (node.type === 'BASE_TABLE' && node.table_name.toLowerCase() === 'input') aliases.add(node.alias || 'input');
    return false;
  });
  const binder: Binder = { sandbox, fixed, aliases };
  const bound = await bind(binder, sql, []);
  refuseDoubles((await sandbox.texts(`describe ${sql}`)).map(([name = '']) => name));
  const found = { ...bound, shared: await sharedNames(binder, sql, bound, tables) };
  const stars = count(root, (node) => node.class === 'STAR');
  const hasStar = stars > 0;
  const write = async () =>
    (await sandbox.texts(`select json_deserialize_sql(${quoteText(writeTree(tree))}::JSON)`))[0]?.[0] ?? '';
  if (stars === 1 && isSpread(root)) {
    const written = JSON.stringify(root);
    const spread = async (fields: readonly string[]) => {
      const own = JSON.parse(written) as Node;
      tree.statements[0].node = own;
      spreadStar(own, fields);
      const passed = passOn(own, [...fields, 'record'], tables);
      return { sql: await write(), passed };
    };
    return { ...found, sql, passed: new Map(), hasStar, spread };
  }
  const passed = stars === 0 ? passOn(root, found.names, tables) : new Map<number, Passed>();
  if (passed.size === 0) return { ...found, sql, passed, hasStar };
  const rewritten = await write();
  const again = await bind(binder, rewritten, [...new Set([...passed.values()].map(({ field }) => rawName(field)))]);
  return { ...again, shared: found.shared, sql: rewritten, passed, hasStar };
}

interface Binder {
  sandbox: Sandbox;
  fixed: ReadonlyMap<string, Fixed>;
  /** The names that `input` has in the query. */
  aliases: ReadonlySet<string>;
}

interface Bound {
  /** The columns of `input` that the query needs, by the names it gives them. */
  names: readonly string[];
  typed: readonly string[];
  usesRecord: boolean;
  emptyType: string;
}

/** Asks DuckDB which columns the query misses, until it misses none: all of them are columns of `input`. */
async function bind(binder: Binder, sql: string, given: readonly string[]): Promise<Bound> {
  const names: string[] = [];
  let emptyType = 0;
  let first: Error | undefined;
  for (;;) {
    const error = await refusal(binder, sql, [...given, ...names], emptyTypes[emptyType] as string);
    if (error === undefined) break;
    const missing = missingIn(error.message, binder.aliases);
    if (missing !== undefined && !names.includes(missing)) {
      names.push(missing);
      continue;
    }
    first ??= error;
    emptyType++;
    if (emptyType < emptyTypes.length) continue;
    throw refused(first);
  }
  const typed = names.filter((name) => !isRecord(name));
  return { names, typed, usesRecord: typed.length < names.length, emptyType: emptyTypes[emptyType] as string };
}

async function refusal(
  { sandbox, fixed }: Binder,
  sql: string,
  names: readonly string[],
  emptyType: string,
): Promise<Error | undefined> {
  const typeOf = (name: string) => (isRecord(name) ? 'JSON' : (fixed.get(name)?.type ?? emptyType));
  const columns = names.map((name) => `null::${typeOf(name)} as ${quoteName(name)}`);
  await sandbox.run(`create or replace temp view input as select ${columns.join(', ') || `null as ${noColumn}`}`);
  try {
    await sandbox.check(sql);
    return undefined;
  } catch (error) {
    if (error instanceof Error && !(error instanceof Failure)) return error;
    throw error;
  }
}

/** The column that DuckDB says is not there: in its words of version 1.5. */
function missingIn(message: string, aliases: ReadonlySet<string>): string | undefined {
  const [, table, column] =
    /^Binder Error: (?:Table|Values list|View) "(.*?)" does not have a column named "(.*?)"/.exec(message) ?? [];
  if (table !== undefined) return aliases.has(table) ? column : undefined;
  const [, name] =
    /^Binder Error: Referenced (?:column|table) "(.*?)" not found/.exec(message) ??
    /^Binder Error: Column "(.*?)" (?:does not exist on (?:left|right) side of join|in \w+ list not found|referenced that exists)/.exec(
      message,
    ) ??
    /^Binder Error: Alias with name "(.*?)" exists, but/.exec(message) ??
    [];
  return name;
}

/** The columns of other tables that could be meant to be fields as well. */
async function sharedNames(
  binder: Binder,
  sql: string,
  { names, emptyType }: Bound,
  tables: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const known = new Set(names.map((name) => name.toLowerCase()));
  const others = [...new Set([...tables.values()].flat())].filter((name) => !known.has(name.toLowerCase()));
  const shared: string[] = [];
  for (const name of others) {
    const error = await refusal(binder, sql, [...names, name], emptyType);
    if (error !== undefined && /^Binder Error: Ambiguous reference/.test(error.message)) shared.push(name);
  }
  return shared;
}

function refused(error: Error): Failure {
  const [message = ''] = error.message.split('\n', 1);
  const remedy = /explicit type casts/.test(message)
    ? "a field's text and numbers are VARCHAR, BIGINT or DOUBLE: cast them (created_at::TIMESTAMP), or fix the type: --columns"
    : undefined;
  return new Failure('usage', `the SQL is refused: ${message}`, remedy, error);
}

/** Refuses (2) an answer in which two columns have one name: a record cannot. */
export function refuseDoubles(names: readonly string[]): void {
  const double = names.find((name, i) => names.indexOf(name) < i);
  if (double === undefined) return;
  throw new Failure(
    'usage',
    `two columns of the answer are named ${JSON.stringify(double)}`,
    'name one of them otherwise: AS another_name',
  );
}
