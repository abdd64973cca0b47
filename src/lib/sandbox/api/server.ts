import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf, Failure } from '../../errors.ts';
import type { Account } from '../account.ts';
import { currentVersion, type Json } from '../payloads/shape.ts';
import { makeId } from '../random.ts';
import { type Fault, faultOf } from './faults.ts';
import { checkAccount, checkKey, type Keys } from './keys.ts';
import { Limits } from './limits.ts';
import { Refusal } from './refusal.ts';
import { Routes } from './routes.ts';

/** How the sandbox serves: on which port, to whom, how fast, and how often it fails. */
export interface ServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly keys: Keys;
  /** Requests a second over the whole account; 0 for no limit. */
  readonly ratePerSecond: number;
  /** The share of answers that go wrong. */
  readonly failRate: number;
  /** Story seconds that pass in a real one; 0 to stand still. */
  readonly pace: number;
}

/** A running sandbox; `url` has no slash at its end, and `close` cuts what is under way. */
export interface Sandbox {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the account's API on loopback, from the second at which its story opens. A Failure says that the port is taken. */
export async function serve(account: Account, options: ServerOptions): Promise<Sandbox> {
  const { keys, failRate, pace } = options;
  const routes = new Routes(account, keys.account);
  const beganMs = performance.now();
  const limits = new Limits(options.ratePerSecond, beganMs);
  let requests = 0;
  const server = createServer((request, response) => {
    const number = requests++;
    const nowMs = performance.now();
    const now = account.opens + Math.floor(((nowMs - beganMs) / 1000) * pace);
    const answer = new Answer(request, response, now, makeId('req_', account.seed + 1, number, 14));
    try {
      const allow = checkKey(request.headers.authorization, keys);
      const connected = checkAccount(headerOf(request, 'stripe-account'), keys);
      const url = urlOf(request);
      limits.count(url.pathname.split('/').slice(0, 3).join('/'), nowMs);
      const fault = faultOf(account.seed, number, failRate);
      if (fault?.kind === 'refused') throw fault.refusal;
      const version = headerOf(request, 'stripe-version');
      const body = routes.answer({ method: request.method ?? 'GET', url, version, connected, allow, now });
      answer.send(200, body, { 'Stripe-Version': version ?? currentVersion }, fault);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer.send(error.status, { error: error.error }, error.headers);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) !== 'EADDRINUSE') return reject(error);
      reject(new Failure('failed', `port ${options.port} is taken`, 'leave --port away to get a free one'));
    });
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One answer on its way out: with the sandbox's own Date, and with what is to go wrong. */
class Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #now: number;
  readonly #id: string;

  constructor(request: IncomingMessage, response: ServerResponse, now: number, id: string) {
    this.#request = request;
    this.#response = response;
    this.#now = now;
    this.#id = id;
  }

  send(status: number, body: Json, headers: Readonly<Record<string, string>>, fault?: Fault): void {
    const response = this.#response;
    // Stripe indents what it sends.
    const bytes = Buffer.from(`${JSON.stringify(body, null, 2)}\n`);
    if (fault?.kind === 'reset') {
      this.#request.socket.destroy();
      return;
    }
    response.sendDate = false;
    response.writeHead(status, {
      Date: new Date(this.#now * 1000).toUTCString(),
      'Content-Type': 'application/json',
      'Content-Length': bytes.length,
      'Request-Id': this.#id,
      ...headers,
    });
    if (fault?.kind === 'truncated') {
      response.write(bytes.subarray(0, bytes.length >> 1), () => this.#request.socket.destroy());
    } else if (fault?.kind === 'slow') {
      setTimeout(() => response.end(bytes), fault.delayMs).unref();
    } else {
      response.end(bytes);
    }
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://127.0.0.1');
  } catch {
    throw new Refusal(404, 'Unrecognized request URL.');
  }
}
