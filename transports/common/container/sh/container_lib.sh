# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts for a container engine share: POSIX sh for dash, bash and busybox, on Linux and macOS.

# What an environment may turn on in the shell that has it: another IFS, -e -f -u -x (SHELLOPTS), a limit for read.
unset IFS TMOUT
set +efux
