# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. Waits for the launched solver's mark for about ps_wait twentieths of a second.

# ps_read_progress: sets ps_mark to the line that says it: SERVER_READY, or what failed.
ps_read_progress() {
  ps_mark=
  [ -r "$ps_progress" ] || return 0
  while read -r ps_line || [ -n "$ps_line" ]; do
    case $ps_line in
      *ERROR* | *FAILED*)
        ps_mark=$ps_line
        return 0
        ;;
      SERVER_READY*) ps_mark=SERVER_READY ;;
    esac
  done <"$ps_progress"
}

ps_bind_failed() {
  grep -q -e 'Address already in use' -e 'os error 98' -e 'Errno 98' "$ps_log" 2>/dev/null
}

# ps_fail OUTCOME: with what is known of why.
ps_fail() {
  ps_read_progress
  case $ps_mark in
    '' | SERVER_READY) ;;
    *)
      ps_say mark "$ps_mark"
      set -- failed
      ;;
  esac
  if ps_bind_failed; then
    ps_find_listener wide && ps_say_holder
    set -- port_taken
  fi
  ps_say_tail
  ps_end "$1" "${ps_root%/}/$ps_log"
}

ps_find_root || [ "$ps_problem" = no_program ] || ps_end "$ps_problem" "$ps_path"
ps_read_record "$ps_record" || ps_end no_record "${ps_root%/}/$ps_record"
ps_say pid "$ps_pid"
ps_runs || ps_fail dead
ps_checks=0
while :; do
  # In this order: a solver that says its mark and ends at once is dead.
  ps_read_progress
  case $ps_mark in
    '') ;;
    SERVER_READY)
      ps_runs || ps_fail dead
      ps_end ready
      ;;
    *) ps_fail failed ;;
  esac
  if ! ps_look_at "$ps_pid" || [ "$ps_start" != "$ps_was_start" ]; then
    ps_fail dead
  fi
  ps_checks=$((ps_checks + 1))
  if [ $((ps_checks % 10)) -eq 0 ] && ps_bind_failed; then
    ps_fail port_taken
  fi
  [ "$ps_naps" -lt "$ps_wait" ] || break
  ps_nap
done
ps_say_tail
ps_end waiting "${ps_root%/}/$ps_log"
