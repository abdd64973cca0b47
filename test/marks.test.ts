import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AppState, Checkpoints, Commit } from '../src/lib/checkpoints.ts';
import type { Call } from '../src/lib/command.ts';
import { deliver, type Epoch, type Sink } from '../src/lib/delivery.ts';
import { Failure } from '../src/lib/errors.ts';
import { BadLine, type Batch } from '../src/lib/lines.ts';
import { formatControl, parseControl } from '../src/lib/marks.ts';
import { checkProtocol, withLastWord } from '../src/lib/protocol.ts';
import { produce } from '../src/lib/sources.ts';
import { begun, claimed, newDocument } from '../src/lib/state/document.ts';
import { each, held, type Step } from '../src/lib/steps.ts';
import { batchesOf, testCall, testContext, textOf } from './support/context.ts';

const begin = { app: 'a', source: 's', run: 'r', term: 1, at: 4, from: { '': '0' } };
const beginLine = formatControl({ kind: 'begin', begin });
const markLine = (to: string, count: number) => formatControl({ kind: 'mark', mark: { to, c: [['s', 0, count, 0]] } });
const endLine = '["buda.end",1,{"exit":0}]';

/** A state store in memory that has one app, at the begin above; every commit is kept. */
function memory(commits: Commit[], events: string[] = [], unseen = 0): Checkpoints {
  const refuse = () => {
    throw new Error('not used here');
  };
  const now = new Date(0);
  const known: AppState = { ...begun({ ...newDocument('a', now), commits: 4 }, 's', 'r', now) };
  return {
    start: async () => ({ begin, unseen, end: async () => void events.push('end') }),
    claim: async (claim, sink) => {
      if (claim.app !== 'a') throw new Failure('misconfigured', 'unknown');
      claimed(known, claim, sink, now);
    },
    commit: async (commit) => {
      commits.push(commit);
      events.push(`commit ${commit.to}`);
    },
    read: async (app) => (app === 'a' ? known : undefined),
    list: refuse,
    set: refuse,
    remove: refuse,
    saved: refuse,
  };
}

describe('the wire', () => {
  test('what is written is read back', () => {
    for (const line of [
      beginLine,
      markLine('x', 3),
      endLine,
      '["buda.mark",1,{"shard":"1","to":"x","c":[]}]',
      '["buda.end",1,{"exit":77,"why":"no"}]',
    ]) {
      const control = parseControl(line);
      expect(control && formatControl(control)).toBe(line);
    }
  });

  test.each([
    '[]',
    '["buda.mark",1]',
    '["buda.mark",1,{"to":5,"c":[]}]',
    '["buda.begin",1,{"app":"../etc","source":"s","run":"r","term":1,"at":0,"from":{}}]',
    '["buda.end",1,{"exit":-1}]',
    '["buda.mark",1,{"to":"x","c":[["s",1,2]]}]',
    '[['.repeat(5000),
  ])('%.60s is no mark', (line) => expect(parseControl(line)).toBeUndefined());
});

describe('what a step may rely on', () => {
  const check = (lines: readonly string[]) => textOf(checkProtocol(batchesOf([`${lines.join('\n')}\n`])));
  test('a good pipe passes as it is', async () => {
    const lines = [beginLine, '{"n":1}', markLine('1', 1), markLine('2', 0), endLine];
    expect(await check(lines)).toBe(`${lines.join('\n')}\n`);
  });
  test.each([
    ['no end', [beginLine, '{"n":1}', markLine('1', 1)], 75],
    ['a record lost', [beginLine, markLine('1', 1), endLine], 78],
    ['a record added', [beginLine, '{}', '{}', markLine('1', 1), endLine], 78],
    ['marks eaten', [beginLine, '{}', endLine], 78],
    ['a mark before begin', [markLine('1', 0)], 78],
    ['records before begin', ['{}', beginLine], 78],
    ['two begins', [beginLine, beginLine], 78],
    ['lines after the end', [beginLine, endLine, '{}'], 78],
  ])('%s', async (_, lines, exit) => {
    await expect(check(lines)).rejects.toMatchObject({ exit });
  });
});

/** Gives the batches of a pipe: begin, random records and marks, end; and the records before each mark. */
const pipe = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 5 }), { maxLength: 8 });
function linesOf(epochs: readonly (readonly number[])[]): string {
  const lines = [beginLine];
  epochs.forEach((epoch, i) => {
    lines.push(...epoch.map((n) => `{"n":${n}}`), markLine(String(i + 1), epoch.length));
  });
  lines.push(endLine);
  return lines.map((line) => `${line}\n`).join('');
}
function cutText(text: string, places: readonly number[]): string[] {
  const sorted = places.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((place, i) => text.slice(place, sorted[i] ?? text.length));
}

describe('the rule of marks', () => {
  const drop: (call: Call) => Step = (call) =>
    each(call, (line) => {
      const n = line.record.n as number;
      if (n % 7 === 3) throw new BadLine('a three');
      return n % 5 === 0 ? undefined : n % 2 === 0 ? line : [{ n }, { n: n + 1000 }];
    });
  const outOf = (epoch: readonly number[]) =>
    epoch.flatMap((n) => (n % 7 === 3 || n % 5 === 0 ? [] : n % 2 === 0 ? [n] : [n, n + 1000]));

  test('each: every mark goes on, behind all that its records came to, with counters that add up', async () => {
    await fc.assert(
      fc.asyncProperty(pipe, fc.array(fc.nat(), { maxLength: 8 }), async (epochs, places) => {
        const { call, letters } = testCall('transform x', {}, testContext(), [], true);
        const text = await textOf(checkProtocol(drop(call)(checkProtocol(batchesOf(cutText(linesOf(epochs), places))))));
        const lines = text.trimEnd().split('\n');
        const expected = [beginLine];
        epochs.forEach((epoch, i) => {
          const out = outOf(epoch);
          const dead = epoch.filter((n) => n % 7 === 3).length;
          expected.push(
            ...out.map((n) => `{"n":${n}}`),
            formatControl({
              kind: 'mark',
              mark: {
                to: String(i + 1),
                c: [
                  ['s', 0, epoch.length, 0],
                  ['transform x', epoch.length, out.length, dead],
                ],
              },
            }),
          );
        });
        expect(lines).toEqual([...expected, endLine]);
        expect(letters.length).toBe(epochs.flat().filter((n) => n % 7 === 3).length);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('held: answers are asked for under the number of their commit, and stand before the mark', async () => {
    await fc.assert(
      fc.asyncProperty(pipe, async (epochs) => {
        const log: string[] = [];
        let sum = 0;
        const { call } = testCall('transform sum');
        const step = held(call, {
          add: (line) => void (sum += line.record.n as number),
          flush: async function* (commit) {
            log.push(`save ${commit}`);
            yield { sum };
          },
        });
        for await (const batch of step(batchesOf([linesOf(epochs)]))) {
          if (batch.control?.kind === 'mark') log.push(`mark ${batch.control.mark.to}`);
          else if (batch.count > 0) log.push('out');
        }
        expect(log).toEqual(epochs.flatMap((_, i) => [`save ${5 + i}`, 'out', `mark ${i + 1}`]));
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  test('held without marks answers once, at the end', async () => {
    const { call } = testCall('transform sum');
    let sum = 0;
    const step = held(call, { add: (line) => void (sum += line.record.n as number), flush: () => [{ sum }] });
    expect(await textOf(step(batchesOf(['{"n":1}\n{"n":', '2}\n'])))).toBe('{"sum":3}\n');
  });

  /** A sink whose n-th write or flush fails. */
  function sinkOf(events: string[], failAt: number): Sink & { safe: number[] } {
    let pending: number[] = [];
    let calls = 0;
    const maybeFail = () => {
      if (++calls === failAt) throw new Error('the sink broke');
    };
    return {
      id: 'test',
      safe: [],
      write(batch: Batch) {
        maybeFail();
        pending.push(...batch.lines.map((line) => line.record.n as number));
      },
      async flush(epoch?: Epoch) {
        maybeFail();
        this.safe.push(...pending);
        pending = [];
        events.push(`flush ${epoch?.mark.to}`);
      },
      async close() {
        events.push('close');
      },
    };
  }

  test('deliver: a commit comes only after all before its mark is flushed, in order, whatever breaks', async () => {
    await fc.assert(
      fc.asyncProperty(pipe, fc.nat({ max: 30 }), async (epochs, failAt) => {
        const commits: Commit[] = [];
        const events: string[] = [];
        const context = testContext({ openCheckpoints: () => memory(commits, events) });
        const { call } = testCall('put-test', {}, context);
        const sink = sinkOf(events, failAt);
        let failed = false;
        try {
          for await (const _ of deliver(call, sink)(checkProtocol(batchesOf([linesOf(epochs)]))))
            throw new Error('a sink puts nothing out');
        } catch (error) {
          failed = true;
          expect((error as Error).message).toBe('the sink broke');
        }
        expect(commits.map(({ commit, to }) => [commit, to])).toEqual(commits.map((_, i) => [5 + i, String(i + 1)]));
        expect(sink.safe.slice(0, epochs.slice(0, commits.length).flat().length)).toEqual(epochs.slice(0, commits.length).flat());
        expect(events.at(-1)).toBe('close');
        if (!failed) expect(commits.length).toBe(epochs.length);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  test('deliver speaks for the pipe: what was marked is committed, then the source’s code is its own', async () => {
    const commits: Commit[] = [];
    const { call } = testCall('put-test', {}, testContext({ openCheckpoints: () => memory(commits) }));
    const text = `${beginLine}\n{"n":1}\n${markLine('1', 1)}\n{"n":2}\n["buda.end",1,{"exit":77,"why":"no key"}]\n`;
    await expect(textOf(deliver(call, sinkOf([], 0))(checkProtocol(batchesOf([text]))))).rejects.toMatchObject({
      exit: 77,
      message: 'upstream ended with 77: no key',
    });
    expect(commits.map(({ to }) => to)).toEqual(['1']);
  });

  test.each([
    ['marks are insisted on', { app: 'a' }, '{"n":1}\n', 78],
    ['nothing at all', { app: 'a' }, '', 75],
    ['another app', { app: 'b' }, `${beginLine}\n${endLine}\n`, 78],
    ['an app this store does not know', {}, `${beginLine.replace('"a"', '"zz"')}\n${endLine}\n`, 78],
    ['an older term', {}, `${beginLine.replace('"term":1', '"term":0')}\n${endLine}\n`, 75],
    ['a begin out of an old dump', {}, `${beginLine.replace('"at":4', '"at":2')}\n${endLine}\n`, 65],
  ])('deliver under --app: %s', async (_, options, text, exit) => {
    const { call } = testCall('put-test', options, testContext({ openCheckpoints: () => memory([]) }));
    await expect(textOf(deliver(call, sinkOf([], 0))(checkProtocol(batchesOf([text]))))).rejects.toMatchObject({ exit });
  });

  test('--forward passes marks on and commits nothing', async () => {
    const commits: Commit[] = [];
    const { call } = testCall('put-test', { forward: true }, testContext({ openCheckpoints: () => memory(commits) }));
    const text = await textOf(deliver(call, sinkOf([], 0))(batchesOf([linesOf([[1, 2], [3]])])));
    // No record comes out of a sink: the next step counts what it reads against this.
    expect(text.split('\n')[1]).toBe('["buda.mark",1,{"to":"1","c":[["s",0,2,0],["put-test",2,0,0]]}]');
    expect(await textOf(checkProtocol(batchesOf([text])))).toBe(text);
    expect(commits).toEqual([]);
  });

  test('a sink told alone commits at the next mark and closes its input', async () => {
    const commits: Commit[] = [];
    const context = testContext({ openCheckpoints: () => memory(commits) });
    const { call } = testCall('put-test', {}, context);
    let isClosed = false;
    async function* endless() {
      try {
        yield `${beginLine}\n`;
        for (let i = 1; ; i++) {
          yield `{"n":1}\n${markLine(String(i), 1)}\n`;
          if (i === 3) context.stop();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      } finally {
        isClosed = true;
      }
    }
    async function* chunks() {
      for await (const text of endless()) yield* batchesOf([text]);
    }
    await textOf(deliver(call, sinkOf([], 0))(checkProtocol(chunks())));
    expect(commits.length).toBeGreaterThan(3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isClosed).toBe(true);
  });
});

describe('a source', () => {
  const source = (fail?: Error) => ({
    name: 's',
    async *read() {
      yield* (async function* () {
        for await (const batch of batchesOf(['{"n":1}\n'])) yield { batch, to: '1' };
        for await (const batch of batchesOf(['{"n":2}\n'])) yield { batch };
        if (fail) throw fail;
        for await (const batch of batchesOf(['{"n":3}\n'])) yield { batch, to: '3' };
        for await (const batch of batchesOf(['{"n":3}\n'])) yield { batch: batch.closedBy(undefined), to: '4' };
      })();
    },
  });
  test('without an app it writes records only', async () => {
    expect(await textOf(produce(testCall('produce s').call, source())(batchesOf([])))).toBe(
      '{"n":1}\n{"n":2}\n{"n":3}\n{"n":3}\n',
    );
  });
  test('under an app it writes begin, marks and end, and gives the lock back', async () => {
    const events: string[] = [];
    const { call } = testCall('produce s', { app: 'a' }, testContext({ openCheckpoints: () => memory([], events) }));
    const lines = (await textOf(checkProtocol(produce(call, source())(batchesOf([]))))).trimEnd().split('\n');
    expect(lines.map((line) => parseControl(line)?.kind ?? 'record')).toEqual([
      'begin',
      'record',
      'mark',
      'record',
      'record',
      'mark',
      'record',
      'mark',
      'end',
    ]);
    expect(lines[5]).toBe('["buda.mark",1,{"to":"3","c":[["produce s",0,2,0]]}]');
    expect(events).toEqual(['end']);
  });
  test('its failure is told down the pipe before it is thrown', async () => {
    const { call } = testCall('produce s', { app: 'a' }, testContext({ openCheckpoints: () => memory([]) }));
    const lines: string[] = [];
    await expect(
      (async () => {
        for await (const batch of withLastWord(produce(call, source(new Error('gone'))))(batchesOf([])))
          if (batch.control) lines.push(formatControl(batch.control));
      })(),
    ).rejects.toThrow('gone');
    expect(lines.at(-1)).toBe('["buda.end",1,{"exit":1,"why":"gone"}]');
  });
  test('a name that could leave the state folder is refused', () => {
    expect(() => produce(testCall('produce s', { app: '../x' }).call, source())).toThrow('--app takes');
  });
});
