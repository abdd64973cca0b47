import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Call } from '../command.ts';
import { Failure } from '../errors.ts';
import { Batch } from '../lines.ts';
import type { Piece, Source } from '../sources.ts';
import type { Cuts } from '../stream/epochs.ts';
import { type Cut, DumpCutter, type DumpPlace } from './cutter.ts';
import { openText, type Text } from './text.ts';

/**
 * Reads a dump of events, a file or stdin (`-`). A file is a source by its path; what comes through stdin is one by its beginning, so that the
 * same dump is known again and another may follow it under the same app.
 */
export async function openDump(call: Call, name: string, cuts: Cuts, count: number | undefined): Promise<Source> {
  const text = await openText(name, call.context.stdin);
  return new DumpSource(call, name === '-' ? `stdin:${fingerprintOf(text.head).slice(0, 8)}` : resolve(name), text, cuts, count);
}

class DumpSource implements Source {
  readonly name: string;
  readonly #call: Call;
  readonly #where: string;
  readonly #text: Text;
  readonly #cuts: Cuts;
  readonly #count: number;

  constructor(call: Call, where: string, text: Text, cuts: Cuts, count: number | undefined) {
    this.name = `stripe:${where}`;
    this.#call = call;
    this.#where = where;
    this.#text = text;
    this.#cuts = cuts;
    this.#count = count ?? Number.POSITIVE_INFINITY;
  }

  async *read(from: Readonly<Record<string, string>>): AsyncGenerator<Piece> {
    const { context, rejects, options } = this.#call;
    const { app, maxLine: maxLineBytes } = options as { app?: string; maxLine: number };
    const place = this.#placeOf(from['']);
    const limit = this.#count;
    const cutter = new DumpCutter(place, { ...this.#cuts, limit, maxLineBytes, reject: (rejected) => rejects.raw(rejected) });
    let left = limit;
    let last = place;
    for await (const cut of untilStopped(cutAll(this.#text.from(place.byte), cutter), context.stopped)) {
      const batch = Batch.ofBytes(cut.bytes, cut.count);
      // A page of a list may hold more than is wanted; under an app it cannot be parted.
      const wanted = cut.count > left && app === undefined ? Batch.ofLines(batch.lines.slice(0, left)) : batch;
      left -= cut.count;
      yield { batch: wanted, ...(cut.isFull ? { to: this.#format(cut.to) } : {}) };
      last = cut.to;
      if (left <= 0) return;
    }
    yield { batch: Batch.ofLines([]), to: this.#format(context.stopped.aborted ? last : cutter.place) };
  }

  /** As text: `byte 8388608 line 41002 of 4096:5e884898da280471`, the last being the length and the hash of the text's beginning. */
  #format({ byte, line }: DumpPlace): string {
    const { head } = this.#text;
    return `byte ${byte} line ${line} of ${head.length}:${fingerprintOf(head)}`;
  }

  #placeOf(text: string | undefined): DumpPlace {
    if (text === undefined) return { byte: 0, line: 0 };
    const match = /^byte (\d+) line (\d+) of (\d+):([0-9a-f]{16})$/.exec(text);
    if (match === null) {
      throw new Failure(
        'badData',
        `the checkpoint of ${this.#where} is no position: ${text}`,
        'put it right with buda state set',
      );
    }
    const [byte, line, length] = match.slice(1, 4).map(Number) as [number, number, number];
    const { head } = this.#text;
    if (head.length < length || fingerprintOf(head.subarray(0, length)) !== match[4]) {
      throw new Failure(
        'badData',
        `${this.#where} is not the dump that this app has read up to byte ${byte}: it begins otherwise`,
        'put the dump back, or read this one under another name or --app',
      );
    }
    return { byte, line };
  }
}

function fingerprintOf(head: Buffer): string {
  return createHash('sha256').update(head).digest('hex').slice(0, 16);
}

async function* cutAll(chunks: AsyncIterable<Buffer>, cutter: DumpCutter): AsyncGenerator<Cut> {
  for await (const chunk of chunks) yield* cutter.cut(chunk);
  yield* cutter.finish();
}

/** Passes on until told to stop, even while the other side is silent. */
async function* untilStopped<T>(values: AsyncIterable<T>, stopped: AbortSignal): AsyncGenerator<T> {
  const reader = values[Symbol.asyncIterator]();
  // Anew for each value: a promise that lasts would keep every value that was raced against it.
  let stop = () => {};
  const onStop = () => stop();
  stopped.addEventListener('abort', onStop, { once: true });
  try {
    while (!stopped.aborted) {
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        reader.next().then(resolve, reject);
      });
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    stopped.removeEventListener('abort', onStop);
    void reader.return?.();
  }
}
