# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_stream_fail.sh. Becomes a stream that is carried inside the container ps_id by the script ps_inside, as
# ps_user and in ps_workdir if those are set. It gets ps_host and ps_port, where it is to lead if it is
# container_stream_inside.sh.

ps_find_engine
set --
[ -z "$ps_user" ] || set -- "--user=$ps_user"
[ -z "$ps_workdir" ] || set -- "$@" "--workdir=$ps_workdir"
ps_become_engine exec -i "$@" "$ps_id" /bin/sh -c "$ps_inside" sh "$ps_host" "$ps_port"
