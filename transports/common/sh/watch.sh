# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Without lib.sh: it stays for as long as the solver runs. In a session of its own, with the solver's folder as working
# directory; starts the solver (ps_child, which is solver.sh and reports on our standard output) in another session, waits
# for its end, and writes down how it ended. Nothing hangs on it: a solver whose watcher is gone runs on, and its end is
# unknown. $1 program, $2 log, $3 progress file.

unset IFS TMOUT
set +efux
# The solver's folder is not ours to keep from being unmounted.
ps_folder=$PWD
cd / || exit 1
# Standard output is the solver's to report on; what a shell says of a child that was killed is for nobody.
exec </dev/null 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

# At the end of a pipeline: not in the background, where a shell has SIGINT and SIGQUIT ignored for ever; and setsid forks
# only if it must, which such a process need not.
ps_own_session() {
  cd "$ps_folder" || exit 1
  if command -v setsid >/dev/null; then
    exec setsid "$@"
  elif command -v perl >/dev/null; then
    exec perl -e 'use POSIX (); POSIX::setsid(); exec { $ARGV[0] } @ARGV; exit 127' "$@"
  elif command -v python3 >/dev/null; then
    exec python3 -c 'import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])' "$@"
  else
    exec "$@"
  fi
}

printf 'ps_solver() {\n%s\n}\nps_solver "$@"\n' "$ps_child" | ps_own_session /bin/sh -s "$@" 2>&1
ps_status=$?
umask 077
ps_ended=${ps_folder%/}/.penstock-$ps_port.ended
printf 'token=%s\nstatus=%s\n' "$ps_token" "$ps_status" >"$ps_ended.new" 2>/dev/null &&
  mv -f "$ps_ended.new" "$ps_ended" 2>/dev/null
