import type { FileHandle } from 'node:fs/promises';
import { openTemporaryFile } from '../temporary-file.ts';

/** Bytes that are held: in memory up to a limit, beyond it in a temporary file. They may be read more than once, once all are there. */
export class Spool {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #file: FileHandle | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async add(piece: Buffer): Promise<void> {
    if (this.#file === undefined && this.#bytes + piece.length > this.#maxBytes) {
      this.#file = await openTemporaryFile();
      let place = 0;
      for (const kept of this.#pieces) place += await writeAt(this.#file, kept, place);
      this.#pieces = [];
    }
    if (this.#file === undefined) this.#pieces.push(piece);
    else await writeAt(this.#file, piece, this.#bytes);
    this.#bytes += piece.length;
  }

  async *read(): AsyncGenerator<Buffer> {
    if (this.#file === undefined) {
      yield* this.#pieces;
      return;
    }
    for (let place = 0; place < this.#bytes; ) {
      const block = Buffer.allocUnsafe(Math.min(65_536, this.#bytes - place));
      const { bytesRead } = await this.#file.read(block, 0, block.length, place);
      if (bytesRead === 0) throw new Error('a temporary file was cut short');
      place += bytesRead;
      yield block.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    this.#pieces = [];
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

async function writeAt(file: FileHandle, piece: Buffer, place: number): Promise<number> {
  for (let written = 0; written < piece.length; ) {
    written += (await file.write(piece, written, piece.length - written, place + written)).bytesWritten;
  }
  return piece.length;
}
