import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { explain, Failure } from '../errors.ts';

/** Why a record is not what its schema says, in the schema's words alone; undefined where it is. */
export type Check = (record: object) => string | undefined;

interface Schema {
  [keyword: string]: unknown;
}

/** The schema of one file. Not there, not JSON, or no schema: 78. */
export async function loadSchema(path: string): Promise<Check> {
  const schema = readSchema(path);
  return compile(path, schema, new Map(), await loadDrafts([schema]));
}

/** The schemas of a folder, `<type>.json` each, compiled when their type first comes; they may refer to each other by file name or `$id`. */
export async function loadSchemas(folder: string): Promise<(type: string) => Check | undefined> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch (error) {
    throw new Failure('misconfigured', `--schema ${folder}: ${explain(error)}`);
  }
  if (names.length === 0) throw new Failure('misconfigured', `--schema ${folder}: there is no <type>.json in it`);
  const schemas = new Map(names.sort().map((name) => [name, readSchema(join(folder, name))]));
  const drafts = await loadDrafts(schemas.values());
  const checks = new Map<string, Check>();
  return (type) => {
    const known = checks.get(type);
    const schema = schemas.get(`${type}.json`);
    if (known !== undefined || schema === undefined) return known;
    const check = compile(join(folder, `${type}.json`), schema, schemas, drafts);
    checks.set(type, check);
    return check;
  };
}

/** Whether `--schema` names a folder; a path that cannot be looked at is a Failure (78). */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new Failure('misconfigured', `--schema ${path}: ${explain(error)}`);
  }
}

function readSchema(path: string): Schema {
  let schema: unknown;
  try {
    schema = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure('misconfigured', `--schema ${path}: ${error instanceof SyntaxError ? 'not JSON' : explain(error)}`);
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new Failure('misconfigured', `--schema ${path}: not a JSON object, so no schema`);
  return schema as Schema;
}

const drafts = {
  '7': async () => (await import('ajv')).Ajv,
  '2019-09': async () => (await import('ajv/dist/2019.js')).Ajv2019,
  '2020-12': async () => (await import('ajv/dist/2020.js')).Ajv2020,
};
type Drafts = ReadonlyMap<string, new (options: object) => Ajv>;

/** The draft that `$schema` names; without one the latest. */
function draftOf({ $schema }: Schema): keyof typeof drafts | undefined {
  if ($schema === undefined) return '2020-12';
  const name = String($schema);
  if (/draft-0[67]\b/.test(name)) return '7';
  return (['2019-09', '2020-12'] as const).find((draft) => name.includes(draft));
}

/** What checks the drafts of these schemas. */
async function loadDrafts(schemas: Iterable<Schema>): Promise<Drafts> {
  const names = new Set([...schemas].map(draftOf).filter((draft) => draft !== undefined));
  return new Map(await Promise.all([...names].map(async (name) => [name, await drafts[name]()] as const)));
}

/** The formats that are checked; others say what a value is for, and no more. */
const formats: Record<string, (value: string) => boolean> = {
  'date-time': (value) =>
    /^\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)$/.test(value) &&
    isDate(value.slice(0, 10)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && isDate(value),
  email: (value) => /^[^\s@]+@[^\s@]+$/.test(value),
  uri: (value) => /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(value),
  uuid: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
};

/** Whether there is such a day, written YYYY-MM-DD; a `Date` for each would take a third of a record's time. */
function isDate(day: string): boolean {
  const [year, month, date] = [Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8))];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && date >= 1 && date <= days;
}

function compile(path: string, schema: Schema, others: ReadonlyMap<string, Schema>, loaded: Drafts): Check {
  const refuse = (why: string) => new Failure('misconfigured', `--schema ${path}: ${why}`);
  const draft = draftOf(schema);
  const Draft = draft && loaded.get(draft);
  if (Draft === undefined) throw refuse(`its $schema is none of draft-07, 2019-09 and 2020-12`);
  let validate: ValidateFunction;
  try {
    const ajv = new Draft({ strict: false, validateSchema: true, logger: false, formats });
    for (const [name, other] of others) if (other !== schema && draftOf(other) === draft) ajv.addSchema(other, name);
    validate = ajv.compile(schema.$id === undefined ? { ...schema, $id: basename(path) } : schema);
  } catch (error) {
    throw refuse(explain(error));
  }
  if ('$async' in validate && validate.$async === true) throw refuse('$async schemas are not for records');
  return (record) => (validate(record) ? undefined : reasonOf(validate.errors?.[0]));
}

/** The place in the schema, not the one in the record: names of fields may be data. */
function reasonOf(error: ErrorObject | undefined): string {
  return error === undefined ? 'not what its schema says' : `${error.message ?? error.keyword} (${error.schemaPath})`;
}
