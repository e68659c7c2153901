# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. Who listens where the solver should?

if ! ps_find_listener wide; then
  ps_end unknown
fi
ps_say_holder
if [ -n "$ps_holder" ] && [ -n "$ps_root" ]; then
  ps_find_root
  if ps_read_record "$ps_record" && ps_has_token "$ps_holder"; then
    ps_end ours
  fi
fi
ps_end held
