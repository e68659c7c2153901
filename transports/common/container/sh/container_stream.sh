# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh. Becomes a stream to ps_host:ps_port as seen inside the container ps_id: ps_inside is the
# script that runs there (container_stream_inside.sh).

ps_find_engine
ps_become_engine exec -i "$ps_id" /bin/sh -c "$ps_inside" sh "$ps_host" "$ps_port"
