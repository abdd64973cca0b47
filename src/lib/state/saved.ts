import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SavedState } from '../checkpoints.ts';
import type { Host } from '../context.ts';
import { createDurably, makeFolderDurably, replaceDurably, writeDurably } from '../durable.ts';
import { codeOf, Failure } from '../errors.ts';
import { acquireLock } from '../locks.ts';
import { readNdjson } from '../ndjson/read.ts';
import { type Entry, formatEntry, readWritten, type WrittenEntry } from './entries.ts';

/** What a step's folder holds, in `meta.json`. */
interface Meta {
  buda: 1;
  digest: string;
  /** The base: every entry as of commit `at`, in this file. */
  base: { at: number; file: string };
  /** Every process that loaded since, oldest first, and the commits that it found: what it saved counts from there to the next. */
  owners: { id: string; at: number; run?: string }[];
}

interface Delta {
  file: string;
  commit: number;
  owner: string;
}

/** Whose state it is and where it lies; `digest` stands for the options that it hangs on. */
export interface SavedFolderOptions {
  app: string;
  step: string;
  digest: string;
  /** Where what is there does not fit (other options, a later commit, damage), begin anew. */
  rebuild: boolean;
  folder: string;
  host: Host;
  /** The app's commits as its document has them now; undefined where there is no document. */
  commits: () => Promise<number | undefined>;
  fold?: FoldLimits;
}

/** A load folds first where it finds more than `deltas`; a run folds after so many saves, or bytes that were saved, or later where the base is great. */
interface FoldLimits {
  deltas: number;
  saves: number;
  bytes: number;
}

const foldLimits: FoldLimits = { deltas: 32, saves: 256, bytes: 64 * 1024 ** 2 };
/** A fold writes the base anew: each save bears so much of it at most, and each byte saved a byte of it, however great it has grown. */
const baseBytesASave = 256 * 1024;
const gatherBytes = 128 * 1024;
const lockWaitMs = 10_000;
const filesName = 'files';

/**
 * One step's saved state in a folder: a base, and a delta for each commit that changed something, `<commit>.<owner>.ndjson`.
 * Deltas are folded into a new base, but only those that are committed: what is later belongs to epochs that may come again,
 * cut otherwise; it stays until its number is committed, for who has to know what was said. Several runs may overlap (a killed source's transform still drains): each saves under its own name, and
 * `meta.json` says whose delta of which commit counts. It is replaced in one step, so that a kill at any point leaves the old
 * state or the new one.
 */
export class SavedFolder implements SavedState {
  readonly #options: SavedFolderOptions;
  #owner = '';
  readonly #limits: FoldLimits;
  #saves = 0;
  #bytes = 0;
  #baseBytes = 0;
  #later: readonly Delta[] = [];

  constructor(options: SavedFolderOptions) {
    this.#options = options;
    this.#limits = options.fold ?? foldLimits;
  }

  get files(): string {
    return this.#path(filesName);
  }

  async *load(at: number, run?: string): AsyncGenerator<Entry> {
    await this.#check(at);
    await makeFolderDurably(this.#options.folder);
    const lock = await this.#lock();
    try {
      this.#owner = randomBytes(4).toString('hex');
      const found = await this.#claim(at, run);
      const { deltas, later } = await this.#sweep(found, at);
      this.#later = await this.#dropEqual(later);
      const meta =
        Math.max(deltas.length, found.owners.length) > this.#limits.deltas ? await this.#fold(found, deltas, at) : found;
      this.#baseBytes = await this.#sizeOf(meta.base.file);
      yield* this.#read(meta.base.file);
      for (const delta of deltas) if (delta.commit > meta.base.at) yield* this.#read(delta.file);
    } finally {
      lock.release();
    }
  }

  async *uncommitted(): AsyncGenerator<[commit: number, entries: Entry[]]> {
    for (const { file, commit } of this.#later) {
      const entries: Entry[] = [];
      try {
        for await (const entry of this.#read(file)) entries.push(entry);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        // A save that was cut short: nothing that it stands for was said.
        continue;
      }
      yield [commit, entries];
    }
  }

  async save(commit: number, entries: readonly Entry[]): Promise<void> {
    if (this.#owner === '') throw new Error('saved state is loaded before it is saved');
    // A commit that changed nothing needs no file.
    if (entries.length > 0) {
      const path = this.#path(deltaName(commit, this.#owner));
      const bytes = Buffer.concat(entries.map(formatEntry));
      // The file counts once its commit does, which comes later: until then it may be cut short.
      await createDurably(path, bytes);
      this.#bytes += bytes.length;
      // A newer run that loads from now on finds the file; one that has loaded is seen here. So whatever this run goes on to say is known.
      await this.#checkOwner();
    }
    const { saves, bytes: savedBytes } = this.#limits;
    const isDue =
      ++this.#saves >= Math.max(saves, this.#baseBytes / baseBytesASave) || this.#bytes >= Math.max(savedBytes, this.#baseBytes);
    if (!isDue) return;
    this.#saves = 0;
    this.#bytes = 0;
    await this.#foldCommitted();
  }

  /** The pipe begins where the app stands, or what is later than the pipe's begin would be deleted though it is committed. */
  async #check(at: number): Promise<void> {
    const { app, commits } = this.#options;
    const known = await commits();
    if (known === undefined && at > 0) {
      throw new Failure(
        'misconfigured',
        `this state store knows no app ${app}`,
        'give every step the same --state (or BUDA_STATE)',
      );
    }
    if ((known ?? 0) !== at) {
      throw new Failure(
        'badData',
        `app ${app} has ${known} commits, the pipe begins at ${at}`,
        'run the pipe again from its source',
      );
    }
  }

  /** Makes this process the newest owner; begins a folder that is new, or that is to be rebuilt. */
  async #claim(at: number, run: string | undefined): Promise<Meta> {
    const { app, step, digest, rebuild } = this.#options;
    const owner = { id: this.#owner, at, run };
    const known = await this.#readMeta();
    if (run !== undefined && known !== undefined && known !== 'damaged' && known.owners.at(-1)?.run === run) {
      throw new Failure(
        'misconfigured',
        `there are two \`${step}\` in this pipe, or the same run has been through it before: for app ${app} they would keep one state`,
        'give each a pipe and an app of its own, and join the pipes at a stream',
      );
    }
    const misfit = known && this.#misfit(known, at);
    if (misfit !== undefined && !rebuild) {
      throw new Failure(
        'misconfigured',
        misfit,
        `run the pipe again from where the state has to begin, with --rebuild for \`${step}\``,
      );
    }
    if (known === undefined || known === 'damaged' || misfit !== undefined) {
      const file = baseName(at, this.#owner);
      await writeDurably(this.#path(file), '');
      return await this.#writeMeta({ buda: 1, digest, base: { at, file }, owners: [owner] });
    }
    // An owner that found as many commits has saved nothing that was committed.
    return await this.#writeMeta({ ...known, owners: [...known.owners.filter((other) => other.at < at), owner] });
  }

  #misfit(known: Meta | 'damaged', at: number): string | undefined {
    const { app, step, digest, folder } = this.#options;
    if (known === 'damaged') return `${folder}/meta.json is damaged`;
    if (known.digest !== digest) return `what \`${step}\` saved for app ${app} was made under other options`;
    if (known.base.at > at)
      return `what \`${step}\` saved for app ${app} stands at commit ${known.base.at}, the app at ${at}: it was set back`;
    return undefined;
  }

  /** Gives the deltas that count, and those of commits to come, in order; deletes the rest. */
  async #sweep(meta: Meta, at: number): Promise<{ deltas: Delta[]; later: Delta[] }> {
    const deltas: Delta[] = [];
    const later: Delta[] = [];
    for (const file of (await readdir(this.#options.folder)).sort()) {
      if (file === 'meta.json' || file === filesName || file === meta.base.file || file.startsWith('lock')) continue;
      const delta = parseDelta(file);
      if (delta !== undefined && delta.commit > at) later.push(delta);
      else if (delta !== undefined && counts(meta, delta)) deltas.push(delta);
      else await rm(this.#path(file), { force: true });
    }
    return { deltas, later };
  }

  /** A pipe that dies again and again leaves the same deltas each time: one of each stays. */
  async #dropEqual(later: readonly Delta[]): Promise<Delta[]> {
    const known = new Set<string>();
    const kept: Delta[] = [];
    for (const delta of later) {
      const hash = createHash('sha256').update(`${delta.commit} `);
      const content = hash.update(await readFile(this.#path(delta.file))).digest('hex');
      if (known.has(content)) await rm(this.#path(delta.file), { force: true });
      else kept.push(delta);
      known.add(content);
    }
    return kept;
  }

  async #checkOwner(): Promise<Meta> {
    const meta = await this.#readMeta();
    if (meta !== undefined && meta !== 'damaged' && meta.owners.at(-1)?.id === this.#owner) return meta;
    throw new Failure('incomplete', `a newer run of app ${this.#options.app} has begun`, 'leave the work to it');
  }

  async #foldCommitted(): Promise<void> {
    const lock = await this.#lock();
    try {
      const meta = await this.#checkOwner();
      const committed = (await this.#options.commits()) ?? 0;
      const deltas = (await readdir(this.#options.folder)).sort().map(parseDelta);
      const ready = deltas.filter((delta) => delta !== undefined && delta.commit <= committed && counts(meta, delta)) as Delta[];
      if (ready.length > 0) await this.#fold(meta, ready, committed);
    } finally {
      lock.release();
    }
  }

  /** Merges deltas into a new base that stands for commit `at`: written whole, then named in meta, then the old files go. */
  async #fold(meta: Meta, deltas: readonly Delta[], at: number): Promise<Meta> {
    // Which of the deltas' entries is the last of its key; the entries are read again rather than held.
    const last = new Map<string, number>();
    let count = 0;
    for (const { file } of deltas) for await (const { key } of this.#written(file)) last.set(key, count++);
    const file = baseName(at, this.#owner);
    await replaceDurably(this.#path(file), gathered(this.#merge(meta.base.file, deltas, last)));
    this.#baseBytes = await this.#sizeOf(file);
    const owners = meta.owners.filter((_, i) => (meta.owners[i + 1]?.at ?? Number.POSITIVE_INFINITY) > at);
    const folded = await this.#writeMeta({ ...meta, base: { at, file }, owners });
    for (const old of [meta.base, ...deltas]) if (old.file !== file) await rm(this.#path(old.file), { force: true });
    return folded;
  }

  async *#merge(base: string, deltas: readonly Delta[], last: ReadonlyMap<string, number>): AsyncGenerator<Buffer> {
    for await (const { key, bytes } of this.#written(base)) if (!last.has(key)) yield bytes;
    let count = 0;
    for (const { file } of deltas) {
      for await (const { key, value, bytes } of this.#written(file)) if (last.get(key) === count++ && value !== null) yield bytes;
    }
  }

  #written(file: string): AsyncGenerator<WrittenEntry> {
    return this.#whole(file, readWritten(this.#path(file)));
  }

  #read(file: string): AsyncGenerator<Entry> {
    return this.#whole(file, readNdjson(this.#path(file)) as AsyncGenerator<Entry>);
  }

  /** What is read of a file; a Failure (65) where it is missing or damaged. */
  async *#whole<T>(file: string, parts: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* parts;
    } catch (error) {
      const isMissing = codeOf(error) === 'ENOENT';
      if (!isMissing && !(error instanceof Failure)) throw error;
      const { folder } = this.#options;
      const message = isMissing ? `${this.#path(file)} is missing` : (error as Failure).message;
      throw new Failure(
        'badData',
        message,
        `put a good copy of ${folder} in its place, or begin anew: buda state remove ${this.#options.app}, and the pipe from its beginning`,
      );
    }
  }

  /** 0 where it is missing: to read it will say so. */
  async #sizeOf(file: string): Promise<number> {
    try {
      return (await stat(this.#path(file))).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0;
      throw error;
    }
  }

  async #readMeta(): Promise<Meta | 'damaged' | undefined> {
    try {
      const meta = JSON.parse(readFileSync(this.#path('meta.json')).toString()) as Meta;
      return meta.buda === 1 && Array.isArray(meta.owners) && typeof meta.base?.file === 'string' ? meta : 'damaged';
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (error instanceof SyntaxError) return 'damaged';
      throw error;
    }
  }

  async #writeMeta(meta: Meta): Promise<Meta> {
    await writeDurably(this.#path('meta.json'), `${JSON.stringify(meta)}\n`);
    return meta;
  }

  #lock() {
    return acquireLock(this.#path('lock'), this.#options.host, { waitMs: lockWaitMs });
  }

  #path(file: string): string {
    return join(this.#options.folder, file);
  }
}

/** The same bytes in larger pieces; each stands until the next is asked for. */
async function* gathered(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(gatherBytes);
  let filled = 0;
  for await (const line of lines) {
    if (filled + line.length > block.length && filled > 0) {
      yield block.subarray(0, filled);
      filled = 0;
    }
    if (line.length > block.length) yield line;
    else filled += line.copy(block, filled);
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** Whether a delta lies beyond the base and is by the process that had its commit to save: the newest that began before it. */
function counts({ base, owners }: Meta, { commit, owner }: Delta): boolean {
  return commit > base.at && owners.findLast(({ at }) => at < commit)?.id === owner;
}

function digits(commit: number): string {
  return String(commit).padStart(12, '0');
}

function deltaName(commit: number, owner: string): string {
  return `${digits(commit)}.${owner}.ndjson`;
}

function baseName(commit: number, owner: string): string {
  return `${digits(commit)}.${owner}.base.ndjson`;
}

function parseDelta(file: string): Delta | undefined {
  const match = /^(\d{12,})\.([0-9a-f]{8})\.ndjson$/.exec(file);
  return match === null ? undefined : { file, commit: Number(match[1]), owner: match[2] as string };
}
