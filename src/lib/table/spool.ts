import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../context.ts';
import { makeFolderDurably } from '../durable.ts';

/** Records on their way into a table: NDJSON in a temporary file (mode 0600), so that memory holds none of them. */
export class Spool {
  readonly path: string;
  bytes = 0;
  count = 0;
  #file: number | undefined;

  private constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'wx', 0o600);
  }

  /** A new file in the folder; what killed processes left there is removed. */
  static async open(folder: string, host: Host): Promise<Spool> {
    await makeFolderDurably(folder);
    for (const name of readdirSync(folder)) {
      const pid = /^put-table-(\d+)-[0-9a-f]+\.ndjson$/.exec(name)?.[1];
      if (pid !== undefined && !host.isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
    }
    return new Spool(join(folder, `put-table-${host.pid}-${randomBytes(6).toString('hex')}.ndjson`));
  }

  write(pieces: readonly Buffer[], count: number): void {
    if (this.#file === undefined) throw new Error('the spool is closed');
    let left = pieces.filter(({ length }) => length > 0);
    this.count += count;
    while (left.length > 0) {
      // The system takes at most 1024 pieces at a time.
      let written = writevSync(this.#file, left.slice(0, 1024));
      this.bytes += written;
      while (left[0] !== undefined && written >= left[0].length) {
        written -= left[0].length;
        left = left.slice(1);
      }
      if (left[0] !== undefined && written > 0) left = [left[0].subarray(written), ...left.slice(1)];
    }
  }

  /** Nothing more is written; the file can be read. */
  finish(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  remove(): void {
    this.finish();
    rmSync(this.path, { force: true });
  }
}
