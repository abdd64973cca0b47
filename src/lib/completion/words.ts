import type { Argument, Entry } from '../command.ts';
import { isArgument } from '../entries.ts';
import { optionsOf } from '../help.ts';
import { flagOf } from '../options.ts';

/** How a value is completed: by these words, by the names of files, or not at all. */
export type Values = readonly string[] | 'files' | 'none';

/** An option as a shell completes it; `long` and `short` have their dashes. */
export interface KnownOption {
  long: string;
  short: string | undefined;
  summary: string;
  /** The value's name, where the option takes one. */
  takes: string | undefined;
  /** May be given again. */
  many: boolean;
  values: Values;
}

/** An argument as a shell completes it; one that is `many` takes all words that follow. */
export interface KnownArgument {
  name: string;
  many: boolean;
  values: Values;
}

/** A command as it is typed (`state list`), and what it takes: the arguments in their order. */
export interface KnownCommand {
  words: string;
  options: readonly KnownOption[];
  args: readonly KnownArgument[];
}

/** What a shell has to know: the words that may come next after each beginning (`''`, `state`), and what each command takes. */
export interface WordTree {
  next: ReadonlyMap<string, readonly { word: string; summary: string }[]>;
  commands: readonly KnownCommand[];
}

/** Loads every command and gathers what can be typed. */
export async function wordTree(entries: readonly Entry[]): Promise<WordTree> {
  const next = new Map<string, { word: string; summary: string }[]>([['', []]]);
  const commands: KnownCommand[] = [];
  for (const { words, summary, load } of entries) {
    // FILE of `transform FILE` is an argument: what is typed before it is the command.
    const parts = words.split(' ').filter((word) => !isArgument(word));
    parts.forEach((word, i) => {
      const path = parts.slice(0, i).join(' ');
      const known = next.get(path) ?? [];
      const isWhole = parts.slice(0, i + 1).join(' ') === words;
      if (!known.some((one) => one.word === word)) known.push({ word, summary: isWhole ? summary : `${word} …` });
      next.set(path, known);
    });
    const command = (await load()).default;
    commands.push({
      words: parts.join(' '),
      args: (command.args ?? []).map((argument: Argument) => ({
        name: argument.name,
        many: argument.many === true,
        values: valuesOf(argument.name, argument.choices),
      })),
      options: optionsOf(command).map(({ flags, summary, choices, many }) => {
        const takes = /<([^>]+)>/.exec(flags)?.[1];
        return {
          long: flagOf(flags),
          short: /^(-\w),/.exec(flags)?.[1],
          summary,
          takes,
          many: many === true,
          values: valuesOf(takes ?? '', choices),
        };
      }),
    });
  }
  for (const [path, words] of next) {
    for (const one of words) {
      const below = next.get(path === '' ? one.word : `${path} ${one.word}`);
      if (below !== undefined && one.summary.endsWith('…')) one.summary = below.map(({ word }) => word).join(', ');
    }
  }
  return { next, commands };
}

function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  return choices ?? (/^(FILE|DIR)\b/.test(name) ? 'files' : 'none');
}
