# Types words into a zsh on a terminal of its own, presses TAB, and prints what the screen shows: capture.zsh FOLDER WORDS
# FOLDER holds the completion function _buda.
zmodload zsh/zpty
zpty shell zsh -f -i

# Everything that the shell has shown by the time it shows a word.
upto() {
  local shown='' piece
  while [[ $shown != *$1* ]]; do
    zpty -r shell piece || return 1
    shown+=$piece
  done
  print -rn -- "${shown%%$1*}"
}

zpty -w shell "
  stty -echo
  PS1='> ' LISTMAX=1000 COLUMNS=200 LINES=100
  fpath=(${(q)1} \$fpath)
  autoload -Uz compinit && compinit -u -D
  setopt no_beep no_list_ambiguous
  finish() { print -n 'it is '; print -n done }
  zle -N finish; bindkey '^T' finish
  print -n 'it is '; print ready"
upto 'it is ready' > /dev/null
# The second key is read when the completion of the first is done.
zpty -n -w shell "$2"$'\t\x14'
upto 'it is done'
zpty -d shell
