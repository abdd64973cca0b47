import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Checkpoints } from '../checkpoints.ts';
import type { Host } from '../context.ts';
import { Failure } from '../errors.ts';
import { FolderCheckpoints } from './folder.ts';

/**
 * The state store of `--state`: `file:DIR`, `file:///DIR` or a bare path; by default the folder `state` in `home`. Anything
 * else: 2.
 */
export function openCheckpoints(
  url: string | undefined,
  { home, host, now }: { home: string; host: Host; now: () => Date },
): Checkpoints {
  return new FolderCheckpoints(folderOf(url || undefined, home), host, now);
}

function folderOf(url: string | undefined, home: string): string {
  if (url === undefined) return join(home, 'state');
  const [, scheme, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) return resolve(url);
  if (scheme !== 'file')
    throw new Failure('usage', `--state ${JSON.stringify(url)}: only file: is there yet`, 'name a folder: --state file:DIR');
  if (rest === '') throw new Failure('usage', '--state file: names no folder', 'name one: --state file:DIR');
  if (!rest.startsWith('//')) return resolve(rest);
  try {
    return fileURLToPath(url);
  } catch {
    throw new Failure(
      'usage',
      `--state ${JSON.stringify(url)} is no folder of this machine`,
      'write file:DIR, or file:///DIR with three slashes',
    );
  }
}
