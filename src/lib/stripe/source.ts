import { setTimeout as sleep } from 'node:timers/promises';
import type { SavedState } from '../checkpoints.ts';
import type { Call } from '../command.ts';
import { Failure } from '../errors.ts';
import type { Begin } from '../marks.ts';
import type { Piece, Source } from '../sources.ts';
import { type Account, StripeApi, type Tuning } from './client.ts';
import { Crawl, type Reading } from './crawl.ts';
import { StripeError } from './errors.ts';
import { readPage } from './page.ts';
import type { Place } from './place.ts';
import { beginningS, isEventId, momentOf, type Position, parsePosition } from './position.ts';
import { backfilledNames, resourceNames, resourceOf } from './resources.ts';
import { loadSeen } from './seen.ts';

/** What is to be read. */
export interface Plan {
  /** The names of the lists; none for events alone, or all that belongs to a backfill. */
  names: readonly string[];
  isBackfill: boolean;
  /** Polls on at the tip. */
  follow: boolean;
  pollMs: number;
  overlapMs: number;
  /** Where a list without a checkpoint begins. */
  from: Place;
  /** What was created from there on is left out. */
  until: Place | undefined;
  count: number | undefined;
  ratePerSecond: number;
}

/** Stripe keeps events for so long. Source: docs.stripe.com/api/events. */
const keptS = 30 * 86_400;

/**
 * Events, and snapshots of lists, of one account. The source is named after what it reads; each list has a position of its own, that of the
 * events being the shard without a name. The ids that were seen lately are its saved state.
 */
export class StripeSource implements Source {
  readonly name: string;
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #api: StripeApi;
  readonly #reading: Reading;
  readonly #events: Crawl | undefined;
  readonly #lists: Crawl[];
  #saved: SavedState | undefined;
  #marked: Crawl | undefined;

  constructor(call: Call, account: Account, plan: Plan, tuning: Partial<Tuning> = {}) {
    const { app } = call.options as { app?: string };
    const named = plan.names.length > 0 ? plan.names : plan.isBackfill ? backfilledNames : ['events'];
    const names = resourceNames.filter((name) => named.includes(name) || (plan.isBackfill && name === 'events'));
    this.name = `stripe:${account.account === undefined ? '' : `${account.account}:`}${names.includes('events') ? 'events' : names.join(',')}`;
    this.#call = call;
    this.#plan = plan;
    const tries = plan.follow ? { tries: Number.POSITIVE_INFINITY } : {};
    this.#api = new StripeApi(account, plan.ratePerSecond, call.context, { ...tries, ...tuning });
    this.#reading = {
      overlapS: plan.overlapMs / 1_000,
      untilS: Number.POSITIVE_INFINITY,
      budget: { records: plan.count ?? Number.POSITIVE_INFINITY },
      hasApp: app !== undefined,
    };
    const crawls = names.map(
      (name) => new Crawl(this.#api, this.name, resourceOf(name), name === 'events' ? '' : name, this.#reading),
    );
    this.#events = crawls.find(({ shard }) => shard === '');
    this.#lists = crawls.filter((crawl) => crawl !== this.#events);
  }

  async begin({ app, at, from }: Begin): Promise<void> {
    const { state } = this.#call.options as { state?: string };
    const checkpoints = await this.#call.context.openCheckpoints(state);
    this.#saved = checkpoints.saved(app, 'produce stripe', 'seen ids, version 1');
    const lists = await loadSeen(this.#saved, at);
    for (const { seen, key, shard } of this.#crawls()) {
      const saved = lists.get(key);
      if (saved !== undefined) seen.restore(saved.ids, saved.position === from[shard] ? saved.since : undefined);
    }
  }

  async save(commit: number): Promise<void> {
    const crawl = this.#marked;
    if (crawl !== undefined) await this.#saved?.save(commit, crawl.seen.takeChanges(crawl.position));
  }

  async close(): Promise<void> {
    this.#api.close();
  }

  async *read(from: Readonly<Record<string, string>>): AsyncGenerator<Piece> {
    const { stopped } = this.#call.context;
    let isOpen = false;
    try {
      for await (const piece of this.#readAll(from)) {
        yield piece;
        isOpen = piece.to === undefined;
        if (stopped.aborted && !isOpen) return;
      }
    } catch (error) {
      if (!stopped.aborted || !(error instanceof Error) || error.name !== 'AbortError') throw error;
      // Told to stop while it waited: what was asked for has not left, so there is nothing to finish; but a page that is out by half is not whole.
      if (isOpen && this.#reading.hasApp)
        throw new Failure('incomplete', 'stopped in the middle of a page', 'run it again: it goes on from the page');
    }
  }

  async *#readAll(from: Readonly<Record<string, string>>): AsyncGenerator<Piece> {
    const nowS = await this.#now();
    const due = await this.#place(from, nowS);
    for (const crawl of due.restarts) {
      this.#marked = crawl;
      yield crawl.restart();
    }
    if (due.lists.length > 0 && this.#plan.isBackfill) {
      this.#call.context.detail(
        `backfill begun at ${momentOf(nowS)}: events first, then ${due.lists.map(({ shard }) => shard).join(', ')}, then events again`,
      );
      yield* this.#readOn(this.#events);
    }
    for (const list of due.lists) yield* this.#readOn(list);
    const polled = this.#plan.isBackfill ? [] : this.#lists;
    yield* this.#readOn(this.#events);
    while (this.#plan.follow && !this.#isDone(polled)) {
      await sleep(this.#plan.pollMs, undefined, { signal: this.#call.context.stopped });
      yield* this.#readOn(this.#events);
      for (const list of polled) yield* this.#readOn(list);
    }
  }

  async *#readOn(crawl: Crawl | undefined): AsyncGenerator<Piece> {
    if (crawl === undefined || crawl.atS >= this.#reading.untilS || this.#reading.budget.records <= 0) return;
    for await (const piece of crawl.readOn()) {
      this.#marked = crawl;
      this.#call.context.progress.lagMs = crawl.lagMs;
      yield piece;
    }
  }

  #isDone(polled: readonly Crawl[]): boolean {
    if (this.#reading.budget.records <= 0) return true;
    return [this.#events, ...polled].every((crawl) => crawl === undefined || crawl.atS >= this.#reading.untilS);
  }

  /** Puts each list where it goes on; says which have to be listed now, and which begin anew. */
  async #place(from: Readonly<Record<string, string>>, nowS: number): Promise<{ lists: Crawl[]; restarts: Crawl[] }> {
    const { from: place, until, isBackfill } = this.#plan;
    if (until !== undefined) this.#reading.untilS = until(nowS);
    for (const crawl of this.#crawls()) {
      const text = from[crawl.shard];
      if (text === undefined) crawl.startAt({ atS: place(nowS), id: undefined });
      else crawl.startAt(await this.#checked(text));
    }
    const events = this.#events;
    const isStale = events !== undefined && from[''] !== undefined && events.atS !== beginningS && events.atS < nowS - keptS;
    if (isStale && !isBackfill) throw this.#staleCursor(events, nowS);
    if (isStale) {
      this.#call.context.say(
        `the checkpoint ${events.position} is older than the 30 days that Stripe keeps events: everything is listed again`,
      );
      // The lists first: should this be cut short, they are known to be due.
      return { lists: this.#lists, restarts: [...this.#lists, events] };
    }
    if (isBackfill) return { lists: this.#lists.filter((list) => !list.isClosed), restarts: [] };
    this.#sayUnfinished(from);
    return { lists: this.#lists, restarts: [] };
  }

  async #checked(text: string): Promise<Pick<Position, 'atS' | 'id'>> {
    if (isEventId(text)) return { atS: await this.#secondOf(text), id: text };
    const position = parsePosition(text);
    const { mode } = this.#api.account;
    if (position.mode !== undefined && position.mode !== mode) {
      throw new Failure(
        'misconfigured',
        `this app reads ${position.mode} data (${text}), and STRIPE_API_KEY is a ${mode} key`,
        `give it a ${position.mode} key, or another --app: live and test never mix`,
      );
    }
    return position;
  }

  /** When an event was created. */
  async #secondOf(id: string): Promise<number> {
    try {
      return await this.#api.get(`/v1/events/${id}`, 'Events', ({ body }) => Number(JSON.parse(body.toString('utf8')).created));
    } catch (error) {
      if (!(error instanceof StripeError) || error.kind !== 'missing') throw error;
      throw new Failure(
        'badData',
        `there is no event ${id}, or it is older than 30 days`,
        'give a time instead, as 2026-11-24T10:00:00Z',
        error,
      );
    }
  }

  #staleCursor({ position }: Crawl, nowS: number): Failure {
    const { app, state, account } = this.#call.options as { app?: string; state?: string; account?: string };
    const words = [
      'buda produce stripe',
      `--app ${app}`,
      state && `--state ${state}`,
      account && `--account ${account}`,
      '--backfill',
    ];
    return new Failure(
      'badData',
      `the checkpoint ${position} is older than the 30 days that Stripe keeps events: what happened before ${momentOf(nowS - keptS)} is not among them any more`,
      `read the objects themselves again, then go on: ${words.filter((word) => word !== undefined).join(' ')}`,
    );
  }

  #sayUnfinished(from: Readonly<Record<string, string>>): void {
    const own = new Set(this.#lists.map(({ shard }) => shard));
    const open = Object.entries(from).filter(([shard, text]) => shard !== '' && !own.has(shard) && /:beginning$|\//.test(text));
    if (open.length > 0) {
      const names = open.map(([shard]) => shard).join(', ');
      this.#call.context.say(`the backfill of ${names} was not finished: go on with it by --backfill`);
    }
  }

  /** The API's time, five seconds ago of which is the tip; also tells at once whether the key is good. */
  async #now(): Promise<number> {
    const { resource } = this.#crawls()[0] as Crawl;
    const { name, permission } = resource.parent === undefined ? resource : resourceOf(resource.parent.name);
    const { isOwnBase } = this.#api;
    const page = await this.#api.get(`/v1/${name}?limit=1`, permission, (answer) => readPage(answer, `/v1/${name}`, isOwnBase));
    return page.dateS;
  }

  #crawls(): Crawl[] {
    return this.#events === undefined ? this.#lists : [this.#events, ...this.#lists];
  }
}
