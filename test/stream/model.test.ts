import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sink } from '../../src/lib/delivery.ts';
import { indexLineBytes } from '../../src/lib/stream/local/index-lines.ts';
import { batchOf, Home, records, scribble } from './support.ts';

/** What can happen to a stream. */
type Happening =
  | { kind: 'append'; writer: number; count: number }
  | { kind: 'kill'; bytes: number; indexBytes: number }
  | { kind: 'reboot'; damage: 'none' | 'data cut' | 'data wrong' | 'index zeroed' | 'index torn' }
  | { kind: 'wait'; hours: number }
  | { kind: 'read'; from: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('append' as const), writer: fc.nat(2), count: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('kill' as const), bytes: fc.nat(300), indexBytes: fc.nat(indexLineBytes - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reboot' as const),
      damage: fc.constantFrom('none', 'data cut', 'data wrong', 'index zeroed', 'index torn'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), from: fc.nat(1000) }) },
);

interface Kept {
  line: string;
  atMs: number;
}

/** A stream of one shard, and beside it what it has to hold. */
class World {
  readonly home = new Home();
  kept: Kept[] = [];
  /** How many records the last append wrote: those that a restart of the machine may damage. */
  last = 0;
  /** Nobody has written since the machine was restarted: a writer cuts and seals before it does anything that a kill could leave. */
  isFresh = false;
  count = 0;
  /** Positions that were handed out, and how many records had been read by then. A lost record still counts. */
  readonly positions = new Map<string, string[]>();
  #writers = new Map<number, Sink>();

  writer(number: number): Sink {
    const known = this.#writers.get(number) ?? this.home.sink('s', { retention: 24 * 3_600_000 }, 500);
    this.#writers.set(number, known);
    return known;
  }

  async happens(one: Happening): Promise<void> {
    if (one.kind === 'append') {
      const lines = records(this.count, this.count + one.count, this.count % 40);
      this.count += one.count;
      const writer = this.writer(one.writer);
      await writer.write(batchOf(lines));
      await writer.flush();
      this.kept.push(...lines.map((line) => ({ line, atMs: this.home.nowMs })));
      this.last = one.count;
      this.isFresh = false;
    } else if (one.kind === 'kill' && !this.isFresh) {
      // Half of a block, and half of the line that would speak of it.
      appendFileSync(this.home.files('s', '.ndjson').at(-1) as string, 'y'.repeat(one.bytes));
      const index = this.home.files('s', '.index').at(-1) as string;
      truncateSync(index, wholeBytes(index));
      appendFileSync(index, 'z'.repeat(one.indexBytes));
    } else if (one.kind === 'reboot' && !this.isFresh) {
      await this.reboot(one.damage);
    } else if (one.kind === 'wait') {
      this.home.nowMs += one.hours * 3_600_000;
    } else if (one.kind === 'read') {
      await this.read(one.from);
    }
  }

  async reboot(damage: Extract<Happening, { kind: 'reboot' }>['damage']): Promise<void> {
    await this.close();
    const data = this.home.files('s', '.ndjson').at(-1) as string;
    const index = this.home.files('s', '.index').at(-1) as string;
    const whole = wholeBytes(index);
    // Only a block of the last segment can be in doubt; of a kill just before, nothing was safe.
    const last = JSON.parse(readFileSync(index, 'utf8').slice(whole - indexLineBytes, whole)) as { end?: number };
    if (last.end !== undefined && this.last > 0 && damage !== 'none') {
      const lost = this.kept.splice(this.kept.length - this.last);
      const size = lost.reduce((sum, { line }) => sum + line.length + 1, 0);
      const end = last.end - Number(data.slice(-'0000000000000000.ndjson'.length, -'.ndjson'.length));
      if (damage === 'data cut') truncateSync(data, end - 1);
      if (damage === 'data wrong') scribble(data, end - size, '\0');
      if (damage === 'index zeroed') scribble(index, whole - indexLineBytes, Buffer.alloc(indexLineBytes));
      if (damage === 'index torn') truncateSync(index, whole - 7);
      this.last = 0;
      for (const read of this.positions.values()) for (const { line } of lost) if (read.includes(line)) read.push(line);
    }
    this.home.reboot('s');
    this.isFresh = true;
  }

  /** Reads all, then from a place that was reached before. */
  async read(choice: number): Promise<void> {
    const lines = this.kept.map(({ line }) => line);
    const { lines: found, epochs } = await this.home.get('s', { app: 'a', epoch: { maxRecords: 3 } });
    // What is old enough may be gone, in whole segments; nothing else is.
    const young = this.kept.findIndex(({ atMs }) => this.home.nowMs - atMs < 24 * 3_600_000);
    expect(lines.slice(lines.length - found.length)).toEqual(found);
    expect(found.length).toBeGreaterThanOrEqual(young < 0 ? 0 : lines.length - young);
    const read: string[] = [];
    for (const epoch of epochs) {
      read.push(...epoch.lines);
      const known = this.positions.get(epoch.to);
      // A position never means two things.
      if (known !== undefined) expect(known.at(-1)).toBe(read.at(-1));
      else this.positions.set(epoch.to, [...lines.slice(0, lines.length - found.length), ...read]);
    }
    const known = [...this.positions];
    const [position, before] = known[choice % Math.max(1, known.length)] ?? ['', []];
    if (position === '') return;
    const expected = lines.filter((line) => !before.includes(line));
    const rest = await this.home.get('s', { app: 'a', epoch: { maxRecords: 4 } }, { '': position }).catch((error) => {
      expect(error).toMatchObject({ exit: 65, message: expect.stringContaining('past retention') });
      expect(found.length).toBeLessThan(expected.length);
      return undefined;
    });
    if (rest !== undefined) expect(rest.lines).toEqual(expected);
  }

  async close(): Promise<void> {
    for (const writer of this.#writers.values()) await writer.close();
    this.#writers.clear();
  }
}

function wholeBytes(index: string): number {
  return Math.floor(statSync(index).size / indexLineBytes) * indexLineBytes;
}

test('a stream holds what was acknowledged, in order, through kills, restarts of the machine and retention', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), async (happenings) => {
      const world = new World();
      await world.happens({ kind: 'append', writer: 0, count: 1 });
      for (const one of happenings) await world.happens(one);
      await world.read(7);
      await world.close();
    }),
    { numRuns: 60, seed: 20261124 },
  );
}, 60_000);
