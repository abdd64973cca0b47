import { Failure } from '../errors.ts';

/** What a shell would make of a character that stands outside quotes, and what to do instead: here it has no meaning. */
const shellOnly: Record<string, readonly [means: string, remedy: string]> = {
  '>': ['a redirection', 'send the output of `buda run` itself to a file: buda run … > FILE'],
  '<': ['a redirection', 'give `buda run` itself the file: buda run … < FILE'],
  ';': ['a second command', 'call `buda run` once for each pipeline'],
  '&': ['a second command, or one in the background', 'call `buda run` once for each pipeline'],
  '(': ['a subshell', 'put the word in quotes, if it is meant as it stands'],
  ')': ['a subshell', 'put the word in quotes, if it is meant as it stands'],
  '`': ['a substitution', 'let the shell that calls `buda run` fill it in, or put it in single quotes'],
  $: ['a variable or a substitution', 'let the shell that calls `buda run` fill it in, or put it in single quotes'],
  '*': ['a pattern of file names', 'put the word in quotes, or name the files'],
  '?': ['a pattern of file names', 'put the word in quotes, or name the files'],
  '[': ['a pattern of file names', 'put the word in quotes, or name the files'],
  '{': ['a brace expansion', 'put the word in quotes'],
  '}': ['a brace expansion', 'put the word in quotes'],
};
/** The same, but only where a word begins. */
const shellOnlyFirst: Record<string, readonly [means: string, remedy: string]> = {
  '~': ["somebody's home folder", 'write the folder out'],
  '#': ['a comment', 'put the word in quotes'],
};
const blanks = /[ \t\r]/;

/**
 * Reads `A | B | C` into the words of each command, by the quoting rules of sh(1): '…' as it stands, "…" with \ before " and \,
 * and \ before any other character. Of the shell's other features there is none: what would be one is refused (2) by name.
 */
export function splitPipeline(text: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let isAssignment = false;
  const endWord = () => {
    const command = commands.at(-1) as string[];
    if (word === undefined) return;
    if (command.length === 0 && isAssignment) {
      throw refused(`${word.slice(0, word.indexOf('='))}=…`, 'the setting of a variable', 'set it before: NAME=VALUE buda run …');
    }
    command.push(word);
    word = undefined;
    isAssignment = false;
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    const known = shellOnly[character] ?? (word === undefined ? shellOnlyFirst[character] : undefined);
    if (known !== undefined) throw refused(character, ...known);
    if (blanks.test(character)) endWord();
    else if (character === '\n') {
      endWord();
      const isInside = (commands.at(-1) as string[]).length > 0 && !/^\s*(\||$)/.test(text.slice(i));
      if (isInside) throw refused('a line end', 'a second command', 'join the steps with |');
    } else if (character === '|') {
      endWord();
      if (text[i + 1] === '|') throw refused('||', 'a command for the case of failure', 'look at the exit code of `buda run`');
      commands.push([]);
    } else if (character === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) throw new Failure('usage', "a quote ' is not closed", 'close it');
      word = (word ?? '') + text.slice(i + 1, end);
      i = end;
    } else if (character === '"') {
      const quoted = readDoubleQuoted(text, i);
      word = (word ?? '') + quoted.text;
      i = quoted.end;
    } else if (character === '\\') {
      const next = text[++i];
      if (next === undefined) throw new Failure('usage', 'a \\ stands at the end', 'double it, or take it away');
      if (next !== '\n') word = (word ?? '') + next;
    } else {
      if (character === '=' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(word ?? '')) isAssignment = true;
      word = (word ?? '') + character;
    }
  }
  endWord();
  if (commands.some((command) => command.length === 0)) {
    const message = commands.length === 1 ? 'the pipeline is empty' : 'a step is missing before or after |';
    throw new Failure('usage', message, "write it as: buda run 'A | B | C'");
  }
  return commands;
}

function readDoubleQuoted(text: string, start: number): { text: string; end: number } {
  let quoted = '';
  for (let i = start + 1; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') return { text: quoted, end: i };
    if (character === '$' || character === '`') throw refused(character, ...(shellOnly[character] as readonly [string, string]));
    if (character !== '\\') {
      quoted += character;
      continue;
    }
    const next = text[++i] ?? '';
    if ('"\\$`'.includes(next)) quoted += next;
    else if (next !== '\n') quoted += `\\${next}`;
  }
  throw new Failure('usage', 'a quote " is not closed', 'close it');
}

function refused(what: string, means: string, remedy: string): Failure {
  return new Failure('usage', `${what} is for a shell (${means}); here there are words, quotes, \\ and | only`, remedy);
}
