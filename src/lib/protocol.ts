import { exitOf, explain, Failure } from './errors.ts';
import { Batch } from './lines.ts';
import type { Begin } from './marks.ts';
import type { Step } from './steps.ts';

const eaten = 'a filter between the two steps does not know marks: put it inside `buda each -- FILTER`, which keeps them';
const moved =
  'give each pipe its own sink, or join them at a stream; a filter that moves lines belongs inside `buda each -- FILTER`';

/**
 * Passes on what a step may rely on: begin comes first and once, each epoch holds as many lines as the step before says it wrote,
 * and the end is the last line. Anything else is a Failure: 75 where the step before died, 78 where marks or records were eaten.
 */
export async function* checkProtocol(input: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  let begin: Begin | undefined;
  let ended = false;
  let seen = 0;
  for await (const batch of input) {
    if (ended)
      throw new Failure(
        'misconfigured',
        'there are lines after buda.end: two pipes were joined into one, or lines were moved',
        moved,
      );
    const lines = batch.count + batch.rejected;
    const control = batch.control;
    // A source that could not begin says why, and nothing else.
    const isFailure = control?.kind === 'end' && control.end.exit !== 0 && seen + lines === 0;
    if (begin === undefined && (control?.kind === 'mark' || control?.kind === 'end') && !isFailure) {
      throw new Failure('misconfigured', `a buda.${control.kind} comes before any buda.begin`, eaten);
    }
    if (control?.kind === 'begin') {
      if (begin !== undefined)
        throw new Failure('misconfigured', 'a second buda.begin: two pipes were joined into one, or lines were moved', moved);
      if (seen + lines > 0)
        throw new Failure('misconfigured', 'records come before buda.begin', 'begin the pipe with its source');
      begin = control.begin;
    }
    seen += lines;
    if (control?.kind === 'mark') {
      const last = control.mark.c.at(-1);
      if (last !== undefined && last[2] !== seen) {
        throw new Failure(
          'misconfigured',
          `counters differ: ${last[0]} wrote ${last[2]} records before the mark ${control.mark.to}, ${seen} came`,
          eaten,
        );
      }
      seen = 0;
    }
    if (control?.kind === 'end') {
      if (seen > 0 && control.end.exit === 0) {
        throw new Failure(
          'misconfigured',
          `marks were eaten: ${seen} records came after the last mark, and then a clean end`,
          eaten,
        );
      }
      ended = true;
    }
    yield batch;
  }
  if (begin !== undefined && !ended) {
    throw new Failure(
      'incomplete',
      'the input ended without buda.end: the step before died',
      'run the pipe again: nothing after the last mark was committed',
    );
  }
}

/** The end of a pipe that failed: the exit code, and the reason. */
export function lastWord(error: unknown): Batch {
  return Batch.ofControl({ kind: 'end', end: { exit: exitOf(error), why: explain(error) } });
}

/**
 * Gives a step the last word that its failure deserves: under marks it ends with `buda.end`, the exit code and the reason,
 * so that the last step of the pipe can commit what was marked and exit with that code. `onFailure` is told first.
 */
export function withLastWord(step: Step, onFailure?: (error: unknown) => void): Step {
  return async function* (input) {
    let marked = false;
    try {
      for await (const batch of step(input)) {
        if (batch.control?.kind === 'begin') marked = true;
        if (batch.control?.kind === 'end') marked = false;
        yield batch;
      }
    } catch (error) {
      onFailure?.(error);
      if (marked) yield lastWord(error);
      throw error;
    }
  };
}
