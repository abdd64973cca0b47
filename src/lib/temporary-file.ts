import { randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that nobody else sees, and that is gone with the process however it ends. */
export async function openTemporaryFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `buda-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
