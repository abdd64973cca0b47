import type { Entry } from './command.ts';

/** `produce stripe -e`: the longest words that name a command, and the rest. A last word in capitals (`transform FILE`) stands for a path, an argument. */
export function findEntry(
  words: readonly string[],
  entries: readonly Entry[],
): { entry: Entry; rest: readonly string[] } | undefined {
  const found = entries
    .filter(({ words: name }) => name.split(' ').every((word, i) => words[i] === word || (isArgument(word) && isPath(words[i]))))
    .sort((a, b) => b.words.length - a.words.length)[0];
  return found && { entry: found, rest: words.slice(found.words.split(' ').filter((word) => !isArgument(word)).length) };
}

/** Whether a word of a command's name is one of its arguments. */
export function isArgument(word: string): boolean {
  return /^[A-Z]+$/.test(word);
}

function isPath(word: string | undefined): boolean {
  return word !== undefined && (/[/\\]/.test(word) || /\.[cm]?[jt]s$/.test(word)) && !word.startsWith('-');
}
