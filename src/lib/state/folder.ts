import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppState, Checkpoints, Commit, SavedState, SourceState, Tenure } from '../checkpoints.ts';
import type { Host } from '../context.ts';
import { makeFolderDurably, syncFolder, writeDurably } from '../durable.ts';
import { codeOf, Failure } from '../errors.ts';
import { acquireLock, holderOf, type Lock } from '../locks.ts';
import { type Begin, isAppName } from '../marks.ts';
import { begun, claimed, committed, ended, formatDocument, moved, newDocument, parseDocument, sourceOf } from './document.ts';
import { SavedFolder } from './saved.ts';

/** Who else is writing the same document is done in milliseconds, unless the disk is in trouble. */
const commitWaitMs = 10_000;

/** An app as `list` gives it: whether a source of it runs now is said beside the document. */
export interface ListedApp extends AppState {
  running: boolean;
}

function rethrow(error: unknown): void {
  throw error;
}

/**
 * The state store in a folder: `<app>.json` is the app's document, `<app>.json.lock` is held while it is changed,
 * `<app>.run.lock` while a source runs, and `<app>.saved` holds what its stateful steps saved. No app's name makes two of these
 * names one.
 */
export class FolderCheckpoints implements Checkpoints {
  readonly #folder: string;
  readonly #host: Host;
  readonly #now: () => Date;

  constructor(folder: string, host: Host, now: () => Date) {
    this.#folder = folder;
    this.#host = host;
    this.#now = now;
  }

  async start(app: string, source: string): Promise<Tenure> {
    const life = await this.#lockRun(app);
    const run = randomUUID();
    let document: AppState;
    try {
      document = await this.#change(app, async (known) => {
        await this.#removeLeftovers(app);
        return begun(known ?? newDocument(app, this.#now()), source, run, this.#now());
      });
    } catch (error) {
      life.release();
      throw error;
    }
    const { term, commits: at } = document;
    const { checkpoints, last_run } = sourceOf(document, source) as SourceState;
    const from = { ...checkpoints };
    const end = async (marks: number, exit: number) => {
      try {
        await this.#change(app, (known) => known && ended(known, source, term, marks, exit, this.#now()));
      } finally {
        life.release();
      }
    };
    return { begin: { app, source, run, term, at, from }, unseen: last_run?.unseen ?? 0, end };
  }

  async claim(begin: Begin, sink: string): Promise<void> {
    if ((await this.read(begin.app)) === undefined) throw unknownApp(begin.app);
    await this.#change(begin.app, (known) => known && claimed(known, begin, sink, this.#now()));
  }

  async commit(commit: Commit): Promise<void> {
    if ((await this.read(commit.app)) === undefined) throw unknownApp(commit.app);
    await this.#change(commit.app, (known) => known && committed(known, commit, this.#now()));
  }

  async read(app: string): Promise<AppState | undefined> {
    const path = this.#path(app, '.json');
    try {
      return parseDocument(readFileSync(path).toString(), app, path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async list(onFailure = rethrow): Promise<ListedApp[]> {
    const listed: ListedApp[] = [];
    for (const name of await namesIn(this.#folder)) {
      const app = name.slice(0, -'.json'.length);
      if (!name.endsWith('.json') || !isAppName(app)) continue;
      try {
        const document = await this.read(app);
        if (document === undefined) continue;
        listed.push({ ...document, running: holderOf(this.#path(app, '.run.lock'), this.#host) !== undefined });
      } catch (error) {
        onFailure(error);
      }
    }
    return listed;
  }

  async set(app: string, source: string, shard: string, position: string): Promise<AppState> {
    if ((await this.read(app)) === undefined) throw unknownApp(app);
    const life = await this.#lockRun(app);
    try {
      return await this.#change(app, (known) => {
        if (known === undefined) throw unknownApp(app);
        return moved(known, source, shard, position, this.#now());
      });
    } finally {
      life.release();
    }
  }

  async remove(app: string): Promise<boolean> {
    const path = this.#path(app, '.json');
    const saved = this.#path(app, '.saved');
    const names = await namesIn(this.#folder);
    if (!names.includes(`${app}.json`) && !names.includes(`${app}.saved`)) return false;
    const life = await this.#lockRun(app);
    try {
      await this.#locked(app, async () => {
        await this.#removeLeftovers(app);
        // In this order: saved state without a document is noticed by its steps, a document without its saved state is not.
        await rm(path, { force: true });
        await syncFolder(this.#folder);
        await rm(saved, { recursive: true, force: true });
        await syncFolder(this.#folder);
      });
    } finally {
      life.release();
    }
    return true;
  }

  saved(app: string, step: string, digest: string, rebuild = false): SavedState {
    const folder = join(this.#path(app, '.saved'), encodeURIComponent(step.replaceAll(' ', '-')));
    const commits = async () => (await this.read(app))?.commits;
    return new SavedFolder({ app, step, digest, rebuild, folder, host: this.#host, commits });
  }

  #path(app: string, ending: string): string {
    if (!isAppName(app)) {
      throw new Failure(
        'usage',
        `an app's name has letters, digits, ".", "_" and "-", at most 128 of them; not ${JSON.stringify(app)}`,
      );
    }
    return join(this.#folder, `${app}${ending}`);
  }

  async #lockRun(app: string): Promise<Lock> {
    const path = this.#path(app, '.run.lock');
    await makeFolderDurably(this.#folder);
    try {
      return await acquireLock(path, this.#host, { waitMs: 0 });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new Failure(error.exit, `app ${app} runs already: ${error.message}`, 'stop that run, or leave the work to it');
    }
  }

  /** Changes the document under its lock; `change` may give undefined to leave it alone. */
  #change<T extends AppState | undefined>(app: string, change: (known: AppState | undefined) => T | Promise<T>): Promise<T> {
    return this.#locked(app, async () => {
      const document = await change(await this.read(app));
      if (document !== undefined) await writeDurably(this.#path(app, '.json'), formatDocument(document));
      return document;
    });
  }

  async #locked<T>(app: string, work: () => Promise<T>): Promise<T> {
    const lock = await acquireLock(this.#path(app, '.json.lock'), this.#host, { waitMs: commitWaitMs });
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** Removes what killed processes had begun to write. */
  async #removeLeftovers(app: string): Promise<void> {
    for (const name of await namesIn(this.#folder)) {
      if (name.startsWith(`${app}.json.`) && name.endsWith('.new')) await rm(join(this.#folder, name), { force: true });
    }
  }
}

function unknownApp(app: string): Failure {
  return new Failure(
    'misconfigured',
    `this state store knows no app ${app}`,
    'give every step the same --state (or BUDA_STATE); see: buda state list',
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
