import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Puts a file of these bytes in place whole and durable, or leaves what was there: a temporary name, fsync, rename, fsync of
 * the folder.
 */
export async function writeDurably(path: string, bytes: Buffer | string, mode = 0o600): Promise<void> {
  await replaceDurably(path, (file) => file.writeFile(bytes), mode);
}

/** The same for a file that is written piece by piece. */
export async function replaceDurably(path: string, write: (file: FileHandle) => Promise<void>, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes a folder and those above it that are missing, for their owner only, so that they are there after a power loss too. */
export async function makeFolderDurably(path: string, mode = 0o700): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  // Each new folder is an entry of the one above it.
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
    if (folder === resolve(first) || folder === dirname(folder)) return;
  }
}

/** Makes the names in a folder durable: what was created, renamed or removed there. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
