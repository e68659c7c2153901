# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After container_lib.sh. Makes the container ps_id run: ps_act is start or unpause.

ps_find_engine
ps_call "$ps_act" "$ps_id" || ps_fail "$ps_act"
ps_end ok
