#!/bin/sh
# SPDX-License-Identifier: MIT
# ssh_names.sh LIBSSH.a OUR.a...: no function of ours has the name of one of libssh's. Linked into one plugin, libssh would
# call ours in its place wherever its own is not linked along as well; only then does the linker complain.
set -eu
names() {
  nm --defined-only --extern-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u
}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
names "$1" >"$folder/theirs"
shift
names "$@" >"$folder/ours"
[ -s "$folder/theirs" ] && [ -s "$folder/ours" ]
comm -12 "$folder/theirs" "$folder/ours" >"$folder/both"
cat "$folder/both"
[ ! -s "$folder/both" ]
