import { Refusal } from './refusal.ts';

/** A range of seconds, as in `created[gte]=…`: from `least` to `most`, both included. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** The parameters of a request, checked. */
export interface Query {
  readonly limit: number;
  readonly startingAfter: string | undefined;
  readonly endingBefore: string | undefined;
  readonly created: Range;
  readonly expand: readonly string[];
  /** The values of each filter that was given; one unless it is a list, as `types[]`. */
  readonly filters: ReadonlyMap<string, readonly string[]>;
}

const paging = ['limit', 'starting_after', 'ending_before'];

/** Reads the parameters of a list. A Refusal says which of them is unknown or can't be read, as Stripe would. */
export function readListQuery(parameters: URLSearchParams, filters: readonly string[], hasCreated: boolean): Query {
  const given = gather(parameters, [...paging, 'expand', ...filters, ...(hasCreated ? ['created'] : [])], ['created']);
  const one = (name: string): string | undefined => given.get(name)?.at(-1);
  const [startingAfter, endingBefore] = [one('starting_after'), one('ending_before')];
  if (startingAfter !== undefined && endingBefore !== undefined)
    throw new Refusal(400, 'You cannot parameterize starting_after and ending_before.', { param: 'starting_after' });
  const limit = integer(one('limit') ?? '10', 'limit');
  if (limit < 1) throw tooFar('limit', 'greater than or equal to 1');
  if (limit > 100) throw tooFar('limit', 'less than or equal to 100');
  return {
    limit,
    startingAfter,
    endingBefore,
    created: rangeOf(given, 'created'),
    expand: readExpand(given.get('expand')),
    filters: new Map([...given].filter(([name]) => filters.includes(name))),
  };
}

/** Reads the parameters of a request for one object: nothing but what to expand. */
export function readExpandQuery(parameters: URLSearchParams): readonly string[] {
  return readExpand(gather(parameters, ['expand'], []).get('expand'));
}

// `expand[]=a`, `expand[0]=a` and `types[]=b` come under their bare names; ranges keep their brackets.
function gather(parameters: URLSearchParams, known: readonly string[], ranges: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (const [key, value] of parameters) {
    const [, name = key, bracket] = /^([^[]+)\[(\w*)\]$/.exec(key) ?? [];
    const isRange = bracket !== undefined && ranges.includes(name) && ['gt', 'gte', 'lt', 'lte'].includes(bracket);
    const isList = bracket !== undefined && /^\d*$/.test(bracket);
    if (!known.includes(name) || (bracket !== undefined && !isRange && !isList)) {
      const code = 'parameter_unknown';
      throw new Refusal(400, `Received unknown parameter: ${key}`, { code, param: key });
    }
    const bare = isRange ? key : name;
    given.set(bare, [...(given.get(bare) ?? []), value]);
  }
  return given;
}

function rangeOf(given: ReadonlyMap<string, readonly string[]>, name: string): Range {
  const bound = (bracket: string, otherwise: number, shift: number): number => {
    const value = given.get(`${name}${bracket}`)?.at(-1);
    return value === undefined ? otherwise : integer(value, `${name}${bracket}`) + shift;
  };
  return {
    least: Math.max(bound('', -Infinity, 0), bound('[gte]', -Infinity, 0), bound('[gt]', -Infinity, 1)),
    most: Math.min(bound('', Infinity, 0), bound('[lte]', Infinity, 0), bound('[lt]', Infinity, -1)),
  };
}

function readExpand(paths: readonly string[] = []): readonly string[] {
  for (const path of paths) {
    if (path.split('.').length > 4)
      throw new Refusal(400, `You cannot expand more than 4 levels of a property. Property: ${path}`, { param: 'expand' });
  }
  return paths;
}

function integer(value: string, param: string): number {
  if (!/^-?\d+$/.test(value)) throw new Refusal(400, `Invalid integer: ${value}`, { code: 'parameter_invalid_integer', param });
  return Number(value);
}

function tooFar(param: string, bound: string): Refusal {
  return new Refusal(400, `This value must be ${bound}.`, { code: 'parameter_invalid_integer', param });
}
