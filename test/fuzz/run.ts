import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Control, formatControl, parseControl } from '../../src/lib/marks.ts';
import { root } from '../house/bash.ts';

/** Real lines through a real process, and what came of them. */

const newline = 0x0a;

export interface Trial {
  /** Behind `buda`. */
  words: readonly string[];
  /** Options of node's own. */
  node?: readonly string[];
  /** Where it runs, and keeps its state. */
  folder: string;
  /** The lines of the input, in blocks; each ends in a newline, but the last need not. */
  blocks: Iterable<Buffer>;
  /** Each line of the output that is no mark. */
  onLine: (line: Buffer) => void;
}

export interface Outcome {
  exit: number | null;
  said: string;
  marks: Control[];
  /** Lines that came out before each control line, and behind the last. */
  counts: number[];
  /** The process's peak of memory when half of the blocks were in, and at its end; undefined where the system does not say. */
  halfPeakBytes: number | undefined;
  peakBytes: number | undefined;
  ms: number;
}

/** Runs `buda` on the blocks, fed no faster than it reads. */
export async function tryLines({ words, node = [], folder, blocks, onLine }: Trial, blockCount: number): Promise<Outcome> {
  const { NODE_EXTRA_CA_CERTS, BUDA_STATE, ...inherited } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, [...node, join(root, 'bin', 'buda'), ...words], {
    cwd: folder,
    env: { ...inherited, BUDA_HOME: join(folder, 'home') },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece) => {
    said = `${said}${piece}`.slice(-4000);
  });
  const closed = once(child, 'close');
  let isBroken = false;
  child.stdin.on('error', () => {
    isBroken = true;
  });
  const marks: Control[] = [];
  const counts = [0];
  const reading = (async () => {
    for await (const line of linesOf(child.stdout)) {
      const control = line[0] === 0x5b ? parseControl(line.toString()) : undefined;
      if (control === undefined) {
        counts[counts.length - 1]!++;
        onLine(line);
      } else {
        marks.push(control);
        counts.push(0);
      }
    }
  })();
  let fed = 0;
  let halfPeakBytes: number | undefined;
  for (const block of blocks) {
    if (isBroken) break;
    if (!child.stdin.write(block)) await Promise.race([once(child.stdin, 'drain').catch(() => {}), closed]);
    if (++fed === Math.ceil(blockCount / 2)) halfPeakBytes = peakOf(child.pid);
  }
  let peakBytes = peakOf(child.pid);
  child.stdin.end();
  // What is done at the end counts as well.
  const watch = setInterval(() => {
    peakBytes = peakOf(child.pid) ?? peakBytes;
  }, 20);
  const [exit] = (await closed) as [number | null];
  clearInterval(watch);
  await reading;
  return { exit, said, marks, counts, halfPeakBytes, peakBytes, ms: performance.now() - began };
}

function peakOf(pid: number | undefined): number | undefined {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  const kibibytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1];
  return kibibytes === undefined ? undefined : 1024 * Number(kibibytes);
}

/** The lines of a stream, without their newlines. */
export async function* linesOf(stream: Readable): AsyncGenerator<Buffer> {
  let carry: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end);
      yield carry.length === 0 ? rest : Buffer.concat([...carry, rest]);
      carry = [];
      start = end + 1;
    }
    if (start < chunk.length) carry.push(chunk.subarray(start));
  }
  if (carry.length > 0) yield Buffer.concat(carry);
}

/** The dead letters in a file; none where there is no file. */
export async function* lettersIn(path: string): AsyncGenerator<Record<string, unknown>> {
  if (!existsSync(path)) return;
  for await (const line of linesOf(createReadStream(path))) yield JSON.parse(line.toString()) as Record<string, unknown>;
}

/** Parts of hashes that were asked for before. */
const parts = new WeakMap<Buffer, number>();

/** A set of lines as one number, whatever their order: the sum of parts of their hashes. */
export class LineSum {
  count = 0;
  sum = 0;

  add(line: Buffer): void {
    let part = parts.get(line);
    if (part === undefined) {
      part = createHash('sha256').update(line).digest().readUIntBE(0, 6);
      parts.set(line, part);
    }
    this.#add(part);
  }

  addHash(sha256: string): void {
    this.#add(Number.parseInt(sha256.slice(0, 12), 16));
  }

  #add(part: number): void {
    this.count++;
    this.sum = (this.sum + part) % 2 ** 48;
  }
}

export const endLine = `${formatControl({ kind: 'end', end: { exit: 0 } })}\n`;

export function markLine(to: number, count: number): string {
  return `${formatControl({ kind: 'mark', mark: { to: String(to), c: [['fuzz', 0, count, 0]] } })}\n`;
}
