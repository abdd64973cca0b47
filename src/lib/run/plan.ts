import type { AnyCommand, Entry } from '../command.ts';
import { parseWords } from '../commander/parse.ts';
import { findEntry } from '../entries.ts';
import { Failure } from '../errors.ts';
import { suggest } from '../suggest.ts';
import { splitPipeline } from './words.ts';

/** One step of a pipeline, as it would be called. */
export interface PlannedStep {
  /** `transform mrr`: the command's words; `each` for a foreign program. */
  name: string;
  command: AnyCommand;
  args: readonly string[];
  options: Record<string, unknown>;
  /** The words behind the name. */
  words: readonly string[];
}

/** Reads a pipeline (`get-stream x | jq -c . | buda put-stream y`) without starting anything. Throws a Failure (2) that names the word at fault. */
export async function planPipeline(text: string, entries: readonly Entry[]): Promise<PlannedStep[]> {
  const steps: PlannedStep[] = [];
  for (const words of splitPipeline(text)) {
    const step = await planStep(words, entries);
    if (step.command.role === 'source' && steps.length > 0)
      throw new Failure('usage', `${step.name} reads no input: it comes first in a pipeline`);
    steps.push(step);
  }
  return steps;
}

async function planStep(typed: readonly string[], entries: readonly Entry[]): Promise<PlannedStep> {
  const isNamed = typed[0] === 'buda';
  const words = isNamed ? typed.slice(1) : typed;
  const isOurs = isNamed || entries.some((entry) => entry.words.split(' ')[0] === words[0]);
  const found = findEntry(isOurs ? words : ['each', '--', ...words], entries);
  if (found === undefined)
    throw new Failure('usage', `no command ${JSON.stringify(words.slice(0, 2).join(' '))}`, suggest(words, entries));
  const { entry, rest } = found;
  const command = (await entry.load()).default;
  if (command.step === undefined) {
    throw new Failure('usage', `${entry.words} is no step of a pipeline`, `use the shell's: buda run '…' | buda ${entry.words}`);
  }
  const parsed = parseWords(entry.words, command, rest);
  if (parsed.help) throw new Failure('usage', `-h has no place in a pipeline`, `see: buda ${entry.words} -h`);
  return { name: entry.words, command, args: parsed.args, options: parsed.options, words: rest };
}
