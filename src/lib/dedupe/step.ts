import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoints, emptyNote, type SavedState } from '../checkpoints.ts';
import type { Call } from '../command.ts';
import { makeFolderDurably, syncFolder } from '../durable.ts';
import { codeOf, explain, Failure } from '../errors.ts';
import type { Begin } from '../marks.ts';
import { type Kept, type Sieve, type Step, sift } from '../steps.ts';
import { Identifier, timeReader } from './identity.ts';
import { Mac } from './mac.ts';
import type { RunShape } from './run.ts';
import { Seen } from './seen.ts';
import { entryWords, type Hash } from './table.ts';
import { Generations, type Window } from './window.ts';

/** What tells records apart, for how long, and in how much memory. */
export interface Dedupe {
  /** Paths whose values tell records apart; none: `id` and `revision`. */
  keys: readonly string[];
  window: Window;
  /** The path of a record's time, for a window of time. */
  time: string | undefined;
  memoryBytes: number;
  state: string | undefined;
  /** Begin anew where what was saved does not fit. */
  rebuild: boolean;
}

/** The step that lets each identity through once. Under an app what it has seen is saved at each mark. */
export function dropRepeats(call: Call, how: Dedupe): Step {
  return sift(call, new Repeats(call, call.name, how));
}

/** So many identities are hashed before the first of them is looked for. */
const linesAhead = 32;

/** In one entry of the state lie so many identities: V8 frees longer texts late. */
const entriesAKey = 2000;

/** What was saved at one commit and lies in no run yet. */
interface Delta {
  key: string;
  newest: number;
}

/** What has been seen: `name` is that of the step whose state it is. */
export class Repeats implements Sieve, Kept {
  readonly #call: Call;
  readonly #how: Dedupe;
  readonly #name: string;
  readonly #generations: Generations;
  readonly #identifier: Identifier;
  readonly #timeOf: ReturnType<typeof timeReader> | undefined;
  #mac = new Mac(randomBytes(16));
  /** Identities of the lines to come: whose they are, where these end, how many they are and which is the next. */
  readonly #ahead = {
    block: undefined as Buffer | undefined,
    tags: Array.from({ length: linesAhead }, () => new Int32Array(4)),
    firstWords: new Int32Array(linesAhead),
    starts: new Int32Array(linesAhead),
    ends: new Int32Array(linesAhead),
    count: 0,
    next: 0,
    sum: 0,
  };
  #seen: Seen | undefined;
  #folder = '';
  #store: { checkpoints: Checkpoints; saved: SavedState; app: string } | undefined;
  /** Entries that were added since the last mark. */
  #fresh = new Int32Array(1024 * entryWords);
  #freshLength = 0;
  #deltas: Delta[] = [];
  /** Files that are no more part of the set from a commit on. */
  #retired: { commit: number; names: string[] }[] = [];
  /** The key of its hashes. */
  #key = '';
  #isNew = false;
  #clockSaved = '';
  #dropped = 0;
  #unidentified = 0;

  constructor(call: Call, name: string, how: Dedupe) {
    this.#call = call;
    this.#name = name;
    this.#how = how;
    this.#generations = new Generations(how.window);
    this.#identifier = new Identifier(how.keys);
    this.#timeOf = how.window !== undefined && 'ms' in how.window ? timeReader(how.time) : undefined;
  }

  get end(): number {
    return this.#identifier.end;
  }

  passes(bytes: Buffer, start: number): boolean {
    const seen = (this.#seen ??= this.#openTemporary());
    const tag = this.#identify(bytes, start, seen);
    const generations = this.#generations;
    if (this.#timeOf !== undefined) {
      const ms = this.#timeOf(this.#identifier.lineAt(bytes, start).record);
      if (ms !== undefined) generations.see(ms);
    }
    const { current, oldest } = generations;
    if (seen.meet(tag, current, oldest)) {
      this.#dropped++;
      return false;
    }
    generations.added++;
    if (this.#store !== undefined) this.#note(tag, current);
    return true;
  }

  /** The hash of what tells the line at `start` from others. */
  #identify(bytes: Buffer, start: number, seen: Seen): Hash {
    const ahead = this.#ahead;
    const [identifier, mac] = [this.#identifier, this.#mac];
    const isNext = ahead.next < ahead.count && ahead.block === bytes && ahead.starts[ahead.next] === start;
    const isHashed = isNext || this.#lookAhead(bytes, start, seen);
    if (ahead.next < ahead.count) {
      identifier.end = ahead.ends[ahead.next]!;
      return ahead.tags[ahead.next++]!;
    }
    if (!(isHashed ?? identifier.hashParsed(bytes, start, mac))) {
      // Its whole line is what is known of it; no identity begins with a line's end.
      mac.hashText(`\n${bytes.toString('latin1', start, identifier.end)}`);
      this.#unidentified++;
    }
    return mac.tag;
  }

  /** Hashes the identities of the lines from `start` on, up to the first that its bytes do not tell; gives what `hashWritten` has said last. */
  #lookAhead(bytes: Buffer, start: number, seen: Seen): boolean | undefined {
    const [ahead, identifier, mac] = [this.#ahead, this.#identifier, this.#mac];
    let count = 0;
    let isHashed: boolean | undefined;
    for (let at = start; count < linesAhead && at < bytes.length; count++) {
      isHashed = identifier.hashWritten(bytes, at, mac);
      if (isHashed !== true) break;
      const tag = ahead.tags[count]!;
      for (let i = 0; i < 4; i++) tag[i] = mac.tag[i]!;
      ahead.firstWords[count] = tag[0]!;
      ahead.starts[count] = at;
      ahead.ends[count] = identifier.end;
      at = identifier.end + 1;
    }
    ahead.block = bytes;
    ahead.count = count;
    ahead.next = 0;
    // Kept, or the reading might be left out as one that nobody wants.
    ahead.sum = seen.touch(ahead.firstWords, count);
    return isHashed;
  }

  async begin({ app, at, run }: Begin): Promise<void> {
    const { keys, window, time, state, rebuild } = this.#how;
    const checkpoints = await this.#call.context.openCheckpoints(state);
    const digest = JSON.stringify(['dedupe 1', keys, window ?? null, this.#timeOf === undefined ? null : (time ?? null)]);
    const saved = checkpoints.saved(app, this.#name, digest, rebuild);
    const entries = new Map<string, unknown>();
    for await (const [key, value] of saved.load(at, run)) {
      if (value === null) entries.delete(key);
      else entries.set(key, value);
    }
    this.#store = { checkpoints, saved, app };
    const key = entries.get('key') as string | undefined;
    this.#isNew = key === undefined;
    if (this.#isNew && at > 0) this.#call.context.say(emptyNote(app, at, 'records that came before are let through again'));
    this.#key = key ?? randomBytes(16).toString('base64');
    this.#mac = new Mac(Buffer.from(this.#key, 'base64'));
    this.#ahead.count = 0;
    const [added, clockMs, firstMs] = (entries.get('clock') as [number, number, number | null] | undefined) ?? [0, 0, null];
    Object.assign(this.#generations, { added, clockMs, firstMs: firstMs ?? undefined });
    this.#folder = saved.files;
    this.#load(entries);
  }

  async settle(): Promise<void> {
    if (this.#store !== undefined || this.#seen?.isFull !== true) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const name = randomBytes(6).toString('hex');
    await this.#seen.spill(name, this.#generations.oldest);
    // It is open, and nobody else needs its name: should this process be killed, the disk has its room back.
    unlinkSync(join(this.#folder, name));
  }

  async save(commit: number): Promise<void> {
    const { saved } = this.#store!;
    const { added, clockMs, firstMs, oldest } = this.#generations;
    const entries: [string, unknown][] = [];
    if (this.#isNew) entries.push(['key', this.#key]);
    this.#isNew = false;
    if (this.#clockSaved !== `${added} ${clockMs}`) entries.push(['clock', [added, clockMs, firstMs ?? null]]);
    this.#clockSaved = `${added} ${clockMs}`;
    if (this.#seen!.isFull) entries.push(...(await this.#spill(commit)));
    else if (this.#freshLength > 0) {
      for (let at = 0; at < this.#freshLength; at += entryWords * entriesAKey) {
        const words = this.#fresh.subarray(at, Math.min(this.#freshLength, at + entryWords * entriesAKey));
        const key = `new|${commit}|${at}`;
        entries.push([key, Buffer.from(words.buffer, words.byteOffset, words.byteLength)]);
        this.#deltas.push({ key, newest: words[words.length - 1]! });
      }
    }
    this.#freshLength = 0;
    const forgotten = this.#deltas.filter(({ newest }) => newest < oldest);
    for (const { key } of forgotten) entries.push([key, null]);
    if (forgotten.length > 0) this.#deltas = this.#deltas.filter(({ newest }) => newest >= oldest);
    await saved.save(commit, entries);
    await this.#deleteRetired();
  }

  async close(): Promise<void> {
    const { context, options } = this.#call;
    if (this.#dropped > 0 && (options as { quiet?: boolean }).quiet !== true)
      context.say(`left out ${count(this.#dropped, 'repeat')}`);
    if (this.#unidentified > 0)
      context.say(`${count(this.#unidentified, 'record')} without an identity: known by the whole line`);
    this.#seen?.close();
    if (this.#store === undefined && this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The set of a run without an app: its folder is made once something has to go there. */
  #openTemporary(): Seen {
    this.#folder = join(tmpdir(), `buda-dedupe-${randomBytes(8).toString('hex')}`);
    return new Seen(this.#folder, this.#how.memoryBytes, this.#generations.most);
  }

  #load(entries: ReadonlyMap<string, unknown>): void {
    const seen = new Seen(this.#folder, this.#how.memoryBytes, this.#generations.most);
    this.#seen = seen;
    const { oldest } = this.#generations;
    const names = new Set<string>();
    for (const [key, value] of entries) {
      if (key.startsWith('run|')) {
        const name = key.slice('run|'.length);
        names.add(name);
        this.#open(name, value as RunShape);
      } else if (key.startsWith('new|')) {
        const bytes = Buffer.from(value as string, 'base64');
        const words = new Int32Array(new Uint8Array(bytes).buffer);
        for (let at = 0; at < words.length; at += entryWords) {
          if (words[at + 4]! >= oldest) seen.add(words.subarray(at, at + 4), words[at + 4]!, oldest);
        }
        this.#deltas.push({ key, newest: words[words.length - 1]! });
      }
    }
    // What later commits wrote, which are to come again.
    for (const name of filesIn(this.#folder)) if (!names.has(name)) rmSync(join(this.#folder, name), { force: true });
  }

  #open(name: string, shape: RunShape): void {
    try {
      this.#seen!.open(name, shape);
    } catch (error) {
      throw new Failure(
        'badData',
        `what \`${this.#name}\` has seen for app ${this.#store!.app} is not whole: ${join(this.#folder, name)}: ${explain(error)}`,
        'put a good copy of the folder in its place, or begin anew: buda state remove, then the pipe from its beginning',
        error,
      );
    }
  }

  /** Moves the set to disk; the run is named in the state of this commit, and what it holds is no more kept there otherwise. */
  async #spill(commit: number): Promise<[string, unknown][]> {
    await makeFolderDurably(this.#folder);
    const name = `${commit}-${randomBytes(4).toString('hex')}`;
    const gone = await this.#seen!.spill(name, this.#generations.oldest);
    await syncFolder(this.#folder);
    const run = this.#seen!.runs.find((one) => one.name === name)!;
    const nulls = [...gone.map((old) => `run|${old}`), ...this.#deltas.map(({ key }) => key)];
    this.#deltas = [];
    this.#retired.push({ commit, names: gone });
    return [[`run|${name}`, run.shape], ...nulls.map((key): [string, null] => [key, null])];
  }

  /** A run goes once no state that may still be gone back to names it. */
  async #deleteRetired(): Promise<void> {
    if (this.#retired.length === 0) return;
    const { checkpoints, app } = this.#store!;
    const committed = (await checkpoints.read(app))?.commits ?? 0;
    for (const { commit, names } of this.#retired) {
      if (commit <= committed) for (const name of names) rmSync(join(this.#folder, name), { force: true });
    }
    this.#retired = this.#retired.filter(({ commit }) => commit > committed);
  }

  #note(tag: Hash, generation: number): void {
    if (this.#freshLength + entryWords > this.#fresh.length) {
      const more = new Int32Array(2 * this.#fresh.length);
      more.set(this.#fresh);
      this.#fresh = more;
    }
    this.#fresh.set(tag, this.#freshLength);
    this.#fresh[this.#freshLength + 4] = generation;
    this.#freshLength += entryWords;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}
