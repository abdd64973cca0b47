import type { FileHandle } from 'node:fs/promises';
import { startSha256 } from '../hashing.ts';
import { writePieces } from '../pieces.ts';
import { openTemporaryFile } from '../temporary-file.ts';

/** Many partitions may each hold a little: blocks grow from the one to the other. */
const [firstBlockBytes, blockBytes] = [4 * 1024, 64 * 1024];

/** Lines of one partition that will be an object, in the order in which they came. */
export class Part {
  readonly partition: string;
  /** Which of its partition's it is, from 0. */
  readonly number: number;
  count = 0;
  bytes = 0;
  /** The least and the greatest moment of its lines, in milliseconds since 1970; undefined where none has one. */
  firstMs: number | undefined;
  lastMs: number | undefined;
  /** What it holds of memory. */
  heldBytes = 0;
  readonly #hash = startSha256();
  readonly #extents: { at: number; bytes: number }[] = [];
  #full: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #filled = 0;

  constructor(partition: string, number: number) {
    this.partition = partition;
    this.number = number;
  }

  /** Copies the bytes from `start` up to `end`. */
  copy(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#filled === this.#block.length) this.#grow();
      const count = bytes.copy(this.#block, this.#filled, at, end);
      this.#filled += count;
      at += count;
    }
  }

  /** The sha256 of its lines and of this text, in hexadecimal digits; nothing is added behind it. */
  digest(text: string): string {
    this.#close();
    return this.#hash.update(text).digest('hex');
  }

  /** Writes what it holds at the end of a file, which has `at` bytes; gives how many there are more. */
  async spool(file: FileHandle, at: number): Promise<number> {
    this.#close();
    const bytes = this.#full.reduce((sum, { length }) => sum + length, 0);
    if (bytes === 0) return 0;
    await writePieces(file.fd, this.#full, at);
    this.#extents.push({ at, bytes });
    this.#full = [];
    this.heldBytes = 0;
    return bytes;
  }

  /** All of it; what was spooled is in `file`. */
  async read(file: FileHandle | undefined): Promise<Buffer> {
    this.#close();
    const whole = Buffer.allocUnsafeSlow(this.bytes);
    let filled = 0;
    for (const { at, bytes } of this.#extents) {
      for (let done = 0; done < bytes; ) {
        const { bytesRead = 0 } = (await file?.read(whole, filled, bytes - done, at + done)) ?? {};
        if (bytesRead === 0) throw new Error('a temporary file was cut short');
        filled += bytesRead;
        done += bytesRead;
      }
    }
    for (const piece of this.#full) filled += piece.copy(whole, filled);
    return whole;
  }

  #grow(): void {
    const next = Math.min(blockBytes, Math.max(firstBlockBytes, 2 * this.#block.length));
    this.#close();
    this.#block = Buffer.allocUnsafeSlow(next);
    this.heldBytes += next;
  }

  #close(): void {
    if (this.#filled === 0) return;
    const piece = this.#block.subarray(0, this.#filled);
    this.#hash.update(piece);
    this.#full.push(piece);
    this.#block = Buffer.alloc(0);
    this.#filled = 0;
  }
}

/** Lines on their way into objects: in memory up to a limit, beyond it in a temporary file. */
export class Gathered {
  /** All the lines that it has. */
  bytes = 0;
  readonly #limits: { heldBytes: number; objectBytes: number };
  readonly #parts: Part[] = [];
  /** What the next line of a partition is added to. */
  readonly #open = new Map<string, Part>();
  #file: FileHandle | undefined;
  #spooled = 0;
  /** Lines that follow each other in their block and are copied together. */
  #run: { part: Part; bytes: Buffer; start: number; end: number } | undefined;

  /** An object has `objectBytes` at most, or one line; memory holds little more than `heldBytes`. */
  constructor(limits: { heldBytes: number; objectBytes: number }) {
    this.#limits = limits;
  }

  /** In the order of their first lines. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** Takes the line from `start` up to `end`, its newline within; `ms` is its moment. Its bytes stay as they are until `settle`. */
  add(partition: string, bytes: Buffer, start: number, end: number, ms: number | undefined): void {
    let run = this.#run;
    let part = run?.part.partition === partition ? run.part : this.#open.get(partition);
    if (part === undefined || part.bytes + end - start > this.#limits.objectBytes) {
      part = new Part(partition, part === undefined ? 0 : part.number + 1);
      this.#parts.push(part);
      this.#open.set(partition, part);
    }
    if (run === undefined || run.part !== part || run.bytes !== bytes || run.end !== start) {
      this.#copyRun();
      run = { part, bytes, start, end };
      this.#run = run;
    } else run.end = end;
    part.count++;
    part.bytes += end - start;
    this.bytes += end - start;
    if (ms === undefined) return;
    if (part.firstMs === undefined || ms < part.firstMs) part.firstMs = ms;
    if (part.lastMs === undefined || ms > part.lastMs) part.lastMs = ms;
  }

  /** The bytes of the lines are free to change; what is too much for the memory lies in a file. */
  async settle(): Promise<void> {
    this.#copyRun();
    const held = this.#parts.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    if (held <= this.#limits.heldBytes) return;
    this.#file ??= await openTemporaryFile();
    for (const part of this.#parts) this.#spooled += await part.spool(this.#file, this.#spooled);
  }

  /** The bytes of one of its parts. */
  read(part: Part): Promise<Buffer> {
    return part.read(this.#file);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #copyRun(): void {
    const run = this.#run;
    this.#run = undefined;
    run?.part.copy(run.bytes, run.start, run.end);
  }
}
