# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh. The last lines of the log of the container ps_id, of those since ps_since if that is set.

ps_find_engine
set --
[ -z "$ps_since" ] || set -- --since "$ps_since"
# What the client itself has to say comes in between; it is worth reading too.
ps_engine logs --tail 20 "$@" "$ps_id" </dev/null 2>&1 | tail -c 16384 | tail -n 20 | tr -d '\000\r' | sed 's/^/log=/'
ps_end ok
