import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guarded } from '../src/lib/call.ts';
import type { Commit } from '../src/lib/checkpoints.ts';
import type { Call } from '../src/lib/command.ts';
import { deliver, type Epoch } from '../src/lib/delivery.ts';
import { BadLine, type Batch, readBatches, writeBatch } from '../src/lib/lines.ts';
import { formatControl, type Mark } from '../src/lib/marks.ts';
import { type DeadLetter, Rejects } from '../src/lib/rejects.ts';
import { begun, claimed, newDocument } from '../src/lib/state/document.ts';
import { each, held, type Step } from '../src/lib/steps.ts';
import { batchesOf, testContext } from './support/context.ts';

/**
 * The rule of marks over whole pipes: random records, epochs, cuts of the bytes and steps, joined by bytes or in one process, and
 * one thing that breaks. Whatever is marked is written, kept and saved by then, in order; what is not may come again.
 */

const kinds = ['pass', 'double', 'drop', 'reject', 'sum', 'append'] as const;
type Kind = (typeof kinds)[number];

/** What a step makes of an epoch, told without any code of the steps. */
function modelOf(kind: Kind) {
  let total = 0;
  return (epoch: readonly number[]): { out: number[]; dead: number[] } => {
    total += epoch.reduce((sum, n) => sum + n, 0);
    const dead = kind === 'reject' ? epoch.filter((n) => n % 3 === 0) : [];
    switch (kind) {
      case 'double':
        return { out: epoch.flatMap((n) => [n, n]), dead };
      case 'drop':
        return { out: epoch.filter((n) => n % 2 === 0), dead };
      case 'reject':
        return { out: epoch.filter((n) => n % 3 !== 0), dead };
      case 'sum':
        return { out: [total], dead };
      case 'append':
        return { out: [...epoch, epoch.length], dead };
      default:
        return { out: [...epoch], dead };
    }
  };
}

/** Breaks at its n-th call, and at each one after. */
class Fuse {
  #left: number;
  constructor(calls: number) {
    this.#left = calls;
  }
  burn(): void {
    if (--this.#left < 0) throw new Error('it broke');
  }
}

class Kept {
  readonly durable: DeadLetter[] = [];
  readonly #fuse: Fuse;
  #pending: DeadLetter[] = [];
  constructor(fuse: Fuse) {
    this.#fuse = fuse;
  }
  write(letter: DeadLetter): void {
    this.#pending.push(letter);
  }
  async flush(): Promise<void> {
    this.#fuse.burn();
    this.durable.push(...this.#pending.splice(0));
  }
  async close(): Promise<void> {}
}

interface Built {
  call: Call;
  step: Step;
  kept: Kept;
  saved: number[];
}

function build(kind: Kind, fuse: Fuse): Built {
  const kept = new Kept(fuse);
  const saved: number[] = [];
  const call: Call = {
    name: kind,
    args: [],
    options: {},
    context: testContext(),
    entries: [],
    rejects: new Rejects(kind, kept, () => new Date(0)),
  };
  const numberOf = (line: { record: Record<string, unknown> }) => line.record.n as number;
  let total = 0;
  const epoch: number[] = [];
  const steps: Record<Kind, () => Step> = {
    pass: () => each(call, (line) => line),
    double: () => each(call, (line) => [line, { n: numberOf(line) }]),
    drop: () => each(call, (line) => (numberOf(line) % 2 === 0 ? { n: numberOf(line) } : undefined)),
    reject: () =>
      each(call, (line) => {
        if (numberOf(line) % 3 === 0) throw new BadLine('a three');
        return line;
      }),
    sum: () =>
      held(call, {
        add: (line) => void (total += numberOf(line)),
        flush: async function* (commit = 0) {
          fuse.burn();
          saved.push(commit);
          yield { n: total };
        },
      }),
    append: () =>
      held(call, {
        add: (line) => void epoch.push(numberOf(line)),
        flush: () => [...epoch.splice(0), -1].map((n, i, all) => ({ n: n === -1 && i === all.length - 1 ? all.length - 1 : n })),
      }),
  };
  return { call, step: steps[kind](), kept, saved };
}

/** As bytes and back, the way a pipe carries them. */
async function* overThePipe(input: AsyncIterable<Batch>, cut: number): AsyncGenerator<Batch> {
  async function* chunks() {
    for await (const batch of input) {
      const bytes = writeBatch(batch);
      for (let place = 0; place < bytes.length; place += cut) yield bytes.subarray(place, place + cut);
    }
  }
  yield* readBatches(chunks(), {
    maxLineBytes: 10_000,
    reject: ({ reason }) => {
      throw new Error(reason);
    },
  });
}

const begin = { app: 'a', source: 's', run: 'r', term: 1, at: 0, from: {} };
function linesOf(epochs: readonly (readonly number[])[]): string {
  const lines = [formatControl({ kind: 'begin', begin })];
  epochs.forEach((epoch, i) => {
    const mark: Mark = { to: String(i + 1), c: [['s', 0, epoch.length, 0]] };
    lines.push(...epoch.map((n) => `{"n":${n}}`), formatControl({ kind: 'mark', mark }));
  });
  return `${[...lines, formatControl({ kind: 'end', end: { exit: 0 } })].join('\n')}\n`;
}

const pipes = fc.record({
  epochs: fc.array(fc.array(fc.nat(30), { maxLength: 6 }), { maxLength: 6 }),
  kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 }),
  cut: fc.integer({ min: 1, max: 300 }),
  inOneProcess: fc.boolean(),
  breaksAt: fc.nat(25),
  leavesAt: fc.option(fc.nat(20), { nil: undefined }),
});

test('what is marked is written, kept and saved, in order, whatever breaks and whoever leaves', async () => {
  await fc.assert(
    fc.asyncProperty(pipes, async ({ epochs, kinds, cut, inOneProcess, breaksAt, leavesAt }) => {
      const fuse = new Fuse(breaksAt);
      const built = kinds.map((kind) => build(kind, fuse));
      const models = kinds.map(modelOf);
      const expected = epochs.map((epoch) => {
        const counts: [string, number, number, number][] = [['s', 0, epoch.length, 0]];
        const dead: number[][] = [];
        const out = models.reduce<readonly number[]>((records, model, i) => {
          const made = model(records);
          counts.push([kinds[i] as string, records.length, made.out.length, made.dead.length]);
          dead.push(made.dead);
          return made.out;
        }, epoch);
        return { out, counts, dead };
      });
      const source = batchesOf([linesOf(epochs)]);
      const output = built.reduce<AsyncIterable<Batch>>(
        (before, { call, step }) => guarded(call, step)(inOneProcess ? before : overThePipe(before, cut)),
        source,
      );

      const written: number[] = [];
      let marks = 0;
      let batches = 0;
      let failed: unknown;
      try {
        for await (const { lines, control } of output) {
          written.push(...lines.map((line) => line.record.n as number));
          if (control?.kind === 'end' && control.end.exit === 0) expect(marks).toBe(epochs.length);
          if (control?.kind === 'mark') {
            const of = expected[marks];
            marks++;
            expect(control.mark).toEqual({ to: String(marks), c: of?.counts });
            expect(written).toEqual(expected.slice(0, marks).flatMap(({ out }) => out));
            built.forEach(({ kept, saved }, i) => {
              const dead = expected.slice(0, marks).flatMap((epoch) => epoch.dead[i] ?? []);
              const durable = kept.durable.map(({ record }) => (JSON.parse(record) as { n: number }).n);
              expect(durable.slice(0, dead.length)).toEqual(dead);
              if (kinds[i] === 'sum') expect(saved.slice(0, marks)).toEqual(Array.from({ length: marks }, (_, at) => at + 1));
            });
          }
          if (batches++ === leavesAt) break;
        }
      } catch (error) {
        failed = error;
      }
      if (failed !== undefined) expect((failed as Error).message).toBe('it broke');
      else if (leavesAt === undefined) expect(marks).toBe(epochs.length);
    }),
    { seed: 21, numRuns: 400 },
  );
});

test('a commit comes behind everything: the letters, the records, and the sink that found them too late', async () => {
  await fc.assert(
    fc.asyncProperty(pipes, async ({ epochs, cut, breaksAt }) => {
      const fuse = new Fuse(breaksAt);
      const kept = new Kept(fuse);
      const now = new Date(0);
      const document = begun(newDocument('a', now), 's', 'r', now);
      const commits: Commit[] = [];
      const safe: number[] = [];
      let pending: number[] = [];
      const context = testContext({
        openCheckpoints: () =>
          ({
            claim: async (claim: typeof begin, sink: string) => void claimed(document, claim, sink, now),
            commit: async (commit: Commit) => {
              const upTo = epochs.slice(0, commit.commit).flat();
              // Everything of these epochs is delivered or kept by now.
              const letters = kept.durable.map(({ record }) => (JSON.parse(record) as { n: number }).n);
              expect([...safe, ...letters].sort()).toEqual(expect.arrayContaining([...upTo].sort()));
              expect(safe.length + letters.length).toBeGreaterThanOrEqual(upTo.length);
              fuse.burn();
              commits.push(commit);
            },
          }) as never,
      });
      const rejects = new Rejects('put-test', kept, () => new Date(0));
      const call: Call = { name: 'put-test', args: [], options: {}, context, entries: [], rejects };
      const sink = {
        id: 'test',
        write(batch: Batch) {
          fuse.burn();
          for (const line of batch.lines) {
            const n = line.record.n as number;
            // Some it refuses at once, some only when it asks the other side, with the flush.
            if (n % 5 === 0) rejects.line(line, 'a five');
            else pending.push(n);
          }
        },
        async flush(_: Epoch | undefined) {
          fuse.burn();
          for (const n of pending) {
            if (n % 7 === 0)
              rejects.raw({ reason: 'a seven', number: 0, sha256: '', head: Buffer.from(`{"n":${n}}`), length: 1 });
            else safe.push(n);
          }
          pending = [];
        },
        async close() {},
      };
      let failed: unknown;
      try {
        const input = overThePipe(batchesOf([linesOf(epochs)]), cut);
        for await (const _ of guarded(call, deliver(call, sink))(input)) throw new Error('a sink puts nothing out');
      } catch (error) {
        failed = error;
      }
      if (failed !== undefined) expect((failed as Error).message).toBe('it broke');
      else expect(commits.length).toBe(epochs.length);
      commits.forEach((commit, i) => {
        const epoch = epochs[i] ?? [];
        const dead = epoch.filter((n) => n % 5 === 0 || n % 7 === 0).length;
        expect(commit).toMatchObject({ commit: i + 1, to: String(i + 1), from: i === 0 ? undefined : String(i) });
        expect(commit.counts.at(-1)).toEqual(['put-test', epoch.length, epoch.length - dead, dead]);
      });
    }),
    { seed: 22, numRuns: 300 },
  );
});
