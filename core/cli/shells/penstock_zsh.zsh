#compdef penstock
# SPDX-License-Identifier: MIT
# Completion for zsh. penstock itself knows the words.

_penstock() {
  local -a lines words_meant
  local line more program=${${(Q)words[1]}/#\~\//$HOME/}
  # Without quotes, and up to the cursor.
  lines=("${(@f)$(_call_program words ${(q)program} completion words -- \
    ${(q)${(Q)words[2,CURRENT-1]}} ${(q):-${(Q)PREFIX}} 2>/dev/null)}")
  more=$lines[1]
  for line in "${(@)lines[2,-1]}"; do
    [[ -n $line ]] || continue
    words_meant+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#words_meant )); then
    _describe -V penstock words_meant
  fi
  if [[ $more == (files|folders) ]]; then
    compset -P '--[a-z-]##='
    if [[ $more == files ]]; then
      _files
    else
      _files -/
    fi
  fi
}

if [[ $funcstack[1] == _penstock ]]; then
  _penstock "$@"
else
  compdef _penstock penstock
fi
