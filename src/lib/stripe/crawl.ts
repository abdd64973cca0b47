import { Batch } from '../lines.ts';
import type { Piece } from '../sources.ts';
import type { StripeApi } from './client.ts';
import type { Page } from './page.ts';
import { beginningS, formatPosition, type Position } from './position.ts';
import { eventLine, listOf, snapshotLine } from './records.ts';
import { type Resource, resourceOf } from './resources.ts';
import { Seen } from './seen.ts';
import { type List, openWindow } from './window.ts';

/** How a list is read. */
export interface Reading {
  /** An object that shows up so long after it was created is still found. */
  overlapS: number;
  untilS: number;
  /** How many more records are wanted of all lists together. */
  budget: { records: number };
  /** Whether records have positions: then a parent's children are not parted. */
  hasApp: boolean;
}

/** Between two reads of the whole overlap, a poll looks back this far. */
const glanceS = 60;
const newline = Buffer.from('\n');

/**
 * Reads one list, a closed window after the other, oldest first; a page is an epoch. The next window begins an overlap before the end of
 * the last one, and ids that were seen are left out.
 */
export class Crawl {
  readonly resource: Resource;
  readonly shard: string;
  readonly key: string;
  readonly seen: Seen;
  /** How far behind the API's clock the list has been read. */
  lagMs: number | undefined;
  #position: Position;
  #sweptAtS = Number.NEGATIVE_INFINITY;
  readonly #api: StripeApi;
  readonly #reading: Reading;
  readonly #list: List;

  constructor(api: StripeApi, source: string, resource: Resource, shard: string, reading: Reading) {
    this.resource = resource;
    this.shard = shard;
    this.key = `${source}#${shard}`;
    this.seen = new Seen(this.key, reading.hasApp);
    this.#api = api;
    this.#reading = reading;
    this.#position = { mode: api.account.mode, atS: beginningS, id: undefined };
    this.#list = listOf(api, resource.parent === undefined ? resource : resourceOf(resource.parent.name));
  }

  get position(): string {
    return formatPosition(this.#position);
  }

  get atS(): number {
    return this.#position.atS;
  }

  /** Whether the last window was read to its end. */
  get isClosed(): boolean {
    return this.#position.id === undefined && this.atS !== beginningS;
  }

  /** Goes on from here. Where nothing is known of what was seen, the position's own second is read once more. */
  startAt({ atS, id }: Pick<Position, 'atS' | 'id'>): void {
    this.#position = { ...this.#position, atS, id };
    if (this.seen.sinceS === 0) {
      this.seen.forgetBefore(atS);
      if (id !== undefined) this.seen.add(id, atS);
    }
  }

  /** Reads everything anew. */
  restart(): Piece {
    this.seen.clear();
    this.#position = { ...this.#position, atS: beginningS, id: undefined };
    return { batch: Batch.ofLines([]), shard: this.shard, to: this.position };
  }

  /** One window, up to five seconds ago. */
  async *readOn(): AsyncGenerator<Piece> {
    const { overlapS, untilS, budget } = this.#reading;
    const isSweep = this.atS - this.#sweptAtS >= overlapS / 6;
    const fromS = isSweep ? this.seen.sinceS : Math.max(this.seen.sinceS, this.atS - glanceS);
    const window = await openWindow(this.#list, fromS, untilS);
    const settledS = window.toS - overlapS;
    for await (const page of window.pages()) {
      const fresh = page.found.filter(({ id }) => !this.seen.has(id)).slice(0, budget.records);
      const newestS = Math.max(0, ...(fresh.length === 0 ? page.found : fresh).map(({ created }) => created));
      // What was created before that has been read for good; after a stop here the rest is read again.
      const sinceS = isSweep ? Math.min(newestS, settledS) : this.seen.sinceS;
      for (const { id, created } of fresh) if (created >= sinceS) this.seen.add(id, created);
      this.seen.forgetBefore(sinceS);
      if (fresh.length === 0) continue;
      yield* this.#emit({ ...page, found: fresh });
      this.#position = { ...this.#position, atS: Math.max(this.atS, newestS), id: fresh.at(-1)?.id };
      this.lagMs = (window.nowS - this.atS) * 1_000;
      yield { batch: Batch.ofLines([]), shard: this.shard, to: this.position };
      if (budget.records <= 0) return;
    }
    if (isSweep) {
      this.seen.forgetBefore(settledS);
      this.#sweptAtS = window.toS;
    }
    this.#position = { ...this.#position, atS: Math.max(this.atS, window.toS), id: undefined };
    this.lagMs = (window.nowS - this.atS) * 1_000;
    yield { batch: Batch.ofLines([]), shard: this.shard, to: this.position };
  }

  async *#emit(page: Page): AsyncGenerator<Piece> {
    const { budget, hasApp } = this.#reading;
    const { parent } = this.resource;
    if (parent === undefined) {
      budget.records -= page.found.length;
      yield { batch: await this.#batchOf(page) };
      return;
    }
    for (const { id } of page.found) {
      const children = await openWindow(listOf(this.#api, this.resource, { [parent.parameter]: id }), 0);
      for await (const some of children.pages()) {
        const wanted = hasApp ? some : { ...some, found: some.found.slice(0, budget.records) };
        budget.records -= wanted.found.length;
        yield { batch: await this.#batchOf(wanted) };
      }
    }
  }

  async #batchOf(page: Page): Promise<Batch> {
    const isEvents = this.resource.name === 'events';
    const pieces: Buffer[] = [];
    for (const found of page.found) {
      const line = isEvents ? await eventLine(this.#api, found) : await snapshotLine(this.#api, this.resource, found, page);
      pieces.push(line, newline);
    }
    return Batch.ofBytes(Buffer.concat(pieces), page.found.length);
  }
}
