import type { KnownArgument, KnownCommand, KnownOption, Values, WordTree } from './words.ts';

/** The completion of buda in zsh, a file `_buda` on its fpath. */
export function zshCompletion({ next, commands }: WordTree): string {
  return `#compdef buda
# Completion of buda for zsh, made from its commands by \`buda completion zsh\`.

# The words that may come next.
_buda_next() {
  local -a next
  case $1 in
${[...next].map(([path, words]) => `    ${quote(path)}) next=(${words.map(({ word, summary }) => quote(`${word}:${summary.replaceAll(':', '\\:')}`)).join(' ')}) ;;`).join('\n')}
    *) return 1 ;;
  esac
  if [[ -n $2 ]]; then
    (( \${next[(I)$2:*]} ))
  else
    _describe -t commands 'command' next
  fi
}

_buda_arguments() {
  case $1 in
${commands.map((command) => `    ${quote(command.words)})\n      _arguments -s ${specsOf(command)} ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_buda() {
  local path_=''
  integer i=2
  [[ \${words[2]} == help ]] && (( CURRENT > 2 )) && i=3
  while (( i < CURRENT )) && _buda_next "$path_" "\${words[i]}"; do
    path_="\${path_:+$path_ }\${words[i]}"
    (( i++ ))
  done
  local isFirst=$(( i == CURRENT ))
  words=(buda "\${(@)words[i,-1]}")
  (( CURRENT -= i - 2 ))
  local -i done_=1
  (( isFirst )) && [[ \${words[CURRENT]} != -* ]] && _buda_next "$path_" && done_=0
  _buda_arguments "$path_" && done_=0
  return done_
}

if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _buda "$@"
else
  compdef _buda buda
fi
`;
}

function specsOf({ options, args }: KnownCommand): string {
  return [
    "'(- *)'{-h,--help}'[show the help]'",
    ...options.map(specOf),
    ...args.map((argument, i) => quote(`${argument.many ? '*' : i + 1}:${argument.name}:${actionOf(argument)}`)),
  ].join(' \\\n        ');
}

function specOf({ short, long, summary, takes, many, values }: KnownOption): string {
  const text = `[${escaped(summary)}]${takes === undefined ? '' : `:${escaped(takes)}:${actionOf({ values })}`}`;
  if (many) return quote(`*${long}${text}`);
  return short === undefined ? quote(`${long}${text}`) : `'(${short} ${long})'{${short},${long}}${quote(text)}`;
}

function actionOf({ values }: Pick<KnownArgument, 'values'> | { values: Values }): string {
  if (values === 'files') return '_files';
  return values === 'none' ? ' ' : `(${values.join(' ')})`;
}

function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
