import { Failure } from '../errors.ts';
import type { JsonObject, Line } from '../lines.ts';

/** One value of one series. */
export interface Point {
  x: string;
  y: number;
}

/** What is drawn: the places on the x axis in their order, and each series' values there. */
export interface Chart {
  /** Instants where every x is a month, a day or a time; else words or numbers. */
  kind: 'time' | 'number' | 'word';
  xs: string[];
  series: { name: string; values: (number | undefined)[] }[];
}

const maxPoints = 10_000;
const maxSeries = 12;

/** Gathers points from records, and nothing but points, so that memory is bounded. */
export class Points {
  /** Records without an x or a y. */
  leftOut = 0;
  readonly #fields: { x: string; y: string; series: string | undefined };
  readonly #divisor: number;
  readonly #values = new Map<string, Map<string, number>>();
  readonly #xs = new Map<string, number | string>();
  #count = 0;

  constructor(fields: { x: string; y: string; series: string | undefined }, divisor: number) {
    this.#fields = fields;
    this.#divisor = divisor;
  }

  /** Values of one series at one x are added up. A y that is no number, or too much to draw: 65. */
  add(line: Line): void {
    const { record } = line;
    const { x, y, series } = this.#fields;
    const place = valueAt(record, x);
    const value = valueAt(record, y);
    if (place === undefined || value === undefined) {
      this.leftOut++;
      return;
    }
    const number = Number(value);
    if (typeof value === 'boolean' || value === '' || !Number.isFinite(number)) {
      throw new Failure('badData', `line ${line.number}: its ${JSON.stringify(y)} is no number`, 'name another field: --y FIELD');
    }
    const name = series === undefined ? y : String(valueAt(record, series) ?? '(none)');
    const key = String(place);
    if (typeof place !== 'boolean' && !this.#xs.has(key)) this.#xs.set(key, place);
    else if (typeof place === 'boolean') this.#xs.set(key, key);
    let values = this.#values.get(name);
    if (values === undefined) {
      values = new Map();
      this.#values.set(name, values);
      if (this.#values.size > maxSeries) throw tooMuch(`more than ${maxSeries} series`);
    }
    if (!values.has(key) && ++this.#count > maxPoints) throw tooMuch(`more than ${maxPoints} points`);
    values.set(key, (values.get(key) ?? 0) + number / this.#divisor);
  }

  /** The points in order: numbers and times by size, words as they came. */
  chart(): Chart {
    const xs = [...this.#xs.keys()];
    const kind = [...this.#xs.values()].every((x) => typeof x === 'number') ? 'number' : xs.every(isTime) ? 'time' : 'word';
    if (kind === 'number') xs.sort((a, b) => Number(a) - Number(b));
    if (kind === 'time') xs.sort((a, b) => Date.parse(a) - Date.parse(b));
    const series = [...this.#values].map(([name, values]) => ({ name, values: xs.map((x) => values.get(x)) }));
    return { kind, xs, series };
  }
}

function tooMuch(what: string): Failure {
  return new Failure('badData', `${what}: no picture would show them`, 'group them first, e.g. by buda query or jq');
}

/** A month, a day or an instant, as RFC 3339 and ISO 8601 write them. */
function isTime(text: string): boolean {
  return /^\d{4}-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** The scalar in a field, or in a field of a field by a path with dots; undefined where it is missing, null or nested. */
function valueAt(record: JsonObject, path: string): string | number | boolean | undefined {
  let value: unknown = record;
  for (const name of Object.hasOwn(record, path) ? [path] : path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}
