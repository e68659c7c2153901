# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2088,SC2154
# After container_lib.sh. Brings ps_service up, of project ps_project and ps_file ("" = what compose takes by itself).
# ps_tool is a function like ps_words, of the compose that is a program of its own.

ps_compose() {
  ps_tool ps_turn command "$#" "$@"
}

ps_find_engine
if [ "$ps_auto" = 1 ]; then
  ps_tool() { "$@" "$ps_word-compose"; }
fi
set -- up -d --no-recreate "$ps_service"
[ -z "$ps_project" ] || set -- "--project-name=$ps_project" "$@"
case $ps_file in
  '') ;;
  '~/'*) set -- "--file=$HOME/${ps_file#'~/'}" "$@" ;;
  *) set -- "--file=$ps_file" "$@" ;;
esac
# As a part of the client, if it has that.
if ps_call compose version; then
  ps_call compose "$@" || ps_fail compose
else
  ps_keep ps_compose "$@" || ps_fail compose
fi
ps_end ok
