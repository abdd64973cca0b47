import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../context.ts';
import { makeFolderDurably } from '../durable.ts';
import { writePieces } from '../pieces.ts';

/** So much is written at once, while the next records are looked at. */
const writeBytes = 1024 ** 2;

/** Records on their way into a table: NDJSON in a temporary file (mode 0600), so that memory holds few of them. */
export class Spool {
  readonly path: string;
  /** What was given to it so far. */
  bytes = 0;
  count = 0;
  #file: FileHandle | undefined;
  #pieces: Buffer[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** A new file in the folder; what killed processes left there is removed. */
  static async open(folder: string, host: Host): Promise<Spool> {
    await makeFolderDurably(folder);
    for (const name of await readdir(folder)) {
      const pid = /^put-table-(\d+)-[0-9a-f]+\.ndjson$/.exec(name)?.[1];
      if (pid !== undefined && !host.isAlive(Number(pid))) await rm(join(folder, name), { force: true });
    }
    const path = join(folder, `put-table-${host.pid}-${randomBytes(6).toString('hex')}.ndjson`);
    return new Spool(path, await open(path, 'wx', 0o600));
  }

  /** Takes pieces, which stay as they are. Throws here or later what the system says of those before. */
  async write(pieces: readonly Buffer[], count: number): Promise<void> {
    this.count += count;
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#gatheredBytes += piece.length;
      this.bytes += piece.length;
    }
    if (this.#gatheredBytes >= writeBytes) await this.#writeGathered();
  }

  /** Nothing more is written; the file can be read. */
  async finish(): Promise<void> {
    await this.#writeGathered();
    await this.#writing;
    await this.#close();
  }

  /** Whatever has become of the writing. */
  async remove(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#close();
    await rm(this.path, { force: true });
  }

  async #writeGathered(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gatheredBytes = 0;
    await this.#writing;
    if (this.#file === undefined) throw new Error('the spool is closed');
    this.#writing = writePieces(this.#file.fd, pieces);
    // Whoever waits for it next hears of a failure.
    this.#writing.catch(() => {});
  }

  async #close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
