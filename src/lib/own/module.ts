import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf, explain, Failure } from '../errors.ts';
import { BadLine, type JsonObject, Line } from '../lines.ts';
import { type Views, viewsOf } from './view.ts';
import { RecordWriter } from './writer.ts';

const openBrace = 0x7b;

/** What the default export of a user's file is. */
export type OwnFunction = (record: JsonObject) => unknown;

/** Loads the function of a file. Not there, or no function: 78. */
export async function loadOwn(path: string): Promise<OwnFunction> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
  } catch (error) {
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND' || codeOf(error) === 'ENOENT';
    throw new Failure(
      'misconfigured',
      `${path} cannot be loaded: ${explain(error)}`,
      isMissing ? 'name a JavaScript file: buda transform ./mine.js' : undefined,
      error,
    );
  }
  if (typeof module.default !== 'function')
    throw new Failure(
      'misconfigured',
      `${path} has no function as its default export`,
      'write: export default (record) => record',
    );
  return module.default as OwnFunction;
}

/**
 * A change of lines that calls the function. What it throws or gives that is no record rejects the line, with a reason that holds nothing of it.
 * `reads`: the fields that it looks at, if that is all that it does with its record (see readsOf): then only these are parsed.
 */
export function changeBy(
  own: OwnFunction,
  path: string,
  reads?: readonly string[],
): (line: Line) => Line | Line[] | undefined | PromiseLike<Line | Line[] | undefined> {
  const writer = new RecordWriter();
  const views: Views | undefined = reads && viewsOf(reads);
  const write = (value: unknown, origin: Line): Line => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new BadLine(`${path} gave ${kindOf(value)}, not a record`);
    let line: Line | undefined;
    try {
      line = views?.has(value) ? views.write(value, writer) : writer.write(value, origin);
    } catch (error) {
      throw new BadLine(`${path} gave what JSON cannot hold (${nameOf(error)})`);
    }
    // The line's own bytes are an object; what toJSON gave may be anything.
    if (line === undefined || (line.block?.[line.start] !== openBrace && line.block !== origin.block))
      throw new BadLine(`${path} gave what is no object in JSON`);
    return line;
  };
  const take = (result: unknown, origin: Line): Line[] | Line | undefined => {
    if (result === undefined || result === null) return undefined;
    // In a list the line may come several times: each is one of its own.
    return Array.isArray(result) ? result.map((one) => copyOf(write(one, origin), origin)) : write(result, origin);
  };
  const blame = (error: unknown): never => {
    if (error instanceof BadLine) throw error;
    throw new BadLine(`${path} threw ${nameOf(error)}${placeOf(error, path)}`);
  };
  return (line) => {
    const record = views?.of(line) ?? line.record;
    try {
      const result = own(record as JsonObject);
      if (isPromise(result)) return result.then((given) => take(given, line)).then(undefined, blame);
      return take(result, line);
    } catch (error) {
      return blame(error);
    }
  };
}

function copyOf(line: Line, origin: Line): Line {
  return line === origin ? new Line(line.number, line.block, line.start, line.end) : line;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'a list in a list' : value === null ? 'null' : `a ${typeof value}`;
}

/** A message may hold data; the error's name does not. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : `a ${typeof error}`;
}

function placeOf(error: unknown, path: string): string {
  const file = resolve(path);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${file}:`, stack.indexOf('\n    at '));
  const [, line, column] = at < 0 ? [] : (/^:(\d+):(\d+)/.exec(stack.slice(at + file.length)) ?? []);
  return line === undefined ? '' : ` in line ${line}, column ${column}`;
}
