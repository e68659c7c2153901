# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. Ends the solver of the record with all its children; ps_grace seconds pass between asking
# and forcing.

ps_find_root || [ "$ps_problem" = no_program ] || ps_end none
ps_read_record "$ps_record" || ps_end none
# A record of another life of this machine, or of another machine that shares the folder, is not ours to judge.
ps_is_recent || ps_end none
ps_say pid "$ps_pid"
ps_outcome=none
if ps_any_left; then
  ps_end_tree "$ps_grace" || ps_end stuck
  ps_outcome=stopped
fi
rm -f "$ps_record" ".penstock-$ps_port.ended"
ps_end "$ps_outcome"
