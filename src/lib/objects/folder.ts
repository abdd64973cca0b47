import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolderDurably, syncFolder, writeDurably } from '../durable.ts';
import { codeOf } from '../errors.ts';
import type { ObjectStore } from './store.ts';

/** Objects as files, the slashes of a key as folders. What is new is its owner's alone: files 0600, folders 0700. */
export class ObjectFolder implements ObjectStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(key: string, bytes: Buffer): Promise<string> {
    const path = join(this.#folder, key);
    await makeFolderDurably(dirname(path));
    await writeDurably(path, bytes);
    return createHash('md5').update(bytes).digest('hex');
  }

  async remove(key: string): Promise<void> {
    const path = join(this.#folder, key);
    const folder = dirname(path);
    let names: string[];
    try {
      names = await readdir(folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    // A process that was killed while it wrote has left the file under its temporary name.
    const ours = names.filter(
      (name) => name === basename(path) || (name.startsWith(`${basename(path)}.`) && name.endsWith('.new')),
    );
    for (const name of ours) await rm(join(folder, name), { force: true });
    if (ours.length > 0) await syncFolder(folder);
  }

  close(): void {}
}
