/**
 * The control lines of the wire, and the only file that knows how they are written.
 * A mark is a JSON array whose first element is one of three words and whose second is the version of the wire, 1.
 * Any other array is a bad line: a filter that turned records into arrays must be noticed, not obeyed.
 */

/** Where the app stands when a source starts: `at` commits so far, `from` the checkpoint of each shard ('' where the source has one). */
export interface Begin {
  app: string;
  source: string;
  run: string;
  term: number;
  at: number;
  from: Record<string, string>;
}

/** What one step counted in an epoch: records in, records out, records that went to the dead letter. */
export type Count = [step: string, inCount: number, outCount: number, deadCount: number];

/** The promise that every record before it is safe: `to` is the new position, of `shard` where the source has several. */
export interface Mark {
  shard?: string;
  to: string;
  c: Count[];
}

/** The source's last word: its exit code, and the reason where it is not 0. */
export interface End {
  exit: number;
  why?: string;
}

/** What one control line says, of whichever of the three kinds. */
export type Control = { kind: 'begin'; begin: Begin } | { kind: 'mark'; mark: Mark } | { kind: 'end'; end: End };

const version = 1;
const appName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Whether a name can be an app's: letters, digits, `.`, `_`, `-`, 128 at most, so that it is a file name on every system. */
export function isAppName(name: string): boolean {
  return appName.test(name);
}

/** The control line, without its `\n`. */
export function formatControl(control: Control): string {
  switch (control.kind) {
    case 'begin':
      return JSON.stringify(['buda.begin', version, control.begin]);
    case 'mark': {
      const { shard, to, c } = control.mark;
      return JSON.stringify(['buda.mark', version, shard === undefined ? { to, c } : { shard, to, c }]);
    }
    case 'end':
      return JSON.stringify(['buda.end', version, control.end]);
  }
}

/** Whether a line, which may be cut short, starts as a begin does. */
export function startsLikeBegin(line: string): boolean {
  return line.startsWith('["buda.begin"');
}

/** Whether a line begins as one of the three control lines does. */
export function startsLikeControl(line: string): boolean {
  return /^\["buda\.(begin|mark|end)"/.test(line);
}

/** Reads a line that begins with `[`. Undefined means that it is no mark of this version, well formed: a bad line. */
export function parseControl(line: string): Control | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 3 || value[1] !== version || !isObject(value[2])) return undefined;
  const body = value[2];
  switch (value[0]) {
    case 'buda.begin':
      return isBegin(body) ? { kind: 'begin', begin: body } : undefined;
    case 'buda.mark':
      return isMark(body) ? { kind: 'mark', mark: body } : undefined;
    case 'buda.end':
      return isEnd(body) ? { kind: 'end', end: body } : undefined;
    default:
      return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isBegin(body: unknown): body is Begin {
  if (!isObject(body)) return false;
  const { app, source, run, term, at, from } = body;
  return (
    typeof app === 'string' &&
    isAppName(app) &&
    typeof source === 'string' &&
    typeof run === 'string' &&
    isWhole(term) &&
    isWhole(at) &&
    isObject(from) &&
    Object.values(from).every((position) => typeof position === 'string')
  );
}

function isCount(count: unknown): boolean {
  return Array.isArray(count) && count.length === 4 && typeof count[0] === 'string' && count.slice(1).every(isWhole);
}

function isMark(body: unknown): body is Mark {
  if (!isObject(body)) return false;
  const { shard, to, c } = body;
  return (shard === undefined || typeof shard === 'string') && typeof to === 'string' && Array.isArray(c) && c.every(isCount);
}

function isEnd(body: unknown): body is End {
  return isObject(body) && isWhole(body.exit) && body.exit <= 255 && (body.why === undefined || typeof body.why === 'string');
}
