import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../context.ts';
import { makeFolderDurably, writeDurably } from '../durable.ts';
import { codeOf, Failure } from '../errors.ts';
import { acquireLock, type Lock } from '../locks.ts';
import type { Begin } from '../marks.ts';

/** How long a new run waits for the sink of one whose source has died: what that has on its way must not land behind the new one. */
const predecessorWaitMs = 10_000;
/** How many commits a later step of a pipe may be behind: epochs on their way to it. */
const keptCommits = 1000;

/** Which epochs: of which source and shard, put into which place. */
export interface Span {
  place: string;
  source: string;
  shard: string;
}

/** The objects that are put for an epoch: where it begins (null is the beginning), and their keys. */
interface Intent extends Span {
  from: string | null;
  keys: readonly string[];
}

/** What the file has: the newest run, what it puts for commits to come, and what runs have left that died before theirs. */
interface Content {
  buda: 1;
  run: string;
  term: number;
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

  /**
   * Takes those in a folder, which is made, for a run: what was put for commits beyond its begin was left. Waits for a process that has them; if it
   * keeps them, or a newer run has begun: 75. A run that has had them already is refused (78): it has two steps that would take away each other's.
   */
  static async open(folder: string, host: Host, begin: Begin): Promise<Intents> {
    await makeFolderDurably(folder);
    const path = join(folder, 'objects.json');
    checkRun(read(path), begin);
    const lock = await acquireLock(`${path}.lock`, host, { waitMs: predecessorWaitMs });
    try {
      const content = read(path);
      checkRun(content, begin);
      const intents = new Intents(path, lock, content);
      const left = content.put.filter(({ commit }) => commit > begin.at);
      await intents.#write({ ...content, run: begin.run, term: begin.term, put: [], left: united([...content.left, ...left]) });
      return intents;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** These are about to be put for a commit; commits up to `committed` need nobody's care any more. */
  async add(commit: number, intent: Intent, committed: number): Promise<void> {
    const kept = this.#content.put.filter((known) => known.commit > committed && known.commit > commit - keptCommits);
    await this.#write({ ...this.#content, put: [...kept, { commit, ...intent }] });
  }

  /** What was left of these epochs. */
  left(span: Span): Intent[] {
    return this.#content.left.filter((intent) => isOf(intent, span));
  }

  /** What was left of these epochs is done with. */
  async forget(span: Span): Promise<void> {
    await this.#write({ ...this.#content, left: this.#content.left.filter((intent) => !isOf(intent, span)) });
  }

  close(): void {
    this.#lock.release();
  }

  async #write(content: Content): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify(content)}\n`);
    this.#content = content;
  }
}

function isOf(intent: Span, { place, source, shard }: Span): boolean {
  return intent.place === place && intent.source === source && intent.shard === shard;
}

/** One intent for all that begin at one place: a run that fails again and again leaves no more than its first did. */
function united(intents: readonly Intent[]): Intent[] {
  const known = new Map<string, Intent>();
  for (const { place, source, shard, from, keys } of intents) {
    const id = JSON.stringify([place, source, shard, from]);
    known.set(id, { place, source, shard, from, keys: [...new Set([...(known.get(id)?.keys ?? []), ...keys])] });
  }
  return [...known.values()];
}

function checkRun({ run, term }: Content, begin: Begin): void {
  if (term > begin.term) {
    throw new Failure(
      'incomplete',
      `app ${begin.app}: a newer run has begun (term ${term}, this one is ${begin.term})`,
      'leave the work to it',
    );
  }
  if (run === begin.run) {
    throw new Failure(
      'misconfigured',
      `there are two \`put-s3\` in this pipe, or the same run has been through it before: for app ${begin.app} each would take away what the other has put`,
      'give each a pipe and an app of its own, behind the same stream; or run the pipe again from its source',
    );
  }
}

function read(path: string): Content {
  try {
    const content = JSON.parse(readFileSync(path).toString()) as Content;
    if (content.buda === 1 && Array.isArray(content.put) && Array.isArray(content.left)) return content;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { buda: 1, run: '', term: 0, put: [], left: [] };
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Failure(
    'badData',
    `${path} is damaged: which objects were put and never committed cannot be known`,
    'remove it, and look for objects that are doubled where the last run ended',
  );
}
