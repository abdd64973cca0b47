import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../context.ts';
import { makeFolderDurably, writeDurably } from '../durable.ts';
import { codeOf, Failure } from '../errors.ts';
import { acquireLock, type Lock } from '../locks.ts';

/** How long a new run waits for the sink of one whose source has died: what that has on its way must not land behind the new one. */
const predecessorWaitMs = 10_000;
/** How many commits a later step of a pipe may be behind: epochs on their way to it. */
const keptCommits = 1000;

/** The objects that are put for an epoch: of which shard, from where on (null is its beginning), under which keys. */
interface Intent {
  shard: string;
  from: string | null;
  keys: readonly string[];
}

/** What the file has: what is put for commits to come, and what runs have left that died before theirs. */
interface Content {
  buda: 1;
  put: (Intent & { commit: number })[];
  left: Intent[];
}

/**
 * Which objects are put for an epoch, durable before the first of them is: should the run die before its commit, the next one knows them. One process
 * has them at a time.
 */
export class Intents {
  readonly #path: string;
  readonly #lock: Lock;
  #content: Content;

  private constructor(path: string, lock: Lock, content: Content) {
    this.#path = path;
    this.#lock = lock;
    this.#content = content;
  }

  /** Those in a folder, which is made. Waits for a process that has them; if it keeps them: 75. */
  static async open(folder: string, host: Host): Promise<Intents> {
    await makeFolderDurably(folder);
    const path = join(folder, 'objects.json');
    const lock = await acquireLock(`${path}.lock`, host, { waitMs: predecessorWaitMs });
    try {
      return new Intents(path, lock, read(path));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A run begins after so many commits: what was put for later ones was left. */
  async begin(at: number): Promise<void> {
    const { put, left } = this.#content;
    if (put.length === 0) return;
    const more = put.filter(({ commit }) => commit > at).map(({ shard, from, keys }) => ({ shard, from, keys }));
    await this.#write({ buda: 1, put: [], left: [...left, ...more] });
  }

  /** These are about to be put for a commit; commits up to `committed` need nobody's care any more. */
  async add(commit: number, intent: Intent, committed: number): Promise<void> {
    const { put, left } = this.#content;
    const kept = put.filter((known) => known.commit > committed && known.commit > commit - keptCommits);
    await this.#write({ buda: 1, put: [...kept, { commit, ...intent }], left });
  }

  /** What was left of a shard. */
  left(shard: string): Intent[] {
    return this.#content.left.filter((intent) => intent.shard === shard);
  }

  /** What was left of a shard is done with. */
  async forget(shard: string): Promise<void> {
    const { put, left } = this.#content;
    await this.#write({ buda: 1, put, left: left.filter((intent) => intent.shard !== shard) });
  }

  close(): void {
    this.#lock.release();
  }

  async #write(content: Content): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify(content)}\n`);
    this.#content = content;
  }
}

function read(path: string): Content {
  try {
    const content = JSON.parse(readFileSync(path).toString()) as Content;
    if (content.buda === 1 && Array.isArray(content.put) && Array.isArray(content.left)) return content;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { buda: 1, put: [], left: [] };
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Failure(
    'badData',
    `${path} is damaged: which objects were put and never committed cannot be known`,
    'remove it, and look for objects that are doubled where the last run ended',
  );
}
