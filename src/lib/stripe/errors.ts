import { codeOf, type ExitName, Failure } from '../errors.ts';

/**
 * What an answer of Stripe that is none asks for: `again` after a wait, `missing` where an object that was named is gone (a cursor that was
 * deleted), or nothing that a program could do (`final`).
 */
export type StripeErrorKind = 'again' | 'missing' | 'final';

/** An error of Stripe in our words: the exit code and the remedy stand ready, should nobody mend it. */
export class StripeError extends Failure {
  readonly kind: StripeErrorKind;
  /** A short word for the progress: `endpoint-rate`, `500`, `ECONNRESET`. */
  readonly code: string;
  /** The least wait that is worth it, where the reason tells. */
  readonly afterMs: number | undefined;
  /** Nobody answers at all: a few tries tell as much as many. */
  readonly isUnreachable: boolean;

  constructor(
    kind: StripeErrorKind,
    code: string,
    exit: ExitName,
    message: string,
    remedy?: string,
    { afterMs, isUnreachable = false, cause }: { afterMs?: number; isUnreachable?: boolean; cause?: unknown } = {},
  ) {
    super(exit, message, remedy, cause);
    this.kind = kind;
    this.code = code;
    this.afterMs = afterMs;
    this.isUnreachable = isUnreachable;
  }
}

/** What is known of an answer that is no success. */
export interface Refusal {
  /** What was asked for: `/v1/subscriptions`. */
  path: string;
  /** Read access to what, in the words of Stripe's dashboard. */
  permission: string;
  status: number;
  headers: Readonly<Record<string, unknown>>;
  /** Stripe's own code and text, where the body was JSON. */
  code: string | undefined;
  message: string;
  isOwnBase: boolean;
}

/**
 * The least waits for a 429, by its Stripe-Rate-Limited-Reason: a rate is given anew each second, a request that runs beside ours soon ends, the
 * limit of one resource lasts longest. Source: docs.stripe.com/rate-limits.
 */
const waitsMs: Record<string, number> = {
  'global-rate': 1_000,
  'endpoint-rate': 1_000,
  'global-concurrency': 250,
  'endpoint-concurrency': 250,
  'resource-specific': 2_000,
};
const lockWaitMs = 500;

/** Puts a status that is no success into our words. */
export function refusalOf(refusal: Refusal): StripeError {
  const { path, permission, status, headers, code, isOwnBase } = refusal;
  const request = typeof headers['request-id'] === 'string' ? ` (${headers['request-id']})` : '';
  const said = `${path}: ${status}${refusal.message === '' ? '' : `: ${withoutKeys(refusal.message)}`}${request}`;
  const shouldRetry = headers['stripe-should-retry'];
  const mayPass = status === 409 || status === 429 || status >= 500 || code === 'lock_timeout' || code === 'rate_limit';
  if (shouldRetry === 'true' || (mayPass && shouldRetry !== 'false')) {
    const reason = headers['stripe-rate-limited-reason'];
    const why = typeof reason === 'string' ? reason : (code ?? String(status));
    const waitMs = code === 'lock_timeout' ? lockWaitMs : status === 429 ? (waitsMs[why] ?? 1_000) : 0;
    const afterMs = Math.max(waitMs, retryAfterMs(headers['retry-after']));
    return new StripeError('again', why, 'incomplete', said, 'run it again: nothing that was read is lost', { afterMs });
  }
  if (mayPass)
    return new StripeError('final', String(status), 'incomplete', said, 'Stripe says not to try again now; run it later');
  if (status === 401)
    return new StripeError('final', '401', 'notAllowed', said, 'put a valid secret or restricted key into STRIPE_API_KEY');
  if (status === 403) {
    const named = /'(rak_[a-z_]+)'/.exec(refusal.message)?.[1];
    const wanted =
      named === undefined ? `read access to ${permission}` : `the permission ${named} (read access to ${permission})`;
    return new StripeError('final', '403', 'notAllowed', said, `give the key ${wanted}: https://dashboard.stripe.com/apikeys`);
  }
  if (code === 'resource_missing') return new StripeError('missing', code, 'refused', said);
  if (status === 404 && isOwnBase)
    return new StripeError('final', '404', 'misconfigured', said, 'look at --api-base and STRIPE_API_BASE');
  return new StripeError(
    'final',
    String(status),
    'refused',
    said,
    'this account or this version of the API does not have that list',
  );
}

/** No answer at all, or one that is none: a broken connection, a cut body, an error page. */
export function brokenAnswer(path: string, error: unknown, isOwnBase: boolean): StripeError {
  const code = networkCodeOf(error);
  const isUnreachable = code === 'ECONNREFUSED' || code === 'ENOTFOUND';
  const remedy = `look at the network${isOwnBase ? ' and at --api-base and STRIPE_API_BASE' : ''}, then run it again: nothing that was read is lost`;
  return new StripeError('again', code, 'incomplete', `${path}: ${code}`, remedy, { isUnreachable, cause: error });
}

/** A text without secret keys, should one be quoted. */
export function withoutKeys(text: string): string {
  return text
    .replace(/\b([sr]k_(?:[a-z]+_)*)[A-Za-z0-9*]{4,}/g, '$1…')
    .replace(/\s+/g, ' ')
    .slice(0, 500);
}

/** Retry-After in seconds; a date is not used by Stripe, and would be by its clock. */
function retryAfterMs(value: unknown): number {
  const seconds = typeof value === 'string' ? Number(value) : Number.NaN;
  return seconds >= 0 ? seconds * 1_000 : 0;
}

function networkCodeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; depth++) {
    if (codeOf(at) !== '') return codeOf(at);
    const detail = 'detail' in at && at.detail instanceof Error ? at.detail : undefined;
    const inner = 'exception' in at && at.exception instanceof Error ? at.exception : undefined;
    const next: unknown = detail ?? inner ?? at.cause;
    if (next === undefined) return at.message;
    at = next;
  }
  return 'no answer';
}
