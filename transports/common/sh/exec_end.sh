# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Ends what is left of a command; after exec_family.sh.
ps_end_family
exit 0
