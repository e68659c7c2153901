# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# After lib.sh, in a session of its own, with the solver's folder as working directory. Records who this process
# is, and becomes the solver. $1 program, $2 log, $3 progress file.

ps_look_at "$$" || exit 1
ps_boot
(
  umask 077
  {
    printf 'pid=%s\nstart=%s\nboot=%s\n' "$$" "$ps_start" "$ps_boot_now"
    printf 'token=%s\nlog=%s\nprogress=%s\n' "$ps_token" "$2" "$3"
  } >"$ps_record.new" && mv -f "$ps_record.new" "$ps_record"
) || exit 1
printf 'pid=%s\n' "$$"
exec </dev/null >>"$2" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

ps_expand "$ps_venv" "$PWD"
if [ -n "$ps_venv" ] && [ -f "$ps_path/bin/activate" ]; then
  # shellcheck disable=SC1091
  . "$ps_path/bin/activate"
fi

ps_progress=$3
case $1 in
  *.py) set -- python3 "$1" ;;
  *) set -- "$1" ;;
esac
set -- "$@" --host "$ps_host" --port "$ps_port" --progress-file "$ps_progress"
[ "$ps_debug" = 0 ] || set -- "$@" --debug
# From here on the environment is the profile's: nothing but the arguments is looked at.
ps_environment export
ps_arguments exec "$@"
