import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An object of a list, or an event: raw text, so that bytes can be compared. */
export interface Thing {
  id: string;
  created: number;
  /** JSON as the server sends it. */
  raw: string;
}

/** What a request is answered with instead of its answer. */
export type Fault =
  | { status: number; body?: string; headers?: Record<string, string> }
  | 'reset'
  | 'truncated'
  | { slowMs: number };

/** A small list server that speaks as Stripe does: newest first, cursors, `created` filters, Date by its own clock, pretty-printed. */
export class ListServer {
  /** Each list newest first; ties in the order of arrival. */
  readonly lists = new Map<string, Thing[]>();
  /** Paths asked for, with their queries. */
  readonly asked: string[] = [];
  readonly headers: Record<string, string | string[] | undefined>[] = [];
  /** Called before each answer: may change the account, or give a fault. */
  before: (path: string, n: number) => Fault | undefined = () => undefined;
  /** The most objects of a page, whatever is asked for. */
  maxPage = 100;
  nowS = 1_800_000_000;
  key = 'sk_test_1234567890';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Puts an object in its place: before (newer than) those of the same second that are there. */
  add(list: string, ...things: Thing[]): void {
    const all = this.lists.get(list) ?? [];
    this.lists.set(list, all);
    for (const thing of things) {
      // From the end that is likely: objects mostly come in order.
      let place = 0;
      while (place < all.length && (all[place] as Thing).created > thing.created) place++;
      all.splice(place, 0, thing);
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://stripe.test');
    this.asked.push(`${url.pathname}${url.search}`);
    this.headers.push(request.headers);
    const fault = this.before(url.pathname, this.asked.length);
    response.setHeader('Date', new Date(this.nowS * 1_000).toUTCString());
    response.setHeader('Request-Id', `req_${this.asked.length}`);
    response.setHeader('Stripe-Version', '2026-10-28.endive');
    response.setHeader('Content-Type', 'application/json');
    if (fault === 'reset') return void request.socket.destroy();
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end(fault.body ?? errorBody('api_error', 'it failed'));
      return;
    }
    if (request.headers.authorization !== `Bearer ${this.key}`) {
      response.writeHead(401).end(errorBody('invalid_request_error', `Invalid API Key provided: sk_test_*******890`));
      return;
    }
    const { status, body } = this.#list(url);
    if (fault === 'truncated') {
      response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) }).write(body.slice(0, body.length / 2));
      setTimeout(() => request.socket.destroy(), 5);
      return;
    }
    setTimeout(() => response.writeHead(status).end(body), typeof fault === 'object' ? fault.slowMs : 0);
  }

  #list({ pathname, searchParams }: URL): { status: number; body: string } {
    const name = pathname.replace('/v1/', '');
    const all = this.lists.get(name);
    const one = /^events\/(.+)$/.exec(name)?.[1];
    const found = this.lists.get('events')?.find(({ id }) => id === one);
    if (found !== undefined) return { status: 200, body: found.raw };
    if (one !== undefined)
      return { status: 404, body: errorBody('invalid_request_error', `No such event: '${one}'`, 'resource_missing') };
    if (all === undefined)
      return { status: 404, body: errorBody('invalid_request_error', `Unrecognized request URL (GET: ${pathname}).`) };
    const bound = (operator: string, fallback: number) => Number(searchParams.get(`created[${operator}]`) ?? fallback);
    const isEvents = name === 'events';
    const limit = Math.min(this.maxPage, Number(searchParams.get('limit') ?? 10));
    const subscription = searchParams.get('subscription');
    const kept = all.filter(
      ({ created, raw }) =>
        created >= bound('gte', 0) &&
        created < bound('lt', Number.POSITIVE_INFINITY) &&
        (!isEvents || created >= this.nowS - 30 * 86_400) &&
        (subscription === null || JSON.parse(raw).subscription === subscription),
    );
    const cursor = searchParams.get('ending_before') ?? searchParams.get('starting_after');
    const at = kept.findIndex(({ id }) => id === cursor);
    if (cursor !== null && at < 0)
      return { status: 400, body: errorBody('invalid_request_error', `No such object: '${cursor}'`, 'resource_missing') };
    let page: Thing[];
    let more: boolean;
    if (searchParams.has('ending_before')) {
      page = kept.slice(Math.max(0, at - limit), at);
      more = at - limit > 0;
    } else {
      page = kept.slice(at + 1, at + 1 + limit);
      more = at + 1 + limit < kept.length;
    }
    const data = page.map(({ raw }) => raw).join(',\n    ');
    return {
      status: 200,
      body: `{\n  "object": "list",\n  "data": [\n    ${data}\n  ],\n  "has_more": ${more},\n  "url": "${pathname}"\n}\n`,
    };
  }
}

export function errorBody(type: string, message: string, code?: string): string {
  return JSON.stringify({ error: { type, message, code } }, null, 2);
}

/** An event, pretty-printed as Stripe does, with a number that a parser would change. */
export function event(n: number, created: number, object: Record<string, unknown> = {}): Thing {
  const id = `evt_${String(n).padStart(6, '0')}`;
  const value = {
    id,
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    data: { object: { id: `sub_${n}`, ...object } },
    livemode: false,
    type: 'customer.subscription.updated',
  };
  return {
    id,
    created,
    raw: JSON.stringify(value, null, 2).replace('"livemode"', '"percent": 12.50,\n  "note": "a \\"b\\" {\\\\",\n  "livemode"'),
  };
}
