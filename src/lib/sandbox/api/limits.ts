import { Refusal } from './refusal.ts';

class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAt = nowMs;
  }

  take(nowMs: number): boolean {
    const filled = this.#tokens + ((nowMs - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, filled);
    this.#filledAt = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** Stripe's rate limits: so many requests a second for the account, and a quarter of them for one endpoint. 0 is without limits. */
export class Limits {
  readonly #perSecond: number;
  readonly #account: Bucket;
  readonly #endpoints = new Map<string, Bucket>();

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#account = new Bucket(perSecond, nowMs);
  }

  /** A Refusal (429) that says in its header which of the limits was reached. */
  count(endpoint: string, nowMs: number): void {
    if (this.#perSecond === 0) return;
    let bucket = this.#endpoints.get(endpoint);
    if (bucket === undefined)
      this.#endpoints.set(endpoint, (bucket = new Bucket(Math.max(1, Math.ceil(this.#perSecond / 4)), nowMs)));
    if (!bucket.take(nowMs)) throw rateLimited('endpoint-rate');
    if (!this.#account.take(nowMs)) throw rateLimited('global-rate');
  }
}

/** What Stripe answers to a client that is too fast. */
export function rateLimited(reason: string): Refusal {
  return new Refusal(
    429,
    'Request rate limit exceeded. Learn more about rate limits here: https://stripe.com/docs/rate-limits.',
    { code: 'rate_limit' },
    { 'Stripe-Rate-Limited-Reason': reason },
  );
}
