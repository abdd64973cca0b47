import { promisify } from 'node:util';

type Promises = typeof import('node:fs/promises');
type Files = typeof import('node:fs');

/**
 * What a test makes of the file system: a process that is killed after `left` operations that change something, or a full disk.
 */
export const disk = { left: Number.POSITIVE_INFINITY, isFull: false, log: [] as string[] };

/** The disk as it should be, and nothing logged. */
export function mend(): void {
  Object.assign(disk, { left: Number.POSITIVE_INFINITY, isFull: false, log: [] });
}

export class Killed extends Error {}

function spend(operation: string): void {
  if (disk.left < 1) throw new Killed();
  disk.left--;
  disk.log.push(operation);
}

/**
 * node:fs/promises, and of node:fs what takes descriptors, with each operation that changes something counted and logged. A kill in a write leaves half
 * of what was to be written; a killed process does nothing more. A sync is only logged: no test loses the machine's power.
 */
export function failingPromises(real: Promises): Promises {
  return {
    ...real,
    async rename(from, to) {
      spend(`rename ${nameOf(from)} ${nameOf(to)}`);
      await real.rename(from, to);
    },
    async rm(path, options) {
      spend(`rm ${nameOf(path)}`);
      await real.rm(path, options);
    },
    mkdir: (async (...args: Parameters<Promises['mkdir']>) => {
      spend(`mkdir ${nameOf(args[0])}`);
      return await real.mkdir(...args);
    }) as Promises['mkdir'],
  };
}

const names = new Map<number, string>();

export function failingFiles(real: Files): Files {
  const writevSync = (file: number, pieces: readonly Buffer[]) => {
    const isLast = disk.left === 1;
    spend(`write ${names.get(file)}`);
    const bytes = Buffer.concat(pieces);
    if (!isLast && !disk.isFull) return real.writevSync(file, [bytes]);
    real.writevSync(file, [bytes.subarray(0, bytes.length >> 1)]);
    throw isLast ? new Killed() : Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  const replaced = {
    open: asCallback(async (path: string, flags: string, mode?: number) => {
      if (flags !== 'r') spend(`open ${nameOf(path)}`);
      const file = real.openSync(path, flags, mode);
      names.set(file, nameOf(path));
      return file;
    }),
    fsync: asCallback(async (file: number) => spend(`sync ${names.get(file)}`)),
    writevSync,
    writev: asCallback(async (file: number, pieces: readonly Buffer[]) => ({ bytesWritten: writevSync(file, pieces) })),
  };
  return { ...real, ...(replaced as unknown as Partial<Files>) };
}

/** What util.promisify gives back as it was. */
function asCallback(work: (...args: never[]) => Promise<unknown>) {
  return Object.assign(() => {}, { [promisify.custom]: work });
}

/** The last part of a path, with the parts that chance made left out. */
function nameOf(path: unknown): string {
  const name = String(path).replace(/^.*\//, '');
  return name.replace(/\.[0-9a-f]{12}\.new$/, '.new').replace(/\.[0-9a-f]{8}\./, '.');
}
