import type { KnownCommand, KnownOption, WordTree } from './words.ts';

/** The completion of buda in fish (3.0 or newer). */
export function fishCompletion({ next, commands }: WordTree): string {
  return `# Completion of buda for fish, made from its commands by \`buda completion fish\`.

# The words that may come next.
function __buda_next
    switch "$argv[1]"
${[...next].map(([path, words]) => `        case ${quote(path)}\n            printf '%s\\n' ${words.map(({ word }) => word).join(' ')}`).join('\n')}
    end
end

# The words of the command so far, as "state list".
function __buda_path
    set -l path ''
    set -l words (commandline -opc)[2..-1]
    test "$words[1]" = help; and set -e words[1]
    for word in $words
        contains -- $word (__buda_next "$path"); or break
        set path (string trim -- "$path $word")
    end
    echo $path
end

function __buda_is
    test (__buda_path) = "$argv[1]"
end

complete -c buda -e
complete -c buda -f
complete -c buda -n "__buda_is ''" -s V -l version -d 'the version'
complete -c buda -s h -l help -d 'show the help'
${[...next].flatMap(([path, words]) => words.map(({ word, summary }) => `complete -c buda -n ${is(path)} -a ${word} -d ${quote(summary)}`)).join('\n')}
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ words, options, args }: KnownCommand): string[] {
  const start = `complete -c buda -n ${is(words)}`;
  const lines = options.map(({ short, long, summary, ...value }) => {
    const names = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
    return `${start} ${names}${takesOf(value)} -d ${quote(summary)}`;
  });
  const choices = args.flatMap(({ values }) => (typeof values === 'string' ? [] : values));
  if (choices.length > 0) lines.push(`${start} -a ${quote(choices.join(' '))}`);
  if (args.some(({ values }) => values === 'files')) lines.push(`${start} -F`);
  return lines;
}

function takesOf({ takes, values }: Pick<KnownOption, 'takes' | 'values'>): string {
  if (takes === undefined) return '';
  if (values === 'files') return ' -r -F';
  return values === 'none' ? ' -x' : ` -x -a ${quote(values.join(' '))}`;
}

function is(path: string): string {
  return quote(`__buda_is '${path}'`);
}

function quote(text: string): string {
  return text.includes("'") ? `"${text.replace(/["\\$]/g, '\\$&')}"` : `'${text.replaceAll('\\', '\\\\')}'`;
}
