import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isOfData } from '../duckdb/database.ts';
import type { Sandbox } from '../duckdb/sandbox.ts';
import { Failure } from '../errors.ts';
import { Batch, readBatches } from '../lines.ts';
import { quoteName, quotePath, quoteText } from '../table/names.ts';
import type { Fixed } from './columns.ts';
import { type Query, refuseDoubles } from './query.ts';
import type { Rows } from './rows.ts';
import { isRecord, noColumn, type Passed, rawName } from './tree.ts';
import { typeOf, valueIn } from './values.ts';

/** DuckDB's reader wants room for two of the longest rows, and reads so much at a time. */
const readBytes = 1024 ** 2;

/** Puts the rows in the place of the table `input`, and gives what the query makes of them: whole lines. */
export async function* answer(
  sandbox: Sandbox,
  query: Query,
  rows: Rows,
  fixed: ReadonlyMap<string, Fixed>,
  say: (detail: string) => void,
): AsyncGenerator<Batch> {
  try {
    const { sql, passed } = (await query.spread?.(rows.columns.map(({ name }) => name))) ?? query;
    await sandbox.run(`create or replace temp view input as ${tableOf(query, rows, fixed, passed.size > 0)}`);
    const described = await sandbox.texts(`describe ${sql}`);
    const columns = described
      .map(([name = '', type = ''], i): Out => ({ ...(passed.get(i) ?? { name }), type: passed.has(i) ? 'RAW' : type, i }))
      .filter(({ name }) => name !== noColumn);
    refuseDoubles(columns.map(({ name }) => name));
    const isWritten = columns.every(({ type }) => textOf('', type) !== undefined);
    if (isWritten) yield* written(sandbox, sql, described.length, columns, rows.path);
    else yield* read(sandbox, sql, columns);
  } catch (error) {
    throw failureOfRows(error, say);
  }
}

interface Out extends Partial<Passed> {
  name: string;
  type: string;
  i: number;
}

/** The table `input`: of each field its values, and the value as it is written. */
function tableOf(query: Query, rows: Rows, fixed: ReadonlyMap<string, Fixed>, isRaw: boolean): string {
  const restored = (column: string, by: string) => (rows.hasReturns ? `replace(${column}, chr(30), ${by})` : column);
  const hasRecord = query.usesRecord || [...query.passed.values()].some(({ field }) => isRecord(field));
  const columns: string[] = [];
  const read: string[] = [];
  if (hasRecord) {
    read.push(`r: 'VARCHAR'`);
    if (isRaw) columns.push(`${restored('r', 'chr(13)')} as ${quoteName(rawName('record'))}`);
    if (query.usesRecord) columns.push(`${restored('r', "' '")}::JSON as record`);
  }
  for (const [i, { name, seen }] of rows.columns.entries()) {
    const isTyped = (query.hasStar || query.typed.includes(name)) && !isRecord(name);
    const type = fixed.get(name)?.type ?? typeOf(seen);
    read.push(`c${i}: 'VARCHAR'`);
    if (isRaw) columns.push(`coalesce(c${i}, 'null') as ${quoteName(rawName(name))}`);
    if (!isTyped) continue;
    columns.push(`${type === undefined ? `null::${query.emptyType}` : valueIn(`c${i}`, type, seen)} as ${quoteName(name)}`);
  }
  // Fields that the query names and no record has.
  for (const name of query.hasStar ? query.typed : []) {
    if (rows.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) continue;
    columns.push(`null::${fixed.get(name)?.type ?? query.emptyType} as ${quoteName(name)}`);
  }
  if (columns.length === 0 || isRaw) columns.push(`null as ${noColumn}`);
  if (read.length === 0) read.push(`c0: 'VARCHAR'`);
  const longest = rows.longestBytes + 2;
  return `select ${columns.join(', ')} from read_csv(${quotePath(rows.path)}, auto_detect = false, header = false, delim = chr(31), quote = '', escape = '', comment = '', nullstr = 'null', new_line = '\\n', null_padding = ${query.hasStar}, max_line_size = ${longest}, buffer_size = ${Math.max(readBytes, 2 * longest)}, columns = {${read.join(', ')}})`;
}

/** A value of the type as JSON text, by DuckDB itself, where it writes it as we do; undefined for the other types. */
function textOf(value: string, type: string): string | undefined {
  if (type === 'RAW') return value;
  if (type === 'VARCHAR') return `to_json(${value})::VARCHAR`;
  if (type === 'JSON') return `translate(${value}::VARCHAR, chr(10) || chr(13), '  ')`;
  return /^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(.*\))$/.test(type) ? `${value}::VARCHAR` : undefined;
}

/** DuckDB writes the lines into a file: text does not pass through here value by value. */
async function* written(
  sandbox: Sandbox,
  sql: string,
  width: number,
  columns: readonly Out[],
  near: string,
): AsyncGenerator<Batch> {
  const [only] = columns;
  const value = ({ i, type }: Out) => `coalesce(${textOf(`o${i}`, type)}, 'null')`;
  const pieces = columns.map(
    (column, n) => `${quoteText(`${n === 0 ? '{' : ','}${JSON.stringify(column.name)}:`)}, ${value(column)}`,
  );
  let line = pieces.length === 0 ? `'{}'` : `concat(${pieces.join(', ')}, '}')`;
  if (columns.length === 1 && only !== undefined && isRecord(only.name) && /^(RAW|JSON)$/.test(only.type))
    line = only.field === undefined ? `case when starts_with(o${only.i}, '{') then o${only.i} else ${line} end` : `o${only.i}`;
  const path = `${near}.out`;
  try {
    const places = Array.from({ length: width }, (_, i) => `o${i}`);
    await sandbox.run(
      `copy (select ${line} from (${sql}) as answer(${places.join(', ')})) to ${quoteText(path)} (format csv, header false, quote '', escape '', delimiter '\x1f', nullstr '')`,
    );
    const chunks = createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
    const reject = () => {
      throw new Failure('badData', 'the query made a line that is no JSON object');
    };
    yield* readBatches(chunks, { maxLineBytes: Number.POSITIVE_INFINITY, isForeign: true, reject });
  } finally {
    await rm(path, { force: true });
  }
}

/** Reads the values and writes them, as `buda query` does. */
async function* read(sandbox: Sandbox, sql: string, columns: readonly Out[]): AsyncGenerator<Batch> {
  const names = columns.map(({ name }, n) => `${n === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  for await (const { count, values } of sandbox.rows(sql)) {
    const texts = columns.map(({ i, type }) => values(i, type !== 'RAW'));
    let text = '';
    for (let row = 0; row < count; row++) {
      for (const [n, column] of texts.entries()) text += `${names[n]}${column[row] ?? 'null'}`;
      text += '}\n';
    }
    yield Batch.ofBytes(Buffer.from(text), count, undefined, 0, 0);
  }
}

/** What DuckDB says while it works is of the data: its words may show some, and are for those who ask. */
function failureOfRows(error: unknown, say: (detail: string) => void): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const [first = ''] = error.message.split('\n', 1);
  const [kind = ''] = first.split(':', 1);
  if (/^(Binder|Catalog|Parser) Error/.test(first)) {
    return new Failure(
      'badData',
      `the SQL does not fit these records: ${first}`,
      "fix the type of a field: --columns 'amount DOUBLE'",
      error,
    );
  }
  say(error.message);
  if (!isOfData(first)) return new Failure('failed', `DuckDB: ${kind}`, 'see its own words with -v', error);
  return new Failure(
    'badData',
    `DuckDB cannot do this with a value of these records (${kind})`,
    'see its own words with -v; TRY_CAST(x AS …) gives NULL for a value that is none',
    error,
  );
}
