# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. Starts the solver, once: ps_child is the script (watch.sh) that does and waits for its end, ps_token the
# solver's proof.

# ps_lock: waits for its turn among launches in this folder. Descriptor 9 holds the lock, so that it ends with
# this script however that ends.
ps_lock() {
  (: >>.penstock.lock) 2>/dev/null || ps_end root_unwritable "$ps_root"
  exec 9>>.penstock.lock
  ps_naps=0
  while :; do
    if command -v flock >/dev/null; then
      flock -n 9
    elif command -v perl >/dev/null; then
      perl -e 'open(my $lock, ">>&=", 9) or exit 2; flock($lock, 6) or exit($!{EWOULDBLOCK} ? 1 : 2)'
    elif command -v python3 >/dev/null; then
      python3 -c 'import fcntl, sys
try:
  fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError as error:
  sys.exit(1 if isinstance(error, BlockingIOError) else 2)'
    fi 2>/dev/null
    # Other failures than "held" are a file system without locks: the solver's bind then decides who is first.
    [ $? -eq 1 ] || return 0
    [ "$ps_naps" -lt 100 ] || ps_end busy "$ps_root"
    ps_nap
  done
}

# ps_detach COMMAND...: in the background, in a session of its own, which no end of ours reaches. What the shell itself
# puts into the background would ignore SIGINT and SIGQUIT for ever, so that comes last.
ps_detach() {
  if setsid -f true 2>/dev/null; then
    setsid -f "$@"
  elif command -v perl >/dev/null; then
    perl -e 'use POSIX (); exit if fork; POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"
  elif command -v python3 >/dev/null; then
    python3 -c 'import os, sys; os.fork() and os._exit(0); os.setsid(); os.execv(sys.argv[1], sys.argv[1:])' "$@"
  elif command -v setsid >/dev/null; then
    { setsid "$@" <&3 3<&- & } 3<&0
  else
    {
      trap '' HUP
      "$@" <&3 3<&- &
    } 3<&0
  fi
}

ps_check_root
ps_say root "$ps_root"
ps_lock

if ps_read_record "$ps_record"; then
  if ps_runs; then
    ps_say pid "$ps_pid"
    ps_end running
  fi
  # It has ended; what it left behind may still hold its socket.
  if ps_is_recent; then
    ps_end_tree 1
  fi
fi
if ps_find_listener; then
  ps_say_holder
  ps_end port_taken
fi

# A second solver that runs in the same folder gets files of its own.
ps_suffix=
for ps_other in .penstock-*.solver; do
  if [ "$ps_other" != "$ps_record" ] && ps_read_record "$ps_other" && ps_runs; then
    ps_suffix=-$ps_port
  fi
done
ps_log=server$ps_suffix.log
ps_progress=progress$ps_suffix.log

[ ! -e "$ps_progress" ] || rm -f "$ps_progress" 2>/dev/null
[ ! -e "$ps_progress" ] || ps_end file_unwritable "${ps_root%/}/$ps_progress"
# The log of the solver before says why that one ended.
[ ! -s "$ps_log" ] || [ -L "$ps_log" ] || mv -f "$ps_log" "$ps_log.1" 2>/dev/null
(: >"$ps_log") 2>/dev/null || ps_end file_unwritable "${ps_root%/}/$ps_log"

# ps_until_pid: what is said until it is known which process the solver is, or that there is none: the watcher has the
# pipe for longer.
ps_until_pid() {
  while read -r ps_line || [ -n "$ps_line" ]; do
    printf '%s\n' "$ps_line"
    case $ps_line in
      pid=*) return 0 ;;
    esac
  done
}

# As a function the child is read to its end before it gives its standard input away.
ps_report=$(
  export PENSTOCK_TOKEN="$ps_token"
  printf 'ps_watch() {\n%s\n}\nps_watch "$@"\n' "$ps_child" |
    ps_detach /bin/sh -s "$ps_found" "$ps_log" "$ps_progress" 2>&1 9>&- | ps_until_pid
)
# What a shell or perl has to say about an odd locale may come before.
ps_last=${ps_report##*"$ps_newline"}
case $ps_last in
  pid=*[!0-9]* | pid=) ;;
  pid=*)
    printf '%s\n' "$ps_last"
    ps_say log_file "${ps_root%/}/$ps_log"
    ps_end launched
    ;;
esac
ps_say log "$ps_report"
ps_end not_started "$ps_found"
