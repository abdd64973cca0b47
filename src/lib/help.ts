import type { AnyCommand, Argument, Command, Entry } from './command.ts';
import { everywhere, type Option, type Options } from './options.ts';

/** The first screen: every command in one line each. */
export function overview(entries: readonly Entry[]): string {
  const width = Math.max(...entries.map(({ words }) => words.length));
  const rows = entries.map(({ words, summary }) => `  ${words.padEnd(width)}  ${summary}`);
  return `usage: buda COMMAND [ARGUMENTS] [OPTIONS]

Pipeline steps for data engineers: each reads and writes a JSON object a line.

${rows.join('\n')}

  buda COMMAND -h    a command's arguments, options and examples
  buda --version     the version
  man buda           the idea, the wire, marks, exit status, environment
`;
}

/** One command's help: usage, what it does, arguments, options, examples. */
export function helpOf(entry: Pick<Entry, 'words' | 'summary'>, command: AnyCommand): string {
  const sections = [
    `usage: ${usageOf(entry.words, command)}\n\n${wrap(capital(entry.summary), 78)}.\n\n${wrap(command.description, 78)}`,
  ];
  const args = (command.args ?? []).map(({ name, summary }) => [name, summary] as const);
  if (args.length > 0) sections.push(`Arguments:\n${rowsOf(args)}`);
  sections.push(
    `Options:\n${rowsOf([...Object.values(command.options as Options), ...Object.values(everywhere)].map((option) => [option.flags, describe(option)] as const))}`,
  );
  sections.push(
    `Examples:\n${command.examples.map(({ run, shows }) => `  # ${shows}\n  ${run.replaceAll('\n', '\n  ')}`).join('\n\n')}`,
  );
  return `${sections.join('\n\n')}\n`;
}

/** `buda put-table NAME [OPTIONS]` */
export function usageOf(words: string, { args }: Pick<Command, 'args'>): string {
  return ['buda', words, ...(args ?? []).map(argumentOf), '[OPTIONS]'].join(' ');
}

function argumentOf({ name, optional, many }: Argument): string {
  const shown = `${name}${many === true ? '...' : ''}`;
  return optional === true ? `[${shown}]` : shown;
}

/** What an option does, with its default and the words it takes. */
export function describe(option: Option<unknown>): string {
  const notes: string[] = [];
  if (option.choices !== undefined) notes.push(`one of ${option.choices.join(', ')}`);
  const shown =
    option.shownFallback ??
    (typeof option.fallback === 'string' || typeof option.fallback === 'number' ? String(option.fallback) : undefined);
  if (shown !== undefined) notes.push(`default ${shown}`);
  return notes.length === 0 ? option.summary : `${option.summary} (${notes.join('; ')})`;
}

/** A text with its first letter large, to begin a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const column = 26;

function rowsOf(rows: readonly (readonly [string, string])[]): string {
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
