import type { Values, WordTree } from './words.ts';

/** The completion of buda in bash (3.2 or newer, without the package bash-completion). */
export function bashCompletion({ next, commands }: WordTree): string {
  const valued = commands.flatMap(({ words, options }) =>
    options
      .filter(({ takes }) => takes !== undefined)
      .map(({ short, long, values }) => ({
        pattern: [long, short]
          .filter((flag) => flag !== undefined)
          .map((flag) => quote(`${words} ${flag}`))
          .join('|'),
        values,
      })),
  );
  return `# Completion of buda for bash, made from its commands by \`buda completion bash\`.

# The words that may come next.
_buda_next() {
  case $1 in
${[...next].map(([path, words]) => `    ${quote(path)}) echo ${quote(words.map(({ word }) => word).join(' '))} ;;`).join('\n')}
  esac
}

_buda_options() {
  case $1 in
${commands.map(({ words, options }) => `    ${quote(words)}) echo ${quote(['-h', ...options.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]))].join(' '))} ;;`).join('\n')}
  esac
}

# What an argument of the command may be.
_buda_arguments() {
  case $1 in
${commands
  .map(({ words, args }) => ({ words, values: valuesOfAll(args.map(({ values }) => values)) }))
  .filter(({ values }) => values !== 'none')
  .map(({ words, values }) => `    ${quote(words)}) ${printed(values)} ;;`)
  .join('\n')}
  esac
}

# What the value of an option may be; fails where the word is no option with a value.
_buda_values() {
  case $1 in
${valued.map(({ pattern, values }) => `    ${pattern}) ${printed(values)} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_buda() {
  local IFS=$' \\t\\n' cur=\${COMP_WORDS[COMP_CWORD]} path='' word i found
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      COMPREPLY=($(compgen -c -- "$cur"))
      return
    fi
    [[ $word == help && $i == 1 ]] && continue
    [[ " $(_buda_next "$path") " == *" $word "* ]] && path=\${path:+$path }$word
  done
  if [[ $COMP_CWORD -gt 1 ]] && found=$(_buda_values "$path \${COMP_WORDS[COMP_CWORD - 1]}"); then
    :
  elif [[ $cur == -* ]]; then
    found=$(_buda_options "$path")
  else
    found="$(_buda_next "$path") $(_buda_arguments "$path")"
  fi
  COMPREPLY=($(compgen -W "\${found//:files:/}" -- "$cur"))
  if [[ $found == *:files:* ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
  fi
}

complete -F _buda buda
`;
}

function valuesOfAll(all: readonly Values[]): Values {
  const words = all.flatMap((values) => (typeof values === 'string' ? [] : values));
  if (all.includes('files')) return words.length === 0 ? 'files' : [...words, ':files:'];
  return words.length === 0 ? 'none' : words;
}

function printed(values: Values): string {
  if (values === 'none') return ':';
  return `echo ${values === 'files' ? ':files:' : quote(values.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
