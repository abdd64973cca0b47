import type { AnyCommand, Entry } from './command.ts';
import { exits } from './errors.ts';
import { argumentsBehind, capital, describe, noted, optionsOf } from './help.ts';

/** What a page says of the program as a whole. */
export interface Edition {
  /** When this version was made: `2026-11-25`. */
  date: string;
  /** Every command, for the pages to point at each other. */
  entries: readonly Entry[];
}

/** A command's page in mdoc(7), the language of manual pages (https://mandoc.bsd.lv/man/mdoc.7.html), as section 1 holds it. */
export function manPageOf({ words, summary }: Entry, command: AnyCommand, { date, entries }: Edition): string {
  const page = pageName(words);
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const args = command.args ?? [];
  const { 'EXIT STATUS': exitText, ...others } = command.sections ?? {};
  return `${[
    '.\\" Made from the definition of the command; change it there, then: npm run generate',
    `.Dd ${months[month - 1]} ${day}, ${year}`,
    `.Dt ${page.toUpperCase()} 1`,
    '.Os',
    '.Sh NAME',
    `.Nm ${page}`,
    `.Nd ${plain(summary)}`,
    '.Sh SYNOPSIS',
    `.Nm buda ${words}`,
    '.Op Ar OPTIONS',
    ...argumentsBehind(words, args).map(({ name, optional, many }) => {
      const shown = `Ar ${name}${many === true ? ' ...' : ''}`;
      return optional === true ? `.Op ${shown}` : `.${shown}`;
    }),
    '.Sh DESCRIPTION',
    ...bodyOf(command.description),
    ...(args.length === 0
      ? []
      : [
          '.Pp',
          'The arguments are as follows:',
          ...listOf(args.map(({ name, summary, choices }) => [`Ar ${name}`, noted(summary, choices)])),
        ]),
    '.Pp',
    'The options are as follows:',
    ...listOf(optionsOf(command).map((option) => [flagsIn(option.flags), describe(option)])),
    ...Object.entries(others).flatMap(([title, text]) => [`.Sh ${title.toUpperCase()}`, ...bodyOf(text)]),
    '.Sh EXIT STATUS',
    ...(exitText === undefined ? [] : bodyOf(exitText)),
    ...exitList(),
    '.Sh EXAMPLES',
    ...command.examples.flatMap(({ run, shows }, i) => [
      ...(i === 0 ? [] : ['.Pp']),
      ...sentences(`${capital(shows)}:`),
      ...literal(fold(run)),
    ]),
    '.Sh SEE ALSO',
    ...seeAlso(words, entries),
  ].join('\n')}\n`;
}

const months = 'January February March April May June July August September October November December'.split(' ');

/** The name of a command's page: `buda-put-stream`, `buda-transform-file`. */
export function pageName(words: string): string {
  return `buda-${words.replaceAll(' ', '-').toLowerCase()}`;
}

/** The exit codes, as the code has them. */
function exitList(): string[] {
  const rows = Object.values(exits).map(({ code, means }) => [String(code), means] as const);
  return listOf([['0', 'delivered and, under an app, committed'], ...rows], '-width 4n -compact');
}

/** buda(1), and what begins with the same word. */
function seeAlso(words: string, entries: readonly Entry[]): string[] {
  const kin = entries.filter((entry) => entry.words !== words && entry.words.split(' ')[0] === words.split(' ')[0]);
  const pages = ['buda', ...kin.map((entry) => pageName(entry.words))].sort();
  return pages.map((page, i) => `.Xr ${page} 1${i < pages.length - 1 ? ' ,' : ''}`);
}

function listOf(rows: readonly (readonly [head: string, text: string])[], shape = '-width Ds'): string[] {
  return [`.Bl -tag ${shape}`, ...rows.flatMap(([head, text]) => [`.It ${head}`, ...sentences(`${capital(text)}.`)]), '.El'];
}

/** `-n, --count <N>` as macros: `Fl n , Fl Fl count Ar N`. */
function flagsIn(flags: string): string {
  return flags
    .replace(/<([^>]+)>/, 'Ar $1')
    .replace(/--/, 'Fl Fl ')
    .replace(/(^)-(\w),/, '$1Fl $2 ,');
}

/** Paragraphs; a block whose every line is indented stands as it is, and one of lines that begin with `- ` is a list. */
function bodyOf(text: string): string[] {
  return text.split(/\n{2,}/).flatMap((block, i) => {
    const lines = block.split('\n').filter((line) => line !== '');
    if (lines.every((line) => line.startsWith('  '))) return literal(lines.map((line) => line.slice(2)).join('\n'));
    if (lines.every((line) => line.startsWith('- ')))
      return ['.Bl -bullet -compact', ...lines.flatMap((line) => ['.It', ...sentences(line.slice(2))]), '.El'];
    return [...(i === 0 ? [] : ['.Pp']), ...sentences(lines.join(' '))];
  });
}

function literal(text: string): string[] {
  return ['.Bd -literal -offset indent', ...text.split('\n').map((line) => code(line)), '.Ed'];
}

/** A long pipeline goes on in the next line, so that it can still be copied. */
function fold(run: string): string {
  return run
    .split('\n')
    .map((line) => (line.length <= lineWidth ? line : line.split(/ (?=\| buda |&& )/).join(' \\\n    ')))
    .join('\n');
}

const lineWidth = 72;

/** Text for a page: a sentence begins a line, as mdoc wants it, and no line is longer than 78. */
function sentences(text: string): string[] {
  return text
    .split(/(?<=[A-Za-z0-9)`"%][.!?:])\s+(?=[A-Z`"])/)
    .flatMap((sentence) => wrapWords(sentence))
    .map(plain);
}

function wrapWords(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+(?=(?:[^`]*`[^`]*`)*[^`]*$)/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > lineWidth) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Text with what roff would take for its own escaped, `code` bold, and dashes that are typed kept as dashes. */
function plain(text: string): string {
  const pieces = text.split(/`([^`]+)`/);
  const escaped = pieces.map((piece, i) => {
    if (i % 2 === 1) return `\\fB${code(piece, false)}\\fR`;
    return piece
      .replaceAll('\\', '\\e')
      .replace(/(^|[\s(])(-{1,2})(?=[a-zA-Z])/g, (_, before: string, dashes: string) => before + dashes.replaceAll('-', '\\-'));
  });
  return guarded(escaped.join(''));
}

function code(text: string, isLine = true): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
  return isLine ? guarded(escaped) : escaped;
}

/** A line that begins like a macro is text. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
