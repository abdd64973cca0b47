/** Whole groups of three bytes, and texts so short that they are gone before anybody looks after them. */
const pieceBytes = 24 * 1024;

/** How many characters so many bytes have in base64. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Writes the bytes of `from` between two places in base64 into `to`, from `at` on, without a long text in between. Gives the place behind them. */
export function writeBase64(to: Buffer, at: number, from: Buffer, start: number, end: number): number {
  let place = at;
  for (let next = start; next < end; next += pieceBytes)
    place += to.write(from.toString('base64', next, Math.min(next + pieceBytes, end)), place, 'latin1');
  return place;
}
