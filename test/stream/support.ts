import { openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from '../../src/lib/delivery.ts';
import { Batch } from '../../src/lib/lines.ts';
import { openCheckpoints } from '../../src/lib/state/open.ts';
import { indexLineBytes } from '../../src/lib/stream/local/index-lines.ts';
import { shardId } from '../../src/lib/stream/local/sequence.ts';
import { localSink, localSource } from '../../src/lib/stream/local.ts';
import { type TestContext, testCall, testContext } from '../support/context.ts';

/** A home with a state store, and a clock that a test sets. */
export class Home {
  readonly context: TestContext;
  nowMs = Date.parse('2026-11-24T10:00:00Z');

  constructor() {
    const base = testContext();
    const openStore = (url: string | undefined) =>
      openCheckpoints(url, { home: base.home, host: base.host, now: () => new Date(this.nowMs) });
    this.context = { ...base, openCheckpoints: openStore };
  }

  sink(name: string, options: Record<string, unknown> = {}, segmentBytes = 64 * 1024 ** 2): Sink {
    const { call } = testCall('put-stream', options, this.context);
    return localSink(call, name, { segmentBytes, now: () => this.nowMs });
  }

  async put(name: string, lines: readonly string[], options: Record<string, unknown> = {}): Promise<void> {
    const sink = this.sink(name, options);
    await sink.write(batchOf(lines));
    await sink.flush();
    await sink.close();
  }

  /** Reads by the source alone, as the step of get-stream would; to the end unless told otherwise. */
  async get(name: string, options: Record<string, unknown> = {}, from: Record<string, string> = {}): Promise<Reading> {
    const { call } = testCall('get-stream', { exitAtEnd: true, ...options }, this.context);
    const source = localSource(call, name);
    const reading: Reading = { lines: [], epochs: [], positions: { ...from } };
    let open: string[] = [];
    try {
      for await (const { batch, to, shard = '' } of source.read(from)) {
        const lines = linesOf(batch);
        reading.lines.push(...lines);
        open.push(...lines);
        if (to === undefined) continue;
        reading.epochs.push({ shard, to, lines: open });
        reading.positions[shard] = to;
        open = [];
      }
    } finally {
      await source.close?.();
    }
    return reading;
  }

  shardFolder(name: string, shard = 0): string {
    return join(this.context.home, 'streams', name, shardId(shard));
  }

  /** The files of a shard that end so, oldest first. */
  files(name: string, ending: string, shard = 0): string[] {
    const folder = this.shardFolder(name, shard);
    return readdirSync(folder)
      .filter((file) => file.endsWith(ending))
      .sort()
      .map((file) => join(folder, file));
  }

  /** Makes the last segment look as if an earlier boot of the machine had written it. */
  reboot(name: string, shard = 0): void {
    const path = this.files(name, '.index', shard).at(-1) as string;
    const header = JSON.parse(readFileSync(path, 'utf8').slice(0, indexLineBytes)) as object;
    const line = JSON.stringify({ ...header, boot: '00000000-0000-0000-0000-000000000000' }).padEnd(indexLineBytes - 1);
    writeSync(openSync(path, 'r+'), line, 0);
  }
}

export interface Reading {
  lines: string[];
  epochs: { shard: string; to: string; lines: string[] }[];
  positions: Record<string, string>;
}

export function batchOf(lines: readonly string[]): Batch {
  return Batch.ofBytes(Buffer.from(lines.map((line) => `${line}\n`).join('')), lines.length);
}

export function linesOf(batch: Batch): string[] {
  const text = batch.bytes.toString();
  const lines = text === '' ? [] : text.slice(0, -1).split('\n');
  if (lines.length !== batch.count) throw new Error(`a batch of ${batch.count} holds ${lines.length} lines`);
  return lines;
}

export function records(from: number, to: number, pad = 0): string[] {
  return Array.from({ length: to - from }, (_, index) => JSON.stringify({ id: `e_${from + index}`, pad: 'x'.repeat(pad) }));
}

/** Writes over some bytes of a file, or behind its end. */
export function scribble(path: string, at: number, bytes: string | Buffer): void {
  const before = readFileSync(path);
  const after = Buffer.alloc(Math.max(before.length, at + bytes.length));
  before.copy(after);
  Buffer.from(bytes).copy(after, at);
  writeFileSync(path, after);
}
