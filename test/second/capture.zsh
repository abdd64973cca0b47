# Types words into a zsh on a terminal of its own, presses TAB, and prints what the screen shows: capture.zsh FOLDER WORDS
# FOLDER holds the completion function _buda.
zmodload zsh/zpty
zpty shell zsh -f -i
screen() { local line; while zpty -r -t shell line 2>/dev/null || { sleep 0.3; zpty -r -t shell line 2>/dev/null }; do print -rn -- "$line"; done }
zpty -w shell "PS1='ready> '; unset RPROMPT; stty -echo 2>/dev/null; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors ''; setopt no_beep no_list_ambiguous; LISTMAX=1000; COLUMNS=200; LINES=100"
screen > /dev/null
zpty -n -w shell "$2"$'\t'
sleep 0.2
screen
zpty -d shell
