# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh. Runs ps_body inside the container ps_id by /bin/sh, as ps_user and in ps_workdir if they are
# set. Prints what that prints; if it fails, then also what the client said: over some carriers, standard error may come
# too late.

ps_find_engine
set --
[ -z "$ps_user" ] || set -- "--user=$ps_user"
[ -z "$ps_workdir" ] || set -- "$@" "--workdir=$ps_workdir"
{
  ps_said=$(
    {
      printf '%s' "$ps_body" 2>/dev/null |
        ps_engine exec -i "$@" "$ps_id" /bin/sh -s 2>&1 >&3 3>&-
      printf '%s%s' "$ps_mark" "$?"
    } | tail -c 8192 3>&- # there may be no end of it
  )
} 3>&1
ps_code=${ps_said##*"$ps_mark"}
ps_said=$(printf '%s' "${ps_said%"$ps_mark"*}") # without newlines at its end
[ -z "$ps_said" ] || printf '%s\n' "$ps_said" >&2
if [ "$ps_code" != 0 ]; then
  printf '\n'
  (ps_fail exec)
fi
exit "$ps_code"
