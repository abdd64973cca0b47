import type { Hash } from 'node:crypto';
import { createRequire } from 'node:module';

let crypto: typeof import('node:crypto') | undefined;

/** A sha256 that is fed piece by piece. node:crypto takes 4 ms to load, and most runs reject nothing: it is loaded at the first use. */
export function startSha256(): Hash {
  crypto ??= createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  return crypto.createHash('sha256');
}

/** The sha256 of the bytes, in hexadecimal digits. */
export function sha256Of(bytes: Buffer): string {
  return startSha256().update(bytes).digest('hex');
}
