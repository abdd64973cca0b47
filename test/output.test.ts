import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { writeOutput } from '../src/lib/call.ts';
import { Failure } from '../src/lib/errors.ts';
import { Batch, writeBatch } from '../src/lib/lines.ts';
import { seeded } from './mrr/replay.ts';
import { testContext } from './support/context.ts';

/** A reader that takes what is written so much later; behind so many bytes it is gone. */
class Reader {
  readonly isTerminal = false;
  readonly columns = 80;
  readonly #delay: () => number;
  readonly #mostBytes: number;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #givenBytes = 0;
  text = '';
  writes = 0;

  constructor(delay: () => number, mostBytes = Number.POSITIVE_INFINITY) {
    this.#delay = delay;
    this.#mostBytes = mostBytes;
  }

  get isBehind(): boolean {
    return this.#waiting > 0;
  }

  write(bytes: Buffer | string): Promise<void> {
    this.writes++;
    this.#waiting++;
    this.#givenBytes += bytes.length;
    const isGone = this.#givenBytes > this.#mostBytes;
    this.#turn = this.#turn.then(async () => {
      const ms = this.#delay();
      if (ms > 0) await sleep(ms);
      this.#waiting--;
      if (isGone) throw new Failure('readerGone', 'the reader went away');
      this.text += String(bytes);
    });
    return this.#turn;
  }
}

const records = (count: number, length: number) =>
  Batch.ofBytes(Buffer.from(`{"a":"${'x'.repeat(length)}"}\n`.repeat(count)), count);
const mark = (to: string) => Batch.ofControl({ kind: 'mark', mark: { to, c: [['x', 0, 0, 0]] } });

describe('what a step gives goes to stdout', () => {
  test('in its order, and all of it before what comes behind a mark is made', async () => {
    const random = seeded(31);
    for (let round = 0; round < 60; round++) {
      const reader = new Reader(() => Math.floor(random() * 4));
      let expected = '';
      async function* step() {
        for (let n = 0; n < 40; n++) {
          const kind = random();
          const batch = kind < 0.2 ? mark(`${n}`) : records(Math.floor(random() * 3), kind < 0.6 ? 100 : 40_000);
          if (batch.count > 0 || batch.control !== undefined) expected += writeBatch(batch).toString();
          yield batch;
          if (batch.control !== undefined) expect(reader.text).toBe(expected);
          if (random() < 0.2) await sleep(random() * 4);
        }
      }
      expect(await writeOutput(testContext({ stdout: reader }), step())).toBe(0);
      expect(reader.text).toBe(expected);
    }
  });

  test('in few pieces where there is little of it, and soon', async () => {
    const reader = new Reader(() => 0);
    let later = '';
    async function* step() {
      for (let n = 0; n < 1000; n++) yield records(1, 50);
      await sleep(100);
      later = reader.text;
      yield records(1, 50);
    }
    await writeOutput(testContext({ stdout: reader }), step());
    expect(later.length).toBe(1000 * 59);
    expect(reader.text.length).toBe(1001 * 59);
    expect(reader.writes).toBeLessThan(50);
  });

  test('also where the step fails behind it', async () => {
    const reader = new Reader(() => 1);
    async function* step() {
      yield records(1, 50);
      throw new Failure('badData', 'no');
    }
    await expect(writeOutput(testContext({ stdout: reader }), step())).rejects.toMatchObject({ exit: 65 });
    expect(reader.text.length).toBe(59);
  });

  test('until the reader goes: a step that waits is called back, and that it was stopped is not said', async () => {
    for (const length of [50, 40_000]) {
      const reader = new Reader(() => 5, 10);
      const stop = new AbortController();
      async function* step() {
        yield records(1, length);
        await sleep(20_000, undefined, { signal: stop.signal }).catch(() => {});
        throw new Failure('incomplete', 'stopped in the middle');
      }
      const context = testContext({ stdout: reader, leave: () => stop.abort() });
      await expect(writeOutput(context, step())).rejects.toMatchObject({ exit: 141 });
    }
  });
});
