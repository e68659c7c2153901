# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Inside the container: sh -c THIS sh HOST PORT.

if command -v nc >/dev/null; then
  echo 'penstock-stream: open'
  exec nc "$1" "$2"
fi
echo 'penstock-stream: failed there is nothing in the container that could carry a stream'
