import type { Readable } from 'node:stream';
import split2 from 'split2';

const maxLineCharacters = 64 * 1024;

/** Gives each line of a small text stream of a program's own, as its stderr; a line past 64 KiB is left out. Resolves at its end. */
export async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  // Its types do not know `skipOverflow`.
  const options: split2.Options & { skipOverflow: boolean } = { maxLength: maxLineCharacters, skipOverflow: true };
  const lines = stream.pipe(split2(options));
  for await (const line of lines) take(line as string);
}
