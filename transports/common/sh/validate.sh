# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh. Could the solver be launched?

ps_check_root
ps_say root "$ps_root"
ps_say program "$ps_found"
ps_end ok
