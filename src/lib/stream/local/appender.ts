import type { Host } from '../../context.ts';
import { codeOf, explain, Failure } from '../../errors.ts';
import { LockFile } from '../../locks.ts';
import { type StreamFolder, shardLockPath } from './folder.ts';
import { type Block, deleted, ShardTail, type TailWorld } from './tail.ts';

/** What may wait for the append that is under way. */
const maxPendingBytes = 8 * 1024 ** 2;
/** Behind an append the next one gathers so much, or for so long: a flood goes in larger pieces, and a single record goes at once. */
const gatherBytes = 1024 ** 2;
const gatherMs = 3;
/** How long what was appended may wait to be synced, where nobody asks for it. */
const syncMs = 100;
/** The others append in milliseconds; one that was stopped in the midst of it holds the lock until it goes on. */
const lockWaitMs = 30_000;

/**
 * Appends to one shard, beside any number of other processes. While one append is under way the next one gathers. Readers see records as
 * soon as they are written; they are synced before a flush resolves, and ten times a second anyway.
 */
export class ShardAppender {
  readonly #stream: StreamFolder;
  readonly #tail: ShardTail;
  readonly #lock: LockFile;
  #pending: Block[] = [];
  #pendingBytes = 0;
  #appending: Promise<void> | undefined;
  #appendedMs = 0;
  #gathering: NodeJS.Timeout | undefined;
  #syncing: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(stream: StreamFolder, shard: number, host: Host, world: TailWorld) {
    this.#stream = stream;
    this.#tail = new ShardTail(stream, shard, world);
    this.#lock = new LockFile(shardLockPath(stream, shard), host);
  }

  /** Takes whole lines; they are not safe until `flush`. */
  add(bytes: Buffer, count: number): void {
    this.#throwFailure();
    if (count === 0) return;
    this.#pending.push({ bytes, count });
    this.#pendingBytes += bytes.length;
    this.#start();
  }

  /** Waits while too much is pending. */
  async room(): Promise<void> {
    while (this.#pendingBytes > maxPendingBytes && this.#appending !== undefined) await this.#appending;
    this.#throwFailure();
  }

  /** Resolves once everything that was added is on the disk. */
  async flush(): Promise<void> {
    while (this.#failure === undefined && (this.#appending !== undefined || this.#pending.length > 0)) {
      this.#appending ??= this.#append();
      await this.#appending;
    }
    this.#throwFailure();
    await this.#sync();
    this.#throwFailure();
  }

  /** Waits for what is under way; what is pending beyond it is given up. */
  async close(): Promise<void> {
    this.#pending = [];
    clearTimeout(this.#gathering);
    await this.#appending;
    clearTimeout(this.#syncing);
    await this.#tail.close();
    this.#lock.close();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #start(): void {
    if (this.#appending !== undefined || this.#pending.length === 0 || this.#failure !== undefined) return;
    const isDue = this.#pendingBytes >= gatherBytes || performance.now() - this.#appendedMs >= gatherMs;
    if (isDue) this.#appending = this.#append();
    else this.#gathering ??= setTimeout(() => (this.#appending ??= this.#append()), gatherMs);
  }

  /** Appends all that is pending. Whoever adds or flushes next hears of a failure. */
  async #append(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const blocks = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      const lock = await this.#lock.acquire(lockWaitMs);
      try {
        await this.#tail.append(blocks);
      } finally {
        lock.release();
      }
    } catch (error) {
      this.#failure ??= this.#explained(error);
    }
    this.#appendedMs = performance.now();
    this.#appending = undefined;
    this.#start();
    if (this.#tail.isDirty) this.#syncing ??= setTimeout(() => void this.#sync(), syncMs);
  }

  async #sync(): Promise<void> {
    clearTimeout(this.#syncing);
    this.#syncing = undefined;
    try {
      await this.#tail.sync();
    } catch (error) {
      this.#failure ??= this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof Failure || codeOf(error) === '') return error;
    if (codeOf(error) === 'ENOENT') return deleted(this.#stream);
    const place = error instanceof Error && 'path' in error ? '' : ` (${this.#tail.folder})`;
    const message = `local:${this.#stream.name}: ${explain(error)}${place}`;
    return new Failure('failed', message, 'make room, or put it right, and run the pipe again', error);
  }
}
