import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Host } from '../context.ts';
import { makeFolderDurably, syncFolder, writeDurably } from '../durable.ts';
import { codeOf } from '../errors.ts';
import type { ObjectStore } from './store.ts';

/** Objects as files, the slashes of a key as folders. What is new is its owner's alone: files 0600, folders 0700. */
export class ObjectFolder implements ObjectStore {
  readonly #folder: string;
  readonly #host: Host;
  /** Folders in which nothing is left of processes that were killed while they wrote. */
  readonly #swept = new Set<string>();

  constructor(folder: string, host: Host) {
    this.#folder = folder;
    this.#host = host;
  }

  async put(key: string, bytes: Buffer): Promise<string> {
    const path = join(this.#folder, key);
    const folder = dirname(path);
    if (!this.#swept.has(folder)) {
      await makeFolderDurably(folder);
      await this.#sweep(folder);
      this.#swept.add(folder);
    }
    const temporary = join(folder, `.${basename(path)}.${this.#host.pid}-${randomBytes(4).toString('hex')}.new`);
    await writeDurably(path, bytes, 0o600, temporary);
    return createHash('md5').update(bytes).digest('hex');
  }

  async remove(key: string): Promise<void> {
    const path = join(this.#folder, key);
    try {
      await rm(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    await syncFolder(dirname(path));
  }

  close(): void {}

  async #sweep(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      const pid = /^\..*\.(\d+)-[0-9a-f]{8}\.new$/.exec(name)?.[1];
      if (pid !== undefined && !this.#host.isAlive(Number(pid))) await rm(join(folder, name), { force: true });
    }
  }
}
