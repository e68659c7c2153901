# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh. Becomes a stream to ps_host:ps_port as seen inside the container ps_id, as ps_user if that is
# set: ps_inside is the script that runs there (container_stream_inside.sh).

# ps_fail CALL: in the words of a stream (script_stream.h).
ps_fail() {
  ps_said=${ps_said#"${ps_said%%[!"$ps_newline"]*}"}
  printf 'penstock-stream: failed the client of the container engine cannot be used (%s): %.400s\n' "$1" \
    "${ps_said%%"$ps_newline"*}"
  exit 0
}

ps_find_engine
set --
[ -z "$ps_user" ] || set -- "--user=$ps_user"
ps_become_engine exec -i "$@" "$ps_id" /bin/sh -c "$ps_inside" sh "$ps_host" "$ps_port"
