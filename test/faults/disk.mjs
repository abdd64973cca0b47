// A small disk of a round's own, so that it can be filled. Root alone may mount one.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const sizeMiB = 256;
const mount = (folder) => spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder]).status === 0;
const unmount = (folder) => spawnSync('umount', ['-l', folder]).status === 0;

export const canMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'buda-mount-'));
  const isMounted = mount(folder) && unmount(folder);
  rmSync(folder, { recursive: true, force: true });
  return isMounted;
})();

export class Disk {
  #folder;

  constructor(folder) {
    mkdirSync(folder);
    if (!mount(folder)) throw new Error(`cannot mount ${folder}`);
    this.#folder = folder;
  }

  /** Leaves so many bytes free. */
  fill(leftBytes) {
    const { bavail, bsize } = statfsSync(this.#folder);
    const bytes = Math.max(0, bavail * bsize - leftBytes);
    writeFileSync(join(this.#folder, '.filler'), Buffer.alloc(bytes));
  }

  empty() {
    rmSync(join(this.#folder, '.filler'), { force: true });
  }

  /** Gives it back; `copy` keeps what was on it. */
  close(copy) {
    if (copy !== undefined) cpSync(this.#folder, copy, { recursive: true });
    unmount(this.#folder);
  }
}
