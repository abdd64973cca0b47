import { makeId } from '../random.ts';
import { Refusal } from './refusal.ts';

/** What a client of the sandbox has to know: the same for the same seed. */
export interface Keys {
  readonly account: string;
  /** An account that is connected to it, for Stripe-Account. */
  readonly connected: string;
  readonly secret: string;
  /** May read everything but invoices. */
  readonly restricted: string;
}

/** The keys for this seed, the same each time; they look like Stripe's ids and test keys. */
export function makeKeys(seed: number): Keys {
  return {
    account: makeId('acct_1', seed, 0, 15),
    connected: makeId('acct_1', seed, 1, 15),
    secret: makeId('sk_test_', seed, 0, 24),
    restricted: makeId('rk_test_', seed, 0, 24),
  };
}

/** Lets a request read what its key may. A Refusal (403) names the permission that is missing. */
export type Allow = (permission: string) => void;

/** What the key of an Authorization header (Bearer, or Basic with the key as the user) allows. A Refusal (401) for no key or a wrong one. */
export function checkKey(header: string | undefined, keys: Keys): Allow {
  const [scheme = '', value = ''] = (header ?? '').split(' ');
  const key = scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().split(':')[0]! : value;
  if (key === keys.secret) return () => {};
  if (key === keys.restricted) {
    return (permission) => {
      if (permission !== 'rak_invoice_read') return;
      throw new Refusal(
        403,
        `The provided key '${redact(key)}' does not have the required permissions for this endpoint on account '${keys.account}'. Having the '${permission}' permission would allow this request to continue.`,
      );
    };
  }
  if (key === '')
    throw new Refusal(
      401,
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  throw new Refusal(401, `Invalid API Key provided: ${redact(key)}`);
}

/** The connected account that is named, or undefined for the own one. A Refusal (403) for any other. */
export function checkAccount(named: string | undefined, { account, connected, secret }: Keys): string | undefined {
  if (named === undefined || named === account) return undefined;
  if (named === connected) return connected;
  throw new Refusal(
    403,
    `The provided key '${redact(secret)}' does not have access to account '${named}' (or that account does not exist). Application access may have been revoked.`,
    { code: 'account_invalid' },
  );
}

function redact(key: string): string {
  return `${key.slice(0, 8)}${'*'.repeat(Math.max(0, key.length - 12))}${key.slice(-4)}`;
}
