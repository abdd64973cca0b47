import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

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

/**
 * Makes a folder and those above it that are missing, for their owner only, so that they are there after a power loss too. (The system's own
 * `recursive` never ends where a file system takes no folders, as /proc does.)
 */
export async function makeFolderDurably(path: string, mode = 0o700): Promise<void> {
  const above = dirname(path);
  try {
    await mkdir(path, mode).catch(async (error) => {
      if (codeOf(error) !== 'ENOENT' || above === path) throw error;
      await makeFolderDurably(above, mode);
      await mkdir(path, mode);
    });
  } catch (error) {
    // It was there, or somebody else has just made it.
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
    throw error;
  }
  // Each new folder is an entry of the one above it.
  await syncFolder(above);
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
