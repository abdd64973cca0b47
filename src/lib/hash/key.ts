import { readFileSync, statSync } from 'node:fs';
import { explain, Failure } from '../errors.ts';

const leastBytes = 16;

/** The secret of a file, without a newline at its end. `isOpen`: others than its owner may read it. Too short or not there: 78. */
export function readKey(path: string): { key: Buffer; isOpen: boolean } {
  let bytes: Buffer;
  let mode: number;
  try {
    bytes = readFileSync(path);
    ({ mode } = statSync(path));
  } catch (error) {
    throw new Failure(
      'misconfigured',
      `--key-file ${path}: ${explain(error)}`,
      'make one: (umask 077; openssl rand -hex 32 > key)',
    );
  }
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (bytes[end - 1] === 0x0d) end--;
  if (end < leastBytes) {
    throw new Failure(
      'misconfigured',
      `--key-file ${path}: a key of ${end} bytes can be guessed, it takes ${leastBytes} at least`,
      'make one: (umask 077; openssl rand -hex 32 > key)',
    );
  }
  return { key: bytes.subarray(0, end), isOpen: (mode & 0o077) !== 0 };
}
