import { readFile, stat } from 'node:fs/promises';
import { Failure } from '../errors.ts';

/**
 * Refuses (1) a database file that is larger than this process may write (`ulimit -f`). DuckDB writes blocks anew in place: one that the
 * limit cuts short could never be read again, and DuckDB would say nothing of it where that happens as it closes. A file that cannot grow
 * is safe, since what is new is written before anything points to it. Where the system does not tell its limits, none is taken to be set.
 */
export async function checkSizeLimit(path: string): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = /^Max file size\s+(\d+)/m.exec(limits)?.[1];
  if (limit === undefined || (await stat(path)).size <= Number(limit)) return;
  throw new Failure('failed', `${path} is larger than this process may write: ${limit} bytes (ulimit -f)`, 'raise the limit');
}
