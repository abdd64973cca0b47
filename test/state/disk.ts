type FileSystem = typeof import('node:fs/promises');
type Bytes = string | Buffer;

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
 * node:fs/promises, with each operation that changes something counted and logged. A kill in a write leaves half of what was to
 * be written; a killed process does nothing more. A sync is only logged: no test loses the machine's power.
 */
export function failing(real: FileSystem): FileSystem {
  const write = async (name: string, bytes: Bytes, all: (bytes: Bytes) => Promise<unknown>) => {
    const isLast = disk.left === 1;
    spend(`write ${name}`);
    if (!isLast && !disk.isFull) return await all(bytes);
    await all(bytes.slice(0, bytes.length >> 1));
    throw isLast ? new Killed() : Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  const open = async (...args: Parameters<FileSystem['open']>) => {
    const name = nameOf(args[0]);
    if (args[1] !== undefined && args[1] !== 'r') spend(`open ${name}`);
    const file = await real.open(...args);
    const whole = file.writeFile.bind(file);
    return Object.assign(file, {
      writeFile: (bytes: Bytes) => write(name, bytes, whole),
      sync: async () => spend(`sync ${name}`),
    });
  };
  return {
    ...real,
    open: open as FileSystem['open'],
    async rename(from, to) {
      spend(`rename ${nameOf(from)} ${nameOf(to)}`);
      await real.rename(from, to);
    },
    async rm(path, options) {
      spend(`rm ${nameOf(path)}`);
      await real.rm(path, options);
    },
    mkdir: (async (...args: Parameters<FileSystem['mkdir']>) => {
      spend(`mkdir ${nameOf(args[0])}`);
      return await real.mkdir(...args);
    }) as FileSystem['mkdir'],
  };
}

/** The last part of a path, with the parts that chance made left out. */
function nameOf(path: unknown): string {
  const name = String(path).replace(/^.*\//, '');
  return name.replace(/\.[0-9a-f]{12}\.new$/, '.new').replace(/\.[0-9a-f]{8}\./, '.');
}
