# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# After container_lib.sh. Which container is it, in what state, and who listens on its port?
