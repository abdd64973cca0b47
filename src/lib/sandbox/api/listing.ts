import type { Query } from './query.ts';
import { missing } from './refusal.ts';

/** Things in the order in which a list shows them, and where each of them is. */
export interface Listing<T> {
  readonly length: number;
  at(place: number): T;
  /** undefined for an id that is not among them. */
  placeOf(id: string): number | undefined;
}

/** Things that are only ever added at the end, shown newest first. */
export class NewestFirst<T> implements Listing<T> {
  readonly #things: readonly T[];
  readonly #idOf: (thing: T) => string;
  readonly #indexes = new Map<string, number>();

  constructor(things: readonly T[], idOf: (thing: T) => string) {
    this.#things = things;
    this.#idOf = idOf;
  }

  get length(): number {
    return this.#things.length;
  }

  at(place: number): T {
    return this.#things[this.length - 1 - place]!;
  }

  placeOf(id: string): number | undefined {
    for (let i = this.#indexes.size; i < this.length; i++) this.#indexes.set(this.#idOf(this.#things[i]!), i);
    const index = this.#indexes.get(id);
    return index === undefined ? undefined : this.length - 1 - index;
  }
}

/** The few things inside another one, in their own order. */
export function inOrder<T extends { readonly id: string }>(things: readonly T[]): Listing<T> {
  return {
    length: things.length,
    at: (place) => things[place]!,
    placeOf(id) {
      const place = things.findIndex((thing) => thing.id === id);
      return place < 0 ? undefined : place;
    },
  };
}

/**
 * One page: what comes after `starting_after`, else right before `ending_before`, always in the order of the list. `createdOf` falls along the list
 * where a `created` filter is used.
 */
export function cutPage<T>(
  listing: Listing<T>,
  { limit, startingAfter, endingBefore, created }: Query,
  object: string,
  createdOf: (thing: T) => number,
  matches: (thing: T) => boolean,
): { page: T[]; hasMore: boolean } {
  const first = firstPlace(listing, (thing) => createdOf(thing) <= created.most);
  const end = firstPlace(listing, (thing) => createdOf(thing) < created.least);
  const found: T[] = [];
  const placeOf = (id: string, param: string): number => {
    const place = listing.placeOf(id);
    if (place === undefined) throw missing(object, id, param);
    return place;
  };
  const add = (place: number): boolean => {
    const thing = listing.at(place);
    return matches(thing) && found.push(thing) > limit;
  };
  if (endingBefore !== undefined) {
    let place = Math.min(placeOf(endingBefore, 'ending_before'), end) - 1;
    while (place >= first && !add(place)) place--;
  } else {
    let place = startingAfter === undefined ? first : Math.max(placeOf(startingAfter, 'starting_after') + 1, first);
    while (place < end && !add(place)) place++;
  }
  const page = found.slice(0, limit);
  return { page: endingBefore === undefined ? page : page.reverse(), hasMore: found.length > limit };
}

// The first place at which it holds; from there on it does for all.
function firstPlace<T>(listing: Listing<T>, holds: (thing: T) => boolean): number {
  let [from, to] = [0, listing.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(listing.at(middle))) to = middle;
    else from = middle + 1;
  }
  return from;
}
