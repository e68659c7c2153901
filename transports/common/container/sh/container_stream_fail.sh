# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh, before the scripts that become a stream: a call of the client that failed is said in the words
# of one (script_stream.h).

# ps_fail CALL: ends the script with what the last call said.
ps_fail() {
  ps_said=${ps_said#"${ps_said%%[!"$ps_newline"]*}"}
  printf 'penstock-stream: failed the client of the container engine cannot be used (%s): %.400s\n' "$1" \
    "${ps_said%%"$ps_newline"*}"
  exit 0
}
