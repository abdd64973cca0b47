import { Failure } from '../errors.ts';
import { StripeError } from './errors.ts';
import type { Found, Page } from './page.ts';

/** What may be asked of a list: objects created in [gte, lt), and those beside a cursor. */
export interface Query {
  gte?: number;
  lt?: number;
  ending_before?: string;
  starting_after?: string;
}

/** A page of the list, newest first. */
export type List = (query: Query) => Promise<Page>;

/** A closed window [fromS, toS) as it is walked: its pages, the oldest first, as are the objects on them. */
export interface Window {
  /** The API's time when the window was opened. */
  nowS: number;
  toS: number;
  pages: () => AsyncIterable<Page>;
}

/** A window ends this long before the API's time: an object may show up some seconds after it was created. */
export const settleS = 5;

/**
 * Opens the window from `fromS` up to five seconds ago, by the Date of its first answer; `untilS` ends it earlier. The list gives the newest
 * first: so the oldest page is found by halving the window, and then it is walked towards the newest by `ending_before`, a page at a time.
 * A new object in a walked window goes to its place and moves nothing.
 */
export async function openWindow(list: List, fromS: number, untilS = Number.POSITIVE_INFINITY): Promise<Window> {
  const first = await list(boundsOf(fromS, untilS));
  const toS = Math.max(fromS, Math.min(first.dateS - settleS, untilS));
  async function* pages(): AsyncGenerator<Page> {
    // All of it came with the first answer.
    if (!first.hasMore) {
      const found = first.found.filter(({ created }) => created < toS);
      if (found.length > 0) yield oldestFirst({ ...first, found });
      return;
    }
    yield* walk(list, fromS, toS);
  }
  return { nowS: first.dateS, toS, pages };
}

async function* walk(list: List, fromS: number, toS: number): AsyncGenerator<Page> {
  let page = await enter(list, fromS, toS);
  let last: Found | undefined;
  while (page !== undefined && page.found.length > 0) {
    const newest = page.found[0] as Found;
    if (newest.id === last?.id) {
      throw new Failure('refused', `the list does not go on behind ${newest.id}`, 'this API does not know ending_before');
    }
    last = newest;
    yield oldestFirst(page);
    page = await pageBehind(list, fromS, toS, newest);
  }
}

/** The next newer page. Where the object at the cursor was deleted meanwhile, the window is entered anew at its second: what was seen is known. */
async function pageBehind(list: List, fromS: number, toS: number, { id, created }: Found): Promise<Page | undefined> {
  try {
    return await list({ ...boundsOf(fromS, toS), ending_before: id });
  } catch (error) {
    if (!(error instanceof StripeError) || error.kind !== 'missing') throw error;
    return await enter(list, Math.max(fromS, created), toS);
  }
}

const maxEntries = 5;

/** The oldest page of [fromS, toS). An object that was deleted while it served as a cursor means to begin again. */
async function enter(list: List, fromS: number, toS: number): Promise<Page | undefined> {
  for (let entries = 1; ; entries++) {
    try {
      return await findOldest(list, fromS, toS);
    } catch (error) {
      if (!(error instanceof StripeError) || error.kind !== 'missing' || entries === maxEntries) throw error;
    }
  }
}

/** So many pages are walked back before the window is halved: most windows are small. */
const pagesBack = 8;

/** The oldest page of [fromS, toS): a few pages are walked back, then steps back are doubled, then what is left is halved: to one page, or a second of ties. */
async function findOldest(list: List, fromS: number, toS: number): Promise<Page | undefined> {
  let page = await list(boundsOf(fromS, toS));
  const back = async (low: number, high: number) => {
    page = await list({ ...boundsOf(low, high), starting_after: page.found.at(-1)?.id });
  };
  for (let walked = 1; page.hasMore && walked < pagesBack; walked++) await back(fromS, toS);
  let [low, high] = [fromS, (page.found.at(-1)?.created ?? toS) + 1];
  let stepS = Math.max(1, toS - high);
  while (page.hasMore && high - low > 1) {
    const middle = Math.max(Math.floor((low + high) / 2), high - stepS);
    stepS *= 2;
    const older = await list(boundsOf(low, middle));
    if (older.found.length === 0) low = middle;
    else {
      page = older;
      // The oldest is no younger than the last on this page.
      high = Math.min(middle, (older.found.at(-1)?.created ?? middle) + 1);
    }
  }
  while (page.hasMore) await back(low, high);
  return page.found.length === 0 ? undefined : page;
}

function oldestFirst(page: Page): Page {
  return { ...page, found: page.found.toReversed() };
}

function boundsOf(fromS: number, toS: number): Query {
  return { ...(fromS > 0 ? { gte: fromS } : {}), ...(toS < Number.POSITIVE_INFINITY ? { lt: toS } : {}) };
}
