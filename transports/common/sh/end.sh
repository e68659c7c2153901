# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. How did the solver of the record end? Changes nothing.

# ps_read_end: sets ps_status if its watcher (watch.sh) has written it down.
ps_read_end() {
  ps_status='' ps_of=''
  [ -r "$ps_ended" ] || return 1
  while read -r ps_line; do
    case $ps_line in
      token=*) ps_of=${ps_line#*=} ;;
      status=*) ps_status=${ps_line#*=} ;;
    esac
  done <"$ps_ended"
  case $ps_status in
    '' | *[!0-9]*) return 1 ;;
  esac
  [ "$ps_of" = "$ps_was_token" ]
}

ps_ended=.penstock-$ps_port.ended
ps_find_root || [ "$ps_problem" = no_program ] || ps_end unknown
ps_read_record "$ps_record" || ps_end unknown
ps_is_recent || ps_end unknown
# One that has closed its port may have something left to do, and its watcher is the last.
while ! ps_read_end; do
  [ "$ps_naps" -lt 20 ] || ps_end unknown
  ps_nap
done
ps_say pid "$ps_pid"
ps_say status "$ps_status"
[ "$ps_status" -le 128 ] || ps_say signal "$(kill -l "$ps_status" 2>/dev/null)"
ps_say_tail
ps_end ended "${ps_root%/}/$ps_log"
