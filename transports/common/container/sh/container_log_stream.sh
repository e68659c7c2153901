# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_stream_fail.sh, before exec.sh. Makes the log of the container ps_id the command of a stream: its last
# ps_lines lines; ps_follow 1: and what comes after them.

ps_find_engine
ps_command() {
  if [ "$ps_follow" = 1 ]; then
    ps_become_engine logs --tail "$ps_lines" --follow "$ps_id"
  else
    ps_become_engine logs --tail "$ps_lines" "$ps_id"
  fi
}
