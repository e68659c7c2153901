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
# Bytes, not characters.
LC_ALL=C
export LC_ALL
ps_size=$(printf '%s' "$ps_errors" | wc -c)
printf '%s %s %s\n%s' "$ps_trailer" "$ps_status" "$((ps_size))" "$ps_errors"
# Input that nobody reads would break the stream, and with it what was just said.
cat >/dev/null
exit 0
