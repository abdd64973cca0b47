import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Sink } from './delivery.ts';
import { codeOf, explain, Failure } from './errors.ts';
import { Batch, Line } from './lines.ts';
import type { DeadLetter, DeadLetters } from './rejects.ts';

const blockBytes = 64 * 1024;

/** Dead letters as NDJSON in a file, appended, mode 0600. The file is made only when there is something to keep. */
export function keepDeadLetters(path: string): DeadLetters {
  let file: number | undefined;
  let pending = '';

  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      const reason = explain(Object.assign(error as Error, { path }));
      throw new Failure('failed', `a dead letter could not be kept: ${reason}`, undefined, error);
    }
  };
  const write = () => {
    if (pending === '') return;
    attempt(() => {
      file ??= openToAppend(path);
      const bytes = Buffer.from(pending);
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    });
    pending = '';
  };
  return {
    write(letter: DeadLetter) {
      pending += `${JSON.stringify(letter)}\n`;
      if (pending.length >= blockBytes) write();
    },
    async flush() {
      write();
      const written = file;
      if (written !== undefined) attempt(() => sync(written));
    },
    async close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** Dead letters as the records of a sink, as a stream is: it is opened when there is something to keep. */
export function keepInSink(open: () => Promise<Sink>): DeadLetters {
  let sink: Sink | undefined;
  let pending: Line[] = [];
  return {
    write(letter: DeadLetter) {
      pending.push(Line.of({ ...letter }));
    },
    async flush() {
      if (pending.length === 0) return;
      sink ??= await open();
      const lines = pending;
      pending = [];
      try {
        await sink.write(Batch.ofLines(lines));
        await sink.flush();
      } catch (error) {
        pending = [...lines, ...pending];
        throw error;
      }
    },
    async close() {
      await sink?.close();
    },
  };
}

/** Opens for appending: a new file's name is made durable, and a line that a full disk has cut is closed. */
function openToAppend(path: string): number {
  const file = openSync(path, 'a+', 0o600);
  const kind = fstatSync(file);
  if (!kind.isFile()) return file;
  if (kind.size === 0) {
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } else {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, kind.size - 1);
    if (last[0] !== 0x0a) writeSync(file, '\n');
  }
  return file;
}

/** A pipe, or a terminal, has nothing to sync: fsync(2) says EINVAL. */
function sync(file: number): void {
  try {
    fsyncSync(file);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  }
}
