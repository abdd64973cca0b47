import { createHash, type Hash } from 'node:crypto';

/** A sha256 that is fed piece by piece. node:crypto takes 4 ms to load, and most runs reject nothing: the build has it loaded at the first use. */
export function startSha256(): Hash {
  return createHash('sha256');
}

/** The sha256 of the bytes, in hexadecimal digits. */
export function sha256Of(bytes: Buffer): string {
  return startSha256().update(bytes).digest('hex');
}
