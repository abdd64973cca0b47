import type { Call } from '../command.ts';
import type { Source } from '../sources.ts';
import { siftBatch } from '../steps.ts';
import { type Dedupe, Repeats } from './step.ts';

/** A source that gives each identity once. What it has seen is saved beside what the source itself saves. */
export function withoutRepeats(call: Call, source: Source, how: Dedupe): Source {
  const repeats = new Repeats(call, `${call.name} --dedupe`, how);
  return {
    name: source.name,
    async begin(begin) {
      await source.begin?.(begin);
      await repeats.begin(begin);
    },
    async *read(from) {
      for await (const piece of source.read(from)) {
        const batch = siftBatch(call, piece.batch, repeats);
        await repeats.settle();
        yield { ...piece, batch };
      }
    },
    async save(commit) {
      await source.save?.(commit);
      await repeats.save(commit);
    },
    async close() {
      await source.close?.();
      await repeats.close();
    },
  };
}
