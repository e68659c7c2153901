# SPDX-License-Identifier: MIT
# Completion for bash 4.3 or later, with and without the package bash-completion. penstock itself knows the words.

_penstock() {
  local line=${COMP_LINE:0:COMP_POINT} rest piece word cut
  local -a words=()
  local -i i

  # bash has split at "=" and ":" too (COMP_WORDBREAKS). The words of a command are what blanks divide.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=${line#"${line%%[![:space:]]*}"}
    piece=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || piece=$rest
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$piece")
    else
      words[-1]+=$piece
    fi
    line=${rest#"$piece"}
  done
  local current=${words[-1]}

  # One level of quotes off, without running anything.
  local quotes='[\"'\'']'
  for i in "${!words[@]}"; do
    word=${words[i]//\\/}
    words[i]=${word//$quotes/}
  done

  local -a lines
  mapfile -t lines < <("${words[0]/#\~\//$HOME/}" completion words -- "${words[@]:1}" 2>/dev/null)

  # What stands before the last ":" or "=" stays: bash replaces only what is behind it.
  cut=
  if [[ $current == *[=:]* && $current != [\"\']* ]]; then
    word=${current%"${current##*[=:]}"}
    [[ $COMP_WORDBREAKS != *"${word: -1}"* ]] || cut=$word
  fi
  COMPREPLY=()
  for word in "${lines[@]:1}"; do
    word=${word%%$'\t'*}
    word=${word#"$cut"}
    case $current in
    [\"\']*) COMPREPLY+=("$word") ;;
    *) COMPREPLY+=("$(printf %q "$word")") ;;
    esac
  done
  if [[ ${#COMPREPLY[@]} == 0 ]]; then
    case ${lines[0]-} in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
    esac
  fi
}

complete -F _penstock penstock
