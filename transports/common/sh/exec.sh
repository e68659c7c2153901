# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Becomes a stream to a command, and says at its end how that ended: penstock/exec.h has the trailer.
#
#   ps_trailer   the trailer's mark
#   ps_token     by which all that the command starts is known
#   ps_merge     1: standard error goes where standard output goes
#   ps_command   a function that runs its arguments as a command with the words of what is to be run after them

# What an environment may turn on in the shell that has it (SHELLOPTS).
set +efu

# Whoever asked for this may die without a word (the gateway is killed, the link is lost), and nothing tells a command that
# neither reads nor writes. Our parent, the gateway itself or what serves the link here, goes with them, so it is looked
# after. Where that is a shell that waits for us, it does not go; and a container has none.
ps_watch() {
  while kill -0 "$PPID" && kill -0 $$; do
    sleep 3 &
    ps_nap=$!
    wait $ps_nap
  done
  kill -0 $$ && ps_end_family
}
ps_watcher=
if [ "$PPID" -gt 1 ] && kill -0 "$PPID" 2>/dev/null; then
  (
    trap 'kill $ps_nap; exit 0' TERM
    ps_watch
  ) </dev/null >/dev/null 2>&1 &
  ps_watcher=$!
fi

printf 'penstock-stream: open\n'
PENSTOCK_EXEC=$ps_token
export PENSTOCK_EXEC
ps_newline='
'
if [ "$ps_merge" = 1 ]; then
  (ps_command exec 2>&1)
  ps_status=$?
  ps_errors=
else
  # Not by a file: there may be no place for one, and no bound for what is said. The status goes behind it, so that it is
  # kept whatever was said, and the newlines at the end are. Whoever is told to end must still be able to say something.
  exec 4>&1
  ps_errors=$(
    {
      (ps_command exec 2>&1 >&4 4>&-)
      printf '\n%s' "$?"
    } | {
      trap '' HUP INT TERM
      unset PENSTOCK_EXEC # killed with the command, they could not say how that went
      exec 4>&-
      tail -c 65540 | tr -d '\000'
    }
  )
  exec 4>&-
  ps_status=${ps_errors##*"$ps_newline"}
  ps_errors=${ps_errors%"$ps_newline"*}
fi
# What follows is not the command's: whoever ends that looks for what has its token, and must not find nothing just before
# this is started. It ends by itself, with its input.
unset PENSTOCK_EXEC
[ -z "$ps_watcher" ] || kill "$ps_watcher" 2>/dev/null
# Bytes, not characters.
LC_ALL=C
export LC_ALL
ps_size=$(printf '%s' "$ps_errors" | wc -c)
printf '%s %s %s\n%s' "$ps_trailer" "$ps_status" "$((ps_size))" "$ps_errors"
# Input that nobody reads would break the stream, and with it what was just said.
cat >/dev/null
exit 0
