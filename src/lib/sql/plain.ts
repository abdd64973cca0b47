import { isPlainName } from './keywords.ts';

/** A column of the answer: the field that is handed on as it is written. */
interface Output {
  field: string;
  name: string;
}

/** One test of a field; all of them have to hold. */
export interface Test {
  field: string;
  how: 'is null' | 'is not null' | 'like' | Comparison;
  isNegated: boolean;
  /** Any of these; of a pattern the texts between its `%`, each of which has to come behind the one before. */
  literals: readonly (Buffer | number)[];
}

/** How a field is compared with a literal, in the signs of SQL. */
export type Comparison = '=' | '<' | '>' | '<=' | '>=';

/** A query that needs no database: fields, or records, as they are written, where some fields compare with literals. */
export interface Plain {
  outputs: readonly Output[];
  isRecord: boolean;
  tests: readonly Test[];
}

/**
 * Reads `SELECT a, b AS c FROM input WHERE d = 'x' AND e IN (1, 2) AND f IS NOT NULL AND g LIKE 'x%'`, or the same of `record` alone; undefined for every
 * other query, which may mean anything: DuckDB reads it.
 */
export function readPlain(sql: string): Plain | undefined {
  const words = wordsOf(sql);
  if (words === undefined) return undefined;
  let at = 0;
  const is = (word: string) => words[at]?.kind === 'word' && words[at]?.text.toLowerCase() === word;
  const take = (word: string) => (is(word) ? ++at > 0 : false);
  const sign = (...signs: string[]) => {
    const word = words[at];
    if (word?.kind !== 'sign' || !signs.includes(word.text)) return undefined;
    at++;
    return word.text;
  };
  const name = () => {
    const word = words[at];
    if (word === undefined || !(word.kind === 'name' || (word.kind === 'word' && isPlainName(word.text)))) return undefined;
    at++;
    return word.text;
  };
  const literal = () => {
    const word = words[at];
    if (word?.kind === 'text') return ++at > 0 ? Buffer.from(word.text) : undefined;
    return word?.kind === 'number' && ++at > 0 ? Number(word.text) : undefined;
  };

  if (!take('select')) return undefined;
  const outputs: Output[] = [];
  do {
    const field = name();
    const shown = take('as') ? name() : field;
    if (field === undefined || shown === undefined) return undefined;
    outputs.push({ field, name: shown });
  } while (sign(',') !== undefined);
  if (!take('from') || !take('input')) return undefined;
  const tests: Test[] = [];
  if (take('where')) {
    do {
      const field = name();
      if (field === undefined) return undefined;
      if (take('is')) {
        const how = take('not') ? 'is not null' : 'is null';
        if (!take('null')) return undefined;
        tests.push({ field, how, isNegated: false, literals: [] });
        continue;
      }
      const isNot = take('not');
      if (take('like')) {
        const pattern = literal();
        // The signs for one character and for an escape are DuckDB's to read.
        if (!Buffer.isBuffer(pattern) || /[_\\]/.test(pattern.toString())) return undefined;
        const literals = pattern
          .toString()
          .split('%')
          .map((text) => Buffer.from(text));
        tests.push({ field, how: 'like', isNegated: isNot, literals });
        continue;
      }
      let how: string | undefined = '=';
      const literals: (Buffer | number | undefined)[] = [];
      if (take('in')) {
        if (sign('(') === undefined) return undefined;
        do literals.push(literal());
        while (sign(',') !== undefined);
        if (sign(')') === undefined) return undefined;
      } else {
        how = isNot ? undefined : sign('=', '<>', '!=', '<', '>', '<=', '>=');
        literals.push(literal());
      }
      const isNegated = isNot || how === '<>' || how === '!=';
      const [first] = literals;
      if (how === undefined || literals.some((one) => one === undefined || typeof one !== typeof first)) return undefined;
      tests.push({ field, how: isNegated ? '=' : (how as Comparison), isNegated, literals: literals as (Buffer | number)[] });
    } while (take('and'));
  }
  sign(';');
  if (at < words.length) return undefined;
  return settled(outputs, tests);
}

/** Where one name means two things, or two names one, DuckDB says what is meant. */
function settled(outputs: readonly Output[], tests: readonly Test[]): Plain | undefined {
  const fold = (text: string) => text.toLowerCase();
  const fields = [...outputs, ...tests].map(({ field }) => field);
  if (new Set(fields.map(fold)).size < new Set(fields).size) return undefined;
  if (new Set(outputs.map(({ name }) => fold(name))).size < outputs.length) return undefined;
  if (outputs.some(({ field, name }) => fold(field) !== fold(name) && fields.some((other) => fold(other) === fold(name))))
    return undefined;
  const isRecord = outputs.length === 1 && outputs[0]?.field.toLowerCase() === 'record' && fold(outputs[0].name) === 'record';
  if (!isRecord && fields.some((field) => fold(field) === 'record')) return undefined;
  if (tests.some(({ field }) => fold(field) === 'record')) return undefined;
  if (fields.some((field) => ['', 'input', 'rowid'].includes(fold(field)) || field.includes('\0'))) return undefined;
  return { outputs: isRecord ? [] : outputs, isRecord, tests };
}

interface Word {
  kind: 'word' | 'name' | 'text' | 'number' | 'sign';
  text: string;
}

function wordsOf(sql: string): Word[] | undefined {
  const part =
    /\s*(?:"((?:[^"]|"")+)"|'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_]\w*)(?!['\w$])|(<>|!=|<=|>=|[=<>(),;])(?![=<>!~@&|*+/-]))/y;
  const words: Word[] = [];
  const text = sql.trimEnd();
  for (let at = 0; at < text.length; at = part.lastIndex) {
    part.lastIndex = at;
    const found = part.exec(text);
    if (found === null) return undefined;
    const [, name, literal, number, word, sign] = found;
    // A double has 15 digits of any number.
    if (number !== undefined && number.replace(/\D/g, '').length > 15) return undefined;
    if (name !== undefined) words.push({ kind: 'name', text: name.replaceAll('""', '"') });
    else if (literal !== undefined) words.push({ kind: 'text', text: literal.replaceAll("''", "'") });
    else if (number !== undefined) words.push({ kind: 'number', text: number });
    else if (word !== undefined) words.push({ kind: 'word', text: word });
    else words.push({ kind: 'sign', text: sign as string });
  }
  return words;
}
