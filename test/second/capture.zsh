# Types words into a zsh on a terminal of its own, presses TAB, and prints what the screen shows: capture.zsh FOLDER WORDS
# FOLDER holds the completion function _buda.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='> ' LISTMAX=1000 COLUMNS=200 LINES=100; stty -echo; setopt no_beep no_list_ambiguous"
zpty -w shell "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell "finish() { print -n 'it is '; print -n done }; zle -N finish; bindkey '^T' finish"
zpty -w shell "print -n 'it is '; print ready"
zpty -r shell screen '*it is ready*' || exit 1
# The second key is read when the completion of the first is done.
zpty -n -w shell "$2"$'\t\x14'
zpty -r shell screen '*it is done*' || exit 1
print -rn -- "$screen"
zpty -d shell
