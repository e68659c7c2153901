# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2088,SC2154
# What the scripts for a container engine share: POSIX sh for dash, bash and busybox, on Linux and macOS.
#
# Values come as variables that are set before this text, all named ps_…:
#   ps_auto      1: no `engine` is set, docker or podman is used, whichever is there; 0: ps_words is a function that runs
#                its arguments as a command with the client's words after them (script_list)
#   ps_word ps_version ps_podman ps_at ps_far   what an earlier script has found out about it; "" = nothing yet
# What is found out is said as lines key=value. A call of the client that failed is said as failed=CALL, code=STATUS, and
# said=… for each line of its standard error; the words for the user are made of that (container_report.h).

# What an environment may turn on in the shell that has it: another IFS, -e -f -u -x (SHELLOPTS), a limit for read.
unset IFS TMOUT
set +efux
ps_newline='
'
# A login that is not interactive may have a short one.
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/snap/bin:/opt/homebrew/bin
# What they say is read by a program: in English, but still in the user's encoding.
[ -z "$LC_ALL" ] || LANG=$LC_ALL
unset LC_ALL LANGUAGE
LC_MESSAGES=C
DOCKER_CLI_HINTS=false
export PATH LANG LC_MESSAGES DOCKER_CLI_HINTS

# ps_say KEY VALUE: the first line of the value.
ps_say() {
  printf '%s=%s\n' "$1" "${2%%"$ps_newline"*}"
}

# ps_end OUTCOME: the last word of a script.
ps_end() {
  printf 'outcome=%s\n' "$1"
  exit 0
}

# --- calling the client ---------------------------------------------------------------------------

# ps_turn HOW COUNT ARGUMENT... WORD...: runs the words with the arguments behind them; HOW is `command` or `exec`.
ps_turn() {
  ps_how=$1 ps_count=$2
  shift 2
  while [ "$ps_count" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    ps_count=$((ps_count - 1))
  done
  "$ps_how" "$@"
}

# ps_engine ARGUMENT...: runs the client.
ps_engine() {
  ps_words ps_turn command "$#" "$@"
}

# ps_become_engine ARGUMENT...: becomes the client.
ps_become_engine() {
  ps_words ps_turn exec "$#" "$@"
}

# ps_keep COMMAND...: sets ps_out and ps_said to what it printed and said (standard error), and ps_code, which it returns.
# The two get into one pipe, but one after the other; the full stop keeps the end from being stripped.
ps_keep() {
  ps_said=$(
    { ps_out=$("$@" 2>&3 3>&- </dev/null); } 3>&1
    printf '%s%s\n%s.' "$ps_mark" "$?" "$ps_out"
  )
  ps_out=${ps_said##*"$ps_mark"}
  ps_said=${ps_said%"$ps_mark"*}
  ps_code=${ps_out%%"$ps_newline"*}
  ps_out=${ps_out#*"$ps_newline"}
  ps_out=${ps_out%.}
  return "$ps_code"
}
ps_mark="${ps_newline}penstock-code="

# ps_call ARGUMENT...: ps_keep for the client.
ps_call() {
  ps_keep ps_engine "$@"
}

# ps_fail CALL: ends the script with what the last call said.
ps_fail() {
  printf 'failed=%s\ncode=%s\n' "$1" "$ps_code"
  printf '%s\n' "$ps_said" | tail -c 8192 | tr -d '\000\r' | sed 's/^/said=/'
  ps_end failed
}

# --- which client, and which engine ---------------------------------------------------------------

ps_is_there() {
  case $1 in
    -*) return 1 ;;
  esac
  command -v "$1" >/dev/null 2>&1
}

ps_count_words() {
  ps_first_word=$1 ps_words_count=$# ps_all_words=$*
}

# ps_find_client: makes sure that ps_words is there, and that what it names is. Ends the script if not.
ps_find_client() {
  ps_code=127 ps_said=
  if [ "$ps_auto" = 1 ]; then
    if [ -z "$ps_word" ]; then
      ps_word=docker
      ps_is_there docker || ps_word=podman
      ps_is_there "$ps_word" || ps_fail find
    fi
    ps_words() { "$@" "$ps_word"; }
  fi
  ps_words ps_count_words
  ps_is_there "$ps_first_word" || ps_fail find
}

# ps_find_version: sets ps_version, and ps_podman to 1 if it is podman by whatever name.
ps_find_version() {
  [ -z "$ps_version" ] || return 0
  ps_call --version || ps_fail version
  ps_podman=0
  case $ps_out in
    podman*) ps_podman=1 ;;
  esac
  # "docker" can be podman in disguise, which says so with every call.
  if [ "$ps_podman$ps_auto$ps_word" = 11docker ] && ps_is_there podman; then
    ps_word=podman
  fi
  ps_version=${ps_out#*version }
  ps_version=${ps_version%%[, ]*}
}

# ps_find_place: sets ps_at to the address of the engine that the client talks to, if it can be known, and ps_far to yes
# if that is on another machine, or maybe: an address of this machine can lead to another one, or to a virtual machine.
ps_find_place() {
  [ -z "$ps_far" ] || return 0
  ps_far=no ps_at=
  if [ "$ps_podman" = 1 ]; then
    ps_find_podman_place
  else
    ps_find_docker_place
  fi
  case $ps_at in
    '' | unix:* | npipe:* | fd:*) ;;
    *://localhost* | *://127.* | *://\[::1\]* | *@localhost* | *@127.*) ps_far=maybe ;;
    *) ps_far=yes ;;
  esac
}

# Without a client's call where that is not needed: each takes as long as everything else here.
ps_find_docker_place() {
  if [ "$ps_words_count" = 1 ] && [ -n "$DOCKER_HOST" ]; then
    ps_at=$DOCKER_HOST
  elif [ "$ps_words_count" = 1 ] && [ -z "$DOCKER_CONTEXT" ] &&
    ! grep -qs currentContext "${DOCKER_CONFIG:-$HOME/.docker}/config.json"; then
    ps_at=unix:///var/run/docker.sock
  elif ps_call context inspect --format '{{.Endpoints.docker.Host}}'; then
    ps_at=$ps_out
  else
    case $ps_said in
      *context*) ps_fail context ;;
    esac
  fi
}

ps_find_podman_place() {
  if [ "$ps_words_count" = 1 ] && [ -z "$CONTAINER_CONNECTION" ]; then
    ps_at=$CONTAINER_HOST
    return
  fi
  ps_call info --format '{{.Host.ServiceIsRemote}}' || ps_fail info
  [ "$ps_out" != true ] || ps_far=maybe
}

# ps_find_engine: all of the above.
ps_find_engine() {
  ps_find_client
  ps_find_version
  ps_words ps_count_words
}
