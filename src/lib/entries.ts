import type { Entry } from './command.ts';

/** `produce stripe -e`: the longest words that name a command, and the rest. */
export function findEntry(
  words: readonly string[],
  entries: readonly Entry[],
): { entry: Entry; rest: readonly string[] } | undefined {
  const found = entries
    .filter(({ words: name }) => name.split(' ').every((word, i) => words[i] === word))
    .sort((a, b) => b.words.length - a.words.length)[0];
  return found && { entry: found, rest: words.slice(found.words.split(' ').length) };
}
