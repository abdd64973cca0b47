import { writev, writevSync } from 'node:fs';
import { promisify } from 'node:util';

const writevAsync = promisify(writev);

/** So much is written by the thread itself: to hand it on would take longer. */
export const atOnceBytes = 64 * 1024;

/** Writes all of these pieces to an open file: at a place in it, or where it stands. Throws what the system says; half of it may be written then. */
export async function writePieces(file: number, pieces: readonly Buffer[], position?: number): Promise<void> {
  const isLittle = pieces.reduce((sum, { length }) => sum + length, 0) <= atOnceBytes;
  let at = position;
  for (let rest = pieces.filter(({ length }) => length > 0); rest.length > 0; ) {
    const bytesWritten = isLittle ? writevSync(file, rest, at) : (await writevAsync(file, rest, at)).bytesWritten;
    if (bytesWritten === 0) throw new Error('nothing could be written');
    if (at !== undefined) at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

/** The pieces without their first bytes: a write may be short. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = [];
  let skip = bytes;
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return rest;
}
