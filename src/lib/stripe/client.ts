import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import type { Context } from '../context.ts';
import { Failure } from '../errors.ts';
import { retry } from '../retry.ts';
import { brokenAnswer, refusalOf, StripeError } from './errors.ts';
import { Rate } from './rate.ts';

/** The door to Stripe: the only file that imports its package, which signs, versions and sends; what comes back is kept as bytes. */

/** What a call of the API needs to know. */
export interface Account {
  key: string;
  mode: Mode;
  /** `https://api.stripe.com`, or what stands in for it. */
  base: URL;
  /** A connected account whose data is read with the platform's key. */
  account: string | undefined;
}

/** Live and test are separate worlds. */
export type Mode = 'live' | 'test';

/** A successful answer. */
export interface Answer {
  body: Buffer;
  /** The API's clock, in seconds: the only one that counts. */
  dateS: number;
  /** The version in which the body is written. */
  version: string;
}

/** What a test makes smaller or surer. */
export interface Tuning {
  /** Tries of one request; without end under --follow. */
  tries: number;
  /** Tries where nobody answers at all. */
  triesUnreachable: number;
  baseDelayMs: number;
  maxDelayMs: number;
  /** No answer for so long is none. */
  timeoutMs: number;
  random: () => number;
}

const defaultTuning: Tuning = {
  tries: 9,
  triesUnreachable: 5,
  baseDelayMs: 250,
  maxDelayMs: 16_000,
  timeoutMs: 60_000,
  random: Math.random,
};

const ownBase = 'https://api.stripe.com';
const maxBodyBytes = 256 * 1024 ** 2;
/** How often a follower says that it waits. */
const sayEveryMs = 60_000;
/** A wait that the other side asks for is kept; one longer than this is left to the next run where tries are bounded. */
const maxAskedMs = 120_000;

/**
 * Where and as whom to ask: the key from STRIPE_API_KEY alone (never from the words of a command, which everybody can see), the base from
 * `--api-base` or STRIPE_API_BASE. Plain http is for this machine only.
 */
export function accountOf(env: Context['env'], apiBase: string | undefined, account: string | undefined): Account {
  const key = env.STRIPE_API_KEY;
  if (key === undefined || key === '') {
    throw new Failure(
      'notAllowed',
      'no key: STRIPE_API_KEY is not set',
      'put a secret or restricted key (sk_… or rk_…) with read access into the environment as STRIPE_API_KEY',
    );
  }
  const mode = /^[sr]k_(?:[a-z]+_)*(live|test)_/.exec(key)?.[1] as Mode | undefined;
  if (mode === undefined || /[^\x21-\x7e]/.test(key)) {
    throw new Failure(
      'notAllowed',
      'STRIPE_API_KEY is no secret key of Stripe',
      'it begins with sk_live_, sk_test_, rk_live_ or rk_test_',
    );
  }
  if (account !== undefined && !/^acct_[A-Za-z0-9_]+$/.test(account)) {
    throw new Failure(
      'usage',
      `--account takes the id of a connected account, acct_…; not ${JSON.stringify(account.slice(0, 60))}`,
    );
  }
  return { key, mode, base: baseOf(apiBase ?? env.STRIPE_API_BASE ?? ownBase), account };
}

function baseOf(text: string): URL {
  const base = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = base?.protocol === 'http:';
  if (
    base === undefined ||
    (base.protocol !== 'https:' && !isPlain) ||
    base.pathname !== '/' ||
    base.search !== '' ||
    base.username !== ''
  ) {
    throw new Failure(
      'usage',
      `the API's base is a URL like ${ownBase}, without a path; not ${JSON.stringify(text.slice(0, 100))}`,
    );
  }
  if (isPlain && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(base.hostname)) {
    throw new Failure(
      'usage',
      `plain http would show the key to everybody on the way to ${base.host}`,
      'use https; http is for this machine only',
    );
  }
  return base;
}

/** Asks the API, no faster than allowed, and tries again what a wait may mend. One request at a time. */
export class StripeApi {
  readonly account: Account;
  readonly #stripe: Stripe;
  readonly #agent: HttpAgent;
  readonly #context: Context;
  readonly #tuning: Tuning;
  readonly #rate: Rate;
  readonly #isOwnBase: boolean;
  /** Until it has, it may be the wrong place that is asked. */
  #hasAnswered = false;
  #saidMs = Number.NEGATIVE_INFINITY;
  #last: { status: number; headers: Record<string, unknown> } = { status: 0, headers: {} };

  constructor(account: Account, ratePerSecond: number, context: Context, tuning: Partial<Tuning> = {}) {
    this.account = account;
    this.#context = context;
    this.#tuning = { ...defaultTuning, ...tuning };
    this.#rate = new Rate(ratePerSecond, () => performance.now());
    const { base } = account;
    this.#isOwnBase = base.origin !== ownBase;
    const isPlain = base.protocol === 'http:';
    this.#agent = isPlain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
    this.#stripe = new Stripe(account.key, {
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port === '' ? (isPlain ? 80 : 443) : Number(base.port),
      protocol: isPlain ? 'http' : 'https',
      stripeAccount: account.account,
      // Retrying is ours (lib/retry.ts): the package does not retry a 429.
      maxNetworkRetries: 0,
      timeout: this.#tuning.timeoutMs,
      telemetry: false,
      appInfo: { name: 'buda' },
      httpClient: this.#httpClient(),
    });
    this.#stripe.on('response', ({ status, request_id, path, elapsed }: Stripe.ResponseEvent) =>
      context.detail(`${status} ${request_id ?? 'no request id'} GET ${path} ${elapsed} ms`),
    );
  }

  /** Whether another base than Stripe's own is asked. */
  get isOwnBase(): boolean {
    return this.#isOwnBase;
  }

  /**
   * What `read` makes of the answer to GET `path`; a StripeError that it throws is tried again as any other. `permission` names what is
   * read, should it not be allowed. Throws a StripeError, or an AbortError once told to stop.
   */
  async get<T>(path: string, permission: string, read: (answer: Answer) => T): Promise<T> {
    const { stopped, progress } = this.#context;
    let unreachable = 0;
    const policy = {
      ...this.#tuning,
      sleep: async (ms: number) => {
        await sleep(ms, undefined, { signal: stopped });
      },
      onWait: (_: number, delayMs: number, error: unknown) => {
        const code = error instanceof StripeError ? error.code : 'no answer';
        progress.note = `waiting ${(delayMs / 1_000).toFixed(1)} s: ${code}`;
        // Whoever tries for ever says so now and then.
        const isDue = !Number.isFinite(this.#tuning.tries) && performance.now() - this.#saidMs > sayEveryMs;
        if (isDue) this.#saidMs = performance.now();
        const tell = isDue ? this.#context.say : this.#context.detail;
        tell(`${error instanceof Error ? error.message : code}; trying again in ${(delayMs / 1_000).toFixed(1)} s`);
      },
    };
    const attempt = async () => read(await this.#try(path, permission));
    const answer = await retry(policy, attempt, (error) => {
      if (!(error instanceof StripeError) || error.kind !== 'again') return { again: false };
      const isBounded = Number.isFinite(this.#tuning.tries) || !this.#hasAnswered;
      if (isBounded && error.isUnreachable && ++unreachable >= this.#tuning.triesUnreachable) return { again: false };
      if (isBounded && (error.afterMs ?? 0) > maxAskedMs) return { again: false };
      return { again: true, afterMs: error.afterMs };
    });
    progress.note = undefined;
    this.#hasAnswered = true;
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #try(path: string, permission: string): Promise<Answer> {
    const waitMs = this.#rate.take();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#context.stopped });
    const shown = path.replace(/\?.*/s, '');
    this.#last = { status: 0, headers: {} };
    let body: Buffer;
    try {
      body = await this.#untilStopped(this.#send(path));
    } catch (error) {
      if (error instanceof Failure || (error instanceof Error && error.name === 'AbortError')) throw error;
      const { status, headers } = this.#last;
      // A success whose body broke off is none.
      if (status < 400) throw brokenAnswer(shown, error, this.#isOwnBase);
      if (status === 429) this.#rate.empty();
      const { code, message } = saidBy(error);
      throw refusalOf({ path: shown, permission, status, headers, code, message, isOwnBase: this.#isOwnBase });
    }
    const { headers } = this.#last;
    const dateS = Math.floor(Date.parse(String(headers.date)) / 1_000);
    if (Number.isNaN(dateS))
      throw new StripeError('final', 'no Date', 'refused', `${shown}: the answer has no Date, so the API's time is unknown`);
    return {
      body,
      dateS,
      version: typeof headers['stripe-version'] === 'string' ? headers['stripe-version'] : Stripe.API_VERSION,
    };
  }

  async #send(path: string): Promise<Buffer> {
    const stream = (await this.#stripe.rawRequest('GET', path, undefined, { streaming: true })) as NodeJS.ReadableStream;
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of stream) {
      pieces.push(piece as Buffer);
      bytes += (piece as Buffer).length;
      if (bytes > maxBodyBytes)
        throw new StripeError('final', 'too long', 'refused', `the answer is longer than ${maxBodyBytes} bytes`);
    }
    return Buffer.concat(pieces, bytes);
  }

  #untilStopped<T>(work: Promise<T>): Promise<T> {
    const { stopped } = this.#context;
    return new Promise((resolve, reject) => {
      const stop = () => reject(stopped.reason);
      if (stopped.aborted) stop();
      stopped.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => stopped.removeEventListener('abort', stop));
    });
  }

  /** The package's own client, so that status and headers are known whatever the body is, and that a reset is not retried behind our back. */
  #httpClient() {
    const http = Stripe.createNodeHttpClient(this.#agent);
    return {
      getClientName: () => http.getClientName(),
      makeRequest: async (...request: Parameters<typeof http.makeRequest>) => {
        try {
          const response = await http.makeRequest(...request);
          this.#last = { status: response.getStatusCode(), headers: response.getHeaders() };
          return response;
        } catch (error) {
          throw new Error('no answer', { cause: error });
        }
      },
    };
  }
}

/** Stripe's own code and text of a refusal; nothing where the body was not Stripe's. */
function saidBy(error: unknown): { code: string | undefined; message: string } {
  if (!(error instanceof Stripe.errors.StripeError) || error.raw === undefined) return { code: undefined, message: '' };
  if (error.statusCode === undefined) return { code: undefined, message: 'the answer is not JSON: perhaps an error page' };
  return { code: error.code, message: error.message };
}
