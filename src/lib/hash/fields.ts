import { endOfValue, toLatin1, visitMembers } from '../splice/text.ts';

/** Where a value stands in the text of a record: from `start` up to `end`. */
export interface Place {
  start: number;
  end: number;
}

/** A step of a path: a name as latin1 text without escapes that it does not need, or any member or element. */
type Part = { name: string } | 'any';

/** Field names joined by dots; `*` is every element of an array, or every member of an object: `contacts.*.email`. */
export function parsePath(path: string): Part[] {
  return path.split('.').map((name) => (name === '*' ? 'any' : { name: toLatin1(JSON.stringify(name)).slice(1, -1) }));
}

/** The places of the values that the paths lead to, in order; of two of which one lies in the other, the outer. The text is JSON, read as latin1. */
export function findPlaces(text: string, paths: readonly (readonly Part[])[]): Place[] {
  const found: Place[] = [];
  const walk = (at: number, active: readonly (readonly Part[])[]): number | undefined => {
    const first = text[at];
    if (first !== '{' && first !== '[') return undefined;
    return visitMembers(text, at, (name, start) => {
      const next: (readonly Part[])[] = [];
      for (const [part, ...rest] of active) {
        if (part === undefined || (part !== 'any' && (first === '[' || part.name !== name))) continue;
        if (rest.length === 0) {
          const end = endOfValue(text, start);
          found.push({ start, end });
          return end;
        }
        next.push(rest);
      }
      return next.length > 0 ? walk(start, next) : undefined;
    });
  };
  walk(0, paths);
  return found;
}
