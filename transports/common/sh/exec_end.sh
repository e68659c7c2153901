# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Ends what is left of a command that was run with the token ps_token (exec.sh), however far it has gone from it. Where
# the system shows no environments, that cannot be found out.

# ps_family: prints the pids of all that inherited the token. Not by a grep for names of files: that of busybox sees
# nothing behind a NUL.
ps_family() {
  tail -n +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' |
    sed -n -e '/^==> \/proc\/[0-9]*\/environ <==$/{' -e 's/[^0-9]//g' -e 'h' -e 'd' -e '}' \
      -e "/^PENSTOCK_EXEC=$ps_token\$/{" -e 'g' -e 'p' -e '}'
}

# ps_signal NAME: to all of them; fails if there is none.
ps_signal() {
  ps_left=$(ps_family)
  [ -n "$ps_left" ] || return 1
  for ps_member in $ps_left; do
    kill "-$1" "$ps_member" 2>/dev/null
  done
}

unset IFS
ps_signal TERM || exit 0
# By the clock: on a busy machine a look takes longer than the nap after it.
ps_until=$(($(date +%s) + 2))
while [ "$(date +%s)" -le "$ps_until" ]; do
  sleep 0.1 2>/dev/null || sleep 1
  [ -n "$(ps_family)" ] || exit 0
done
ps_signal KILL
exit 0
