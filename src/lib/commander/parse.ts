import { CommanderError, Command as Parser, Argument as ParserArgument, Option as ParserOption } from 'commander';
import type { Command } from '../command.ts';
import { Failure } from '../errors.ts';
import type { Option, Options, Values } from '../options.ts';
import { everywhere } from '../options.ts';

/** What the words of one call come to; `help` where -h was among them. */
export type Words<O extends Options> = { help: true } | { help: false; args: string[]; options: Values<O & typeof everywhere> };

/** Reads the words behind a command's name by its definition. Throws a Failure (2) that names the word at fault and how to get help. */
export function parseWords<O extends Options>(
  name: string,
  definition: Pick<Command<O>, 'args' | 'options'>,
  words: readonly string[],
): Words<O> {
  const parser = new Parser(name)
    .exitOverride()
    .helpOption(false)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} });
  for (const { name: argument, summary, optional, many, choices } of definition.args ?? []) {
    const shown = `${argument}${many === true ? '...' : ''}`;
    const parserArgument = new ParserArgument(optional === true ? `[${shown}]` : `<${shown}>`, summary);
    parser.addArgument(choices === undefined ? parserArgument : parserArgument.choices(choices));
  }
  const table: Options = { ...definition.options, ...everywhere };
  const attributes = new Map<string, string>();
  for (const [key, option] of Object.entries(table)) {
    const parserOption = toParserOption(option);
    attributes.set(key, parserOption.attributeName());
    parser.addOption(parserOption);
  }
  if (words.some((word) => word === '-h' || word === '--help') && !isBehindDashes(words)) return { help: true };
  try {
    parser.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new Failure('usage', error.message.replace(/^error: /, '').replaceAll('\n', ' '), `see: buda ${name} -h`);
  }
  const parsed = parser.opts<Record<string, unknown>>();
  const options: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) options[key] = parsed[attributes.get(key) ?? key] ?? option.fallback;
  return { help: false, args: parser.args, options: options as Values<O & typeof everywhere> };
}

function isBehindDashes(words: readonly string[]): boolean {
  const dashes = words.indexOf('--');
  return dashes >= 0 && !words.slice(0, dashes).some((word) => word === '-h' || word === '--help');
}

function toParserOption(option: Option<unknown>): ParserOption {
  const parserOption = new ParserOption(option.flags, option.summary);
  const { parse, many } = option;
  if (parse !== undefined) {
    parserOption.argParser((text: string, before: unknown) =>
      many === true ? [...((before as unknown[] | undefined) ?? []), ...(parse(text) as unknown[])] : parse(text),
    );
  }
  return parserOption;
}
