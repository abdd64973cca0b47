import type { AnyCommand, Argument, Command, Entry } from './command.ts';
import { exits } from './errors.ts';
import { everywhere, type Option, type Options } from './options.ts';

/** The first screen: every command in one line each. */
export function overview(entries: readonly Entry[]): string {
  const ends = Object.values(exits).map(({ code, means }) => [String(code), means] as const);
  return `usage: buda COMMAND [OPTIONS] [ARGUMENTS]

Pipeline steps for data engineers: each reads and writes a JSON object a line.

Commands:
${listOf(entries)}

Exit status:
${rowsOf([['0', 'delivered and, under an app, committed'], ...ends], 7)}

  buda COMMAND -h    a command's arguments, options and examples
  buda --version     the version
  man buda           the idea, the wire, marks, environment, files
`;
}

/** What begins with one word: `buda state -h`. */
export function groupHelp(word: string, group: readonly Entry[]): string {
  return `usage: buda ${word} COMMAND [OPTIONS] [ARGUMENTS]

Commands:
${listOf(group)}

  buda ${word} COMMAND -h    a command's arguments, options and examples
`;
}

function listOf(entries: readonly Entry[]): string {
  const width = Math.max(...entries.map(({ words }) => words.length));
  return rowsOf(
    entries.map(({ words, summary }) => [words, summary] as const),
    width + 4,
  );
}

/** One command's help: usage, what it does, arguments, options, examples; and what else begins with its words. */
export function helpOf(entry: Pick<Entry, 'words' | 'summary'>, command: AnyCommand, entries: readonly Entry[] = []): string {
  const sections = [
    `usage: ${usageOf(entry.words, command)}\n\n${wrap(capital(entry.summary), 78)}.\n\n${wrap(command.description, 78)}`,
  ];
  const args = (command.args ?? []).map((argument) => [argument.name, noted(argument.summary, argument.choices)] as const);
  if (args.length > 0) sections.push(`Arguments:\n${rowsOf(args)}`);
  sections.push(`Options:\n${rowsOf(optionsOf(command).map((option) => [option.flags, describe(option)] as const))}`);
  sections.push(
    `Examples:\n${command.examples.map(({ run, shows }) => `  # ${shows}\n  ${run.replaceAll('\n', '\n  ')}`).join('\n\n')}`,
  );
  const others = entries.filter(({ words }) => words.startsWith(`${entry.words} `));
  if (others.length > 0) sections.push(`Commands that begin so:\n${listOf(others)}`);
  return `${sections.join('\n\n')}\n`;
}

/** A command's own options, then those of every command. */
export function optionsOf(command: AnyCommand): readonly Option<unknown>[] {
  return Object.values({ ...(command.options as Options), ...everywhere });
}

/** `buda put-table [OPTIONS] NAME` */
export function usageOf(words: string, { args }: Pick<Command, 'args'>): string {
  return ['buda', words, '[OPTIONS]', ...argumentsBehind(words, args).map(argumentOf)].join(' ');
}

/** A command's arguments without the one that is a part of its name, as FILE is of `transform FILE`. */
export function argumentsBehind(words: string, args: readonly Argument[] = []): readonly Argument[] {
  return args.filter(({ name }) => !words.endsWith(` ${name}`));
}

function argumentOf({ name, optional, many }: Argument): string {
  const shown = `${name}${many === true ? '...' : ''}`;
  return optional === true ? `[${shown}]` : shown;
}

/** What an option does, with its default and the words it takes. */
export function describe(option: Option<unknown>): string {
  const shown =
    option.shownFallback ??
    (typeof option.fallback === 'string' || typeof option.fallback === 'number' ? String(option.fallback) : undefined);
  return noted(option.summary, option.choices, shown);
}

/** A summary with the words that are taken, and the one that is meant where none is given, in brackets. */
export function noted(summary: string, choices?: readonly string[], fallback?: string): string {
  const notes: string[] = [];
  if (choices !== undefined) notes.push(`one of ${choices.join(', ')}`);
  if (fallback !== undefined) notes.push(`default ${fallback}`);
  return notes.length === 0 ? summary : `${summary} (${notes.join('; ')})`;
}

/** A text with its first letter large, to begin a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Two columns; the second begins at `column`, and the whole is 78 wide. */
function rowsOf(rows: readonly (readonly [string, string])[], column = 26): string {
  return rows
    .map(([name, text]) => {
      const body = wrap(text, 78 - column).replaceAll('\n', `\n${' '.repeat(column)}`);
      const head = `  ${name}`;
      return head.length < column - 1 ? `${head.padEnd(column)}${body}` : `${head}\n${' '.repeat(column)}${body}`;
    })
    .join('\n');
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.join('\n');
}
