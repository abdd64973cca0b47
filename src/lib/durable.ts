import { randomBytes } from 'node:crypto';
import { close, fsync, open } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from './errors.ts';
import { writePieces } from './pieces.ts';

// Descriptors, since a commit opens three files: V8 keeps a FileHandle, and what its promises held, until it collects everything, which a process of
// a small heap does once a minute.
const [openFile, sync, closeFile] = [promisify(open), promisify(fsync), promisify(close)];

/**
 * Puts a file of these bytes in place whole and durable, or leaves what was there: a temporary name, fsync, rename, fsync of
 * the folder. The temporary name is in the same folder.
 */
export async function writeDurably(path: string, bytes: Buffer | string, mode?: number, temporary?: string): Promise<void> {
  await replaceDurably(path, [typeof bytes === 'string' ? Buffer.from(bytes) : bytes], mode, temporary);
}

/** The same for a file that is written piece by piece; the next is asked for when one is written. */
export async function replaceDurably(
  path: string,
  pieces: Pieces,
  mode = 0o600,
  temporary = `${path}.${randomBytes(6).toString('hex')}.new`,
): Promise<void> {
  try {
    await create(temporary, pieces, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes a new file of these bytes, durable with its name; one of that name must not be there. A kill may leave it cut short. */
export async function createDurably(path: string, bytes: Buffer, mode = 0o600): Promise<void> {
  await create(path, [bytes], mode);
  await syncFolder(dirname(path));
}

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

async function create(path: string, pieces: Pieces, mode: number): Promise<void> {
  const file = await openFile(path, 'wx', mode);
  try {
    for await (const piece of pieces) await writePieces(file, [piece]);
    await sync(file);
  } finally {
    await closeFile(file);
  }
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
  const folder = await openFile(path, 'r');
  try {
    await sync(folder);
  } finally {
    await closeFile(folder);
  }
}
