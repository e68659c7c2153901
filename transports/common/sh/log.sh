# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh, and before exec.sh: makes the solver's log the command of the stream, its last ps_lines lines; ps_follow 1:
# and what comes after them.

# ps_fail WORD TEXT: the stream's first line (script_stream.h), and its only one.
ps_fail() {
  printf 'penstock-stream: %s %.800s\n' "$1" "${2%%"$ps_newline"*}"
  exit 0
}

[ -n "$ps_root" ] || ps_fail impossible \
  "The profile has no \`root\`, so it is not known where the solver's log is"
ps_find_root || [ "$ps_problem" = no_program ] || ps_fail failed "the solver's folder cannot be entered: $ps_path"
ps_log=
ps_read_record "$ps_record" || ps_log=
case $ps_log in
  '') ps_log=${ps_root%/}/server.log ;;
  /*) ;;
  *) ps_log=${ps_root%/}/$ps_log ;;
esac
if [ -e "$ps_log" ] || [ "$ps_follow" != 1 ]; then
  [ -r "$ps_log" ] || ps_fail failed "there is no log that can be read: $ps_log"
fi

# By its name, so that one that was put in its place is followed too. What tail says of that is no part of the log.
ps_command() {
  if [ "$ps_follow" = 1 ]; then
    "$@" tail -n "$ps_lines" -F "$ps_log" 2>/dev/null
  else
    "$@" tail -n "$ps_lines" "$ps_log" 2>/dev/null
  fi
}
