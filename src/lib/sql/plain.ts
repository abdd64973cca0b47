import { Words } from './words.ts';

/** A value of a record, as a query names it. */
export interface Value {
  /** The top-level field. */
  field: string;
  /** Where the value is: the field, or the names of a nested field, joined by dots. */
  path: string;
  /** What it comes to: what is written there, DuckDB's JSON of that, its text, or the number that this text is cast to. */
  as: 'written' | 'json' | 'text' | Cast;
}

/** The types that a text is cast to. */
export type Cast = 'INTEGER' | 'BIGINT' | 'DOUBLE';

/** A column of the answer. */
interface Output extends Value {
  name: string;
}

/** One test of a value; all of them have to hold. */
export interface Test extends Value {
  how: 'is null' | 'is not null' | 'like' | Comparison;
  isNegated: boolean;
  /** Any of these; of a pattern the texts between its `%`, each of which has to come behind the one before. */
  literals: readonly (Buffer | number)[];
}

/** How a value is compared with a literal, in the signs of SQL. */
export type Comparison = '=' | '<' | '>' | '<=' | '>=';

/** A query that needs no database: fields, or records, as they are written, where some fields compare with literals. */
export interface Plain {
  outputs: readonly Output[];
  isRecord: boolean;
  tests: readonly Test[];
}

/**
 * Reads `SELECT a, b AS c, d.e, d->>'f' AS g FROM input WHERE h = 'x' AND i IN (1, 2) AND j IS NOT NULL AND k LIKE 'x%' AND (d->>'l')::INT > 5`, or
 * the same of `record` alone; undefined for every other query, which may mean anything: DuckDB reads it.
 */
export function readPlain(sql: string): Plain | undefined {
  const words = Words.of(sql);
  if (!words?.take('select')) return undefined;
  const outputs: Output[] = [];
  do {
    const output = readOutput(words);
    if (output === undefined) return undefined;
    outputs.push(output);
  } while (words.sign(',') !== undefined);
  if (!words.take('from') || !words.take('input')) return undefined;
  const tests: Test[] = [];
  if (words.take('where')) {
    do {
      const test = readTest(words);
      if (test === undefined) return undefined;
      tests.push(test);
    } while (words.take('and'));
  }
  words.sign(';');
  return words.isAtEnd ? settled(outputs, tests) : undefined;
}

function readOutput(words: Words): Output | undefined {
  const value = readValue(words);
  if (value === undefined) return undefined;
  // DuckDB names what it takes from inside by the last name, but a text by the words of the query.
  const own = value.as === 'text' ? undefined : value.as === 'written' ? value.field : value.path.split('.').at(-1);
  const name = words.take('as') ? words.name() : own;
  return name === undefined ? undefined : { ...value, name };
}

/** `a`, `a.b.c`, `a->>'b'` or `a.b->>'c'`. */
function readValue(words: Words): Value | undefined {
  const field = words.name();
  if (field === undefined) return undefined;
  const path = [field];
  while (words.sign('.') !== undefined) {
    const name = words.name();
    if (name === undefined) return undefined;
    path.push(name);
  }
  const isText = words.sign('->>') !== undefined;
  if (isText) {
    const name = words.literal();
    if (!Buffer.isBuffer(name)) return undefined;
    path.push(name.toString());
  }
  if (path.length === 1) return { field, path: field, as: 'written' };
  // Other names may be paths to DuckDB, and `input` the table.
  if (!path.every((name) => /^[A-Za-z_]\w*$/.test(name) && name.toLowerCase() !== 'input')) return undefined;
  return { field, path: path.join('.'), as: isText ? 'text' : 'json' };
}

/** `a`, `(a->>'b')`, `(a->>'b')::INT` or `CAST(a->>'b' AS INT)`: without brackets `x = 1 AND a->>'b' = 'c'` means `((x = 1 AND a)->>'b') = 'c'`. */
function readTested(words: Words): Value | undefined {
  const isCast = words.take('cast');
  const isOpen = words.sign('(') !== undefined;
  if (isCast && !isOpen) return undefined;
  const value = readValue(words);
  if (value === undefined || value.as !== (isOpen ? 'text' : 'written')) return undefined;
  if (!isOpen) return value;
  let as: Value['as'] | undefined = 'text';
  if (isCast) as = words.take('as') ? readType(words) : undefined;
  if (words.sign(')') === undefined) return undefined;
  if (!isCast && words.sign('::') !== undefined) as = readType(words);
  return as === undefined ? undefined : { ...value, as };
}

function readType(words: Words): Cast | undefined {
  if (words.take('int') || words.take('integer')) return 'INTEGER';
  if (words.take('bigint')) return 'BIGINT';
  return words.take('double') ? 'DOUBLE' : undefined;
}

function readTest(words: Words): Test | undefined {
  const value = readTested(words);
  if (value === undefined) return undefined;
  if (words.take('is')) {
    const how = words.take('not') ? 'is not null' : 'is null';
    return words.take('null') ? { ...value, how, isNegated: false, literals: [] } : undefined;
  }
  const isNot = words.take('not');
  if (words.take('like')) {
    const pattern = words.literal();
    // The signs for one character and for an escape are DuckDB's to read.
    if (!Buffer.isBuffer(pattern) || /[_\\]/.test(pattern.toString())) return undefined;
    if (value.as !== 'written' && value.as !== 'text') return undefined;
    const literals = pattern
      .toString()
      .split('%')
      .map((text) => Buffer.from(text));
    return { ...value, how: 'like', isNegated: isNot, literals };
  }
  let how: string | undefined = '=';
  const literals: (Buffer | number | undefined)[] = [];
  if (words.take('in')) {
    if (words.sign('(') === undefined) return undefined;
    do literals.push(words.literal());
    while (words.sign(',') !== undefined);
    if (words.sign(')') === undefined) return undefined;
  } else {
    how = isNot ? undefined : words.sign('=', '<>', '!=', '<', '>', '<=', '>=');
    literals.push(words.literal());
  }
  const isNegated = isNot || how === '<>' || how === '!=';
  const [first] = literals;
  if (how === undefined || literals.some((one) => one === undefined || typeof one !== typeof first)) return undefined;
  if (value.as !== 'written' && (value.as === 'text') === (typeof first === 'number')) return undefined;
  return { ...value, how: isNegated ? '=' : (how as Comparison), isNegated, literals: literals as (Buffer | number)[] };
}

/** Where one name means two things, or two names one, DuckDB says what is meant. */
function settled(outputs: readonly Output[], tests: readonly Test[]): Plain | undefined {
  const fold = (text: string) => text.toLowerCase();
  const values = [...outputs, ...tests];
  const fields = values.map(({ field }) => field);
  const paths = values.map(({ path }) => path);
  if (new Set(paths.map(fold)).size < new Set(paths).size || new Set(fields.map(fold)).size < new Set(fields).size)
    return undefined;
  if (new Set(outputs.map(({ name }) => fold(name))).size < outputs.length) return undefined;
  if (outputs.some(({ path, name }) => fold(path) !== fold(name) && fields.some((other) => fold(other) === fold(name))))
    return undefined;
  const isRecord = outputs.length === 1 && outputs[0]?.path.toLowerCase() === 'record' && fold(outputs[0].name) === 'record';
  if (!isRecord && outputs.some(({ field, name }) => fold(field) === 'record' || fold(name) === 'record')) return undefined;
  if (tests.some(({ field }) => fold(field) === 'record')) return undefined;
  if (fields.some((field) => ['', 'input', 'rowid'].includes(fold(field)) || field.includes('\0'))) return undefined;
  // A field with a dot in its name looks like a path.
  if (values.some(({ as }) => as !== 'written') && fields.some((field) => field.includes('.'))) return undefined;
  return { outputs: isRecord ? [] : outputs, isRecord, tests };
}
