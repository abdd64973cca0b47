import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Context } from '../context.ts';
import { explain, Failure } from '../errors.ts';

/** The text of a dump, whatever it is packed in. */
export interface Text {
  /** The first bytes, at most `headBytes`; fewer only where the text is shorter. */
  head: Buffer;
  /** The text from this byte on; to be read once. One that ends before it is a Failure (65). */
  from(byte: number): AsyncIterable<Buffer>;
}

/** So much of the beginning tells one dump from another. */
export const headBytes = 4096;
const chunkBytes = 256 * 1024;

/** Opens a file, or stdin where it is `-`; gzip is known by the name or by its first bytes. */
export async function openText(name: string, stdin: Context['stdin']): Promise<Text> {
  if (name === '-') return await textOf(stdin.chunks(), 'stdin', false);
  const path = resolve(name);
  const start = await readStart(path);
  const isPacked = path.endsWith('.gz') || isGzip(start);
  if (isPacked) return await textOf(createReadStream(path, { highWaterMark: chunkBytes }), path, true);
  // Of a plain file only what is new is read.
  async function* from(byte: number): AsyncGenerator<Buffer> {
    if ((await stat(path)).size < byte) throw tooShort(path, byte);
    yield* createReadStream(path, { start: byte, highWaterMark: chunkBytes }) as AsyncIterable<Buffer>;
  }
  return { head: start, from };
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Failure('misconfigured', `--from: ${explain(error)}`, undefined, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function textOf(chunks: AsyncIterable<Buffer>, where: string, isPacked: boolean): Promise<Text> {
  const raw = await peek(chunks, 2);
  const text = isPacked || isGzip(raw.head) ? await peek(unpack(raw.all, where), headBytes) : await peek(raw.all, headBytes);
  async function* from(byte: number): AsyncGenerator<Buffer> {
    let skip = byte;
    for await (const chunk of text.all) {
      if (chunk.length > skip) yield chunk.subarray(skip);
      skip = Math.max(0, skip - chunk.length);
    }
    if (skip > 0) throw tooShort(where, byte);
  }
  return { head: text.head.subarray(0, headBytes), from };
}

function tooShort(where: string, byte: number): Failure {
  return new Failure(
    'badData',
    `${where} ends before byte ${byte}, up to which it was read`,
    'put the dump back, or read this one under another --app',
  );
}

/** The first chunks up to `count` bytes, and all of them again. */
async function peek(chunks: AsyncIterable<Buffer>, count: number): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const reader = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < count) {
    const next = await reader.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) yield next.value;
    } finally {
      await reader.return?.();
    }
  }
  return { head, all: all() };
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

async function* unpack(chunks: AsyncIterable<Buffer>, where: string): AsyncGenerator<Buffer> {
  const { Readable } = await import('node:stream');
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  const packed = Readable.from(chunks);
  packed.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'string' || !code.startsWith('Z_')) throw error;
    throw new Failure(
      'badData',
      `${where}: the gzip data is cut or damaged (${code})`,
      'get the file anew; what came before has been read',
      error,
    );
  } finally {
    packed.destroy();
  }
}
