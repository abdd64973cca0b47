import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Commit, Tenure } from '../../src/lib/checkpoints.ts';
import type { Host } from '../../src/lib/context.ts';
import { FolderCheckpoints } from '../../src/lib/state/folder.ts';

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'buda-state-'));
}

/** Processes that live and die as the test says. */
export class Machine {
  readonly #dead = new Set<number>();
  #pid = 1_000_000_000;

  start(): Host {
    return { pid: this.#pid++, platform: 'test', isAlive: (pid) => !this.#dead.has(pid) };
  }

  kill({ pid }: Host): void {
    this.#dead.add(pid);
  }
}

/** A clock that goes on a second with each look. */
export function clock(): () => Date {
  let seconds = 0;
  return () => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds++);
}

export function storeIn(folder: string, host: Host = new Machine().start()): FolderCheckpoints {
  return new FolderCheckpoints(folder, host, clock());
}

/** The commit that a sink makes of the i-th mark of a run. */
export function commitOf({ begin }: Tenure, i: number, from: string | undefined, to: string, over: Partial<Commit> = {}): Commit {
  const { app, source, term, at } = begin;
  return {
    app,
    source,
    term,
    commit: at + i,
    shard: '',
    from,
    to,
    sink: 'local:out',
    counts: [
      ['produce x', 0, 5, 0],
      ['put-stream', 5, 4, 1],
    ],
    ...over,
  };
}
