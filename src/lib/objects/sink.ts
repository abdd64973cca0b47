import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { defaultPace, type Pace, retryAws } from '../aws/pace.ts';
import type { Checkpoints } from '../checkpoints.ts';
import type { Call } from '../command.ts';
import type { Epoch, Sink } from '../delivery.ts';
import { KeyReader } from '../keys.ts';
import { BadLine, Batch, Line } from '../lines.ts';
import type { Begin } from '../marks.ts';
import { Gathered, type Part } from './gather.ts';
import { Intents, type Span } from './intents.ts';
import { momentOf, type Partition } from './partition.ts';
import type { ObjectPlace } from './place.ts';
import type { ObjectStore } from './store.ts';

const gzipAsync = promisify(gzip);

const mebibyte = 1024 ** 2;
/** What waits to be put holds no more memory than this; beyond it lies in a temporary file. */
const heldBytes = 32 * mebibyte;
/** No part of a key needs to be longer to be told from others: a digest stands behind them. */
const longestWord = 64;
/** How many objects are put at once, and how many bytes of them. */
const [maxPuts, maxPutBytes] = [8, 64 * mebibyte];

interface ObjectOptions {
  /** The field that holds a record's time; undefined where nobody asks for it. */
  time: string | undefined;
  partition: Partition | undefined;
  isCompressed: boolean;
  /** What an object holds at most, before it is compressed. */
  objectBytes: number;
}

/** An object that was put, as it is told on stdout. */
interface Told {
  /** Its URL. */
  id: string;
  key: string;
  etag: string;
  app?: string;
  commit?: number;
  shard?: string;
  from?: string | null;
  to?: string;
  records: number;
  /** Of its lines, before they are compressed. */
  bytes: number;
  first_at?: string;
  last_at?: string;
}

/** One that was told by a run that died, and is there no more. */
interface Gone {
  id: string;
  key: string;
  op: 'delete';
}

/**
 * Puts records into objects: an epoch's lines of one partition are an object, byte for byte. Its key is made from where its epoch begins and from what is
 * in it, so that a replay that is cut the same way writes over itself. Before the first of an epoch is put, the keys of all are saved under its commit:
 * a later run takes away what was put and never committed, once it has put those records again. Without marks an object is made of every `objectBytes`, and
 * the same records put again write over themselves.
 */
export class ObjectSink implements Sink {
  readonly id: string;
  readonly #call: Call;
  readonly #place: ObjectPlace;
  readonly #options: ObjectOptions;
  readonly #pace: Pace;
  readonly #times: KeyReader;
  /** Begun at once: the SDK is loaded while the first record is still on its way. */
  readonly #opening: Promise<ObjectStore>;
  readonly #givenUp = new AbortController();
  #gathered: Gathered;
  #putting: Promise<void> = Promise.resolve();
  #told: (Told | Gone)[] = [];
  /** Without marks: how many times what had gathered was put. */
  #rounds = 0;
  #isMarked = false;
  #checkpoints: Checkpoints | undefined;
  #intents: Intents | undefined;

  /** `pace` is for tests. */
  constructor(call: Call, place: ObjectPlace, options: ObjectOptions, pace: Partial<Pace> = {}) {
    this.id = place.id;
    this.#call = call;
    this.#place = place;
    this.#options = options;
    this.#pace = { ...defaultPace, ...pace };
    this.#times = new KeyReader(options.time);
    this.#gathered = this.#gather();
    this.#opening = place.open();
    // Whoever puts first hears of it.
    this.#opening.catch(() => {});
  }

  async begin(begin: Begin): Promise<void> {
    this.#isMarked = true;
    const { context, options, name } = this.#call;
    this.#checkpoints = await context.openCheckpoints((options as { state?: string }).state);
    const { files } = this.#checkpoints.saved(begin.app, name, '');
    this.#intents = await Intents.open(files, context.host, begin);
  }

  async write(batch: Batch): Promise<void> {
    const { bytes, firstLine } = batch;
    const { partition } = this.#options;
    const times = this.#times;
    for (let start = 0, number = firstLine; start < bytes.length; number++) {
      let reason: string | undefined;
      let ms: number | undefined;
      try {
        ms = times.readFrom(bytes, start) ? momentOf(times.text) : undefined;
        if (ms === undefined && partition !== undefined) reason = `no time in its field ${this.#options.time}`;
      } catch (error) {
        if (!(error instanceof BadLine)) throw error;
        reason = error.message;
      }
      const end = times.lineEnd + 1;
      if (reason !== undefined) this.#call.rejects.line(new Line(number, bytes, start, end - 1), reason);
      else {
        if (!this.#isMarked && this.#gathered.bytes > 0 && this.#gathered.bytes + end - start > this.#options.objectBytes)
          await this.#putGathered();
        this.#gathered.add(ms === undefined || partition === undefined ? '' : partition(ms), bytes, start, end, ms);
      }
      start = end;
    }
    await this.#gathered.settle();
  }

  async flush(epoch?: Epoch): Promise<void> {
    await this.#putting;
    await this.#put(epoch);
  }

  told(): Batch | undefined {
    if (this.#told.length === 0) return undefined;
    const lines = this.#told.map((told) => Line.written(JSON.stringify(told)));
    this.#told = [];
    return Batch.ofLines(lines);
  }

  async close(): Promise<void> {
    this.#givenUp.abort();
    await this.#putting.catch(() => {});
    await this.#gathered.close();
    await this.#opening.then(
      (store) => store.close(),
      () => {},
    );
    this.#intents?.close();
  }

  /** Puts what has gathered while the next gathers. */
  async #putGathered(): Promise<void> {
    await this.#gathered.settle();
    await this.#putting;
    this.#putting = this.#put(undefined);
    // Whoever waits for it next hears of a failure.
    this.#putting.catch(() => {});
  }

  #gather(): Gathered {
    return new Gathered({ heldBytes, objectBytes: this.#options.objectBytes });
  }

  async #put(epoch: Epoch | undefined): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = this.#gather();
    try {
      await gathered.settle();
      const head = epoch === undefined ? `part-${digits(this.#rounds++, 6)}` : headOf(epoch);
      const range = epoch === undefined ? '' : rangeOf(epoch);
      const objects = gathered.parts.map((part) => ({ part, key: this.#keyOf(part, head, range) }));
      const keys = objects.map(({ key }) => key);
      if (epoch !== undefined) await this.#intend(epoch, keys);
      const etags = new Map<string, string>();
      const form = { isCompressed: this.#options.isCompressed };
      const put = async ({ part, key }: { part: Part; key: string }, store: ObjectStore) => {
        const lines = await gathered.read(part);
        etags.set(key, await store.put(key, form.isCompressed ? await gzipAsync(lines) : lines, form));
      };
      await this.#each(objects, put, ({ part }) => part.bytes);
      if (epoch !== undefined) await this.#takeAway(epoch, keys);
      for (const { part, key } of objects) this.#told.push(this.#tell(part, key, etags.get(key) ?? '', epoch));
    } finally {
      await gathered.close();
    }
  }

  #keyOf(part: Part, head: string, range: string): string {
    const digest = part.digest(range).slice(0, 16);
    const ending = this.#options.isCompressed ? '.ndjson.gz' : '.ndjson';
    return `${this.#place.prefix}${part.partition}${head}-${digits(part.number, 3)}-${digest}${ending}`;
  }

  async #intend(epoch: Epoch, keys: readonly string[]): Promise<void> {
    const { commit, from } = epoch;
    // Where several epochs may be on their way, one that is empty is a link between those beside it.
    if (keys.length === 0 && !this.#isForward) return;
    const committed = (await this.#checkpoints?.read(epoch.begin.app))?.commits ?? 0;
    await this.#intents?.add(commit, { ...this.#spanOf(epoch), from: from ?? null, keys }, Math.min(committed, commit - 1));
  }

  get #isForward(): boolean {
    return (this.#call.options as { forward?: boolean }).forward === true;
  }

  #spanOf({ begin: { source }, shard }: Epoch): Span {
    return { place: this.id, source, shard };
  }

  /**
   * The first epoch of a shard is there: what runs before had put from the same place on, and not committed, has been put again or is coming. From
   * another place on nothing comes again (somebody has moved the checkpoint): then what was put may have been committed before.
   */
  async #takeAway(epoch: Epoch, keys: readonly string[]): Promise<void> {
    const span = this.#spanOf(epoch);
    const left = this.#intents?.left(span) ?? [];
    if (left.length === 0) return;
    const gone = new Set(left.flatMap((intent) => intent.keys));
    for (const key of keys) gone.delete(key);
    const { say, detail } = this.#call.context;
    if (left.some((intent) => intent.from === (epoch.from ?? null))) {
      await this.#each([...gone], async (key, store) => await store.remove(key));
      for (const key of gone) detail(`took away what a run before this one had put and not committed: ${key}`);
      // With --forward it may have been told; otherwise only what is committed is.
      if (this.#isForward) for (const key of gone) this.#told.push({ id: `${this.#place.root}${key}`, key, op: 'delete' });
    } else if (gone.size > 0) say(`left where they are, since the checkpoint was moved: ${[...gone].join(' ')}`);
    await this.#intents?.forget(span);
  }

  #tell(part: Part, key: string, etag: string, epoch: Epoch | undefined): Told {
    const { count: records, bytes, firstMs, lastMs } = part;
    return {
      id: `${this.#place.root}${key}`,
      key,
      etag,
      ...(epoch !== undefined && {
        app: epoch.begin.app,
        commit: epoch.commit,
        ...(epoch.shard !== '' && { shard: epoch.shard }),
        from: epoch.from ?? null,
        to: epoch.mark.to,
      }),
      records,
      bytes,
      ...(firstMs !== undefined && { first_at: timeOf(firstMs) }),
      ...(lastMs !== undefined && { last_at: timeOf(lastMs) }),
    };
  }

  /** Does something for each, several at once, with the patience that AWS asks for; the first failure ends it all. */
  async #each<T>(
    all: readonly T[],
    work: (one: T, store: ObjectStore) => Promise<void>,
    bytesOf: (one: T) => number = () => 0,
  ): Promise<void> {
    if (all.length === 0) return;
    const store = await this.#opening;
    const { progress } = this.#call.context;
    const note = (text: string | undefined) => {
      progress.note = text;
    };
    const { signal } = this.#givenUp;
    let next = 0;
    let putBytes = 0;
    const take = async (): Promise<void> => {
      while (next < all.length && !signal.aborted) {
        const one = all[next] as T;
        const bytes = bytesOf(one);
        if (putBytes > 0 && putBytes + bytes > maxPutBytes) return;
        next++;
        putBytes += bytes;
        await retryAws({ tuning: this.#pace, signal, note }, () => work(one, store));
        putBytes -= bytes;
      }
    };
    let failure: unknown;
    const giveUp = (error: unknown) => {
      failure ??= error;
      this.#givenUp.abort();
    };
    while (next < all.length && !signal.aborted)
      await Promise.all(Array.from({ length: Math.min(maxPuts, all.length) }, () => take().catch(giveUp)));
    if (failure !== undefined) throw failure;
    signal.throwIfAborted();
  }
}

/** What a key says of the epoch: whose it is, and where it begins. */
function headOf({ begin: { app }, shard, from }: Epoch): string {
  return [app, shard, from ?? '0']
    .filter((part) => part !== '')
    .map((part) => part.replace(/[^A-Za-z0-9._]/g, '_').slice(0, longestWord))
    .join('-');
}

/** What tells apart those whose keys begin in the same words. */
function rangeOf({ begin: { app, source }, shard, from }: Epoch): string {
  return JSON.stringify([app, source, shard, from ?? null]);
}

function digits(number: number, length: number): string {
  return String(number).padStart(length, '0');
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
