# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# After container_lib.sh. What is there instead: there=NAME, image and status with tabs between, image=NAME:TAG.

ps_find_engine
ps_call ps --all --format '{{.Names}}\t{{.Image}}\t{{.Status}}' || ps_fail ps
[ -z "$ps_out" ] || printf '%s\n' "$ps_out" | head -n 500 | sed 's/^/there=/'
if ps_call images --format '{{.Repository}}:{{.Tag}}' && [ -n "$ps_out" ]; then
  printf '%s\n' "$ps_out" | head -n 500 | sed 's/^/image=/'
fi
ps_end ok
