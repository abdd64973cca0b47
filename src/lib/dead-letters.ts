import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { DeadLetter, DeadLetters } from './rejects.ts';

/** Dead letters as NDJSON in a file, appended, mode 0600. The file is made only when there is something to keep. */
export function keepDeadLetters(path: string): DeadLetters {
  let file: number | undefined;
  return {
    write(letter: DeadLetter) {
      file ??= openSync(path, 'a', 0o600);
      const bytes = Buffer.from(`${JSON.stringify(letter)}\n`);
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    },
    flush() {
      if (file !== undefined) fsyncSync(file);
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
