# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# All that a command has started which was run with the token ps_token (exec.sh), however far it has gone from it. Where the
# system shows no environments, that cannot be found out.

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

# ps_gone: are none left? Looked for twice, as one that becomes another program just then shows no environment.
ps_gone() {
  [ -z "$(ps_family)" ] && [ -z "$(ps_family)" ]
}

# ps_await: fails if some are left after two seconds. By the clock: on a busy machine a look takes longer than the nap
# after it.
ps_await() {
  ps_until=$(($(date +%s) + 2))
  while ! ps_gone; do
    [ "$(date +%s)" -le "$ps_until" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# ps_end_family: ends them.
ps_end_family() {
  unset IFS
  ps_signal TERM
  ps_await && return
  # What is started while the others are looked for is seen the next time.
  for _ in 1 2 3; do
    ps_signal KILL
    ps_gone && return
    sleep 0.1 2>/dev/null || sleep 1
  done
}
