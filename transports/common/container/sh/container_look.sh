# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# After container_lib.sh. Which container is it, in what state, and who listens on its port? See container_view.h for
# what is said.
#   ps_container   name or id; "" = that of the compose service ps_service, of project ps_project ("" = whichever)
#   ps_port        of the solver, inside

# What may have a space in it is on a line of its own, and as JSON, which has no line break.
ps_basics='{{.Id}} {{.State.Pid}} {{.State.Running}}{{println}}{{json .HostConfig.NetworkMode}}{{println}}'
ps_labels='{{json (index .Config.Labels "com.docker.compose.project")}}{{println}}'
ps_labels=$ps_labels'{{json (index .Config.Labels "com.docker.compose.container-number")}}{{println}}'
ps_labels=$ps_labels'{{json (index .Config.Labels "com.docker.compose.oneoff")}}{{println}}'

# ps_take_line: the next line of ps_rest becomes ps_line. Not by read, which takes a system call for each byte.
ps_take_line() {
  ps_line=${ps_rest%%"$ps_newline"*}
  ps_rest=${ps_rest#*"$ps_newline"}
}

# ps_take_text: the same of a line that is a text of JSON, without its quotes.
ps_take_text() {
  ps_take_line
  ps_line=${ps_line#\"}
  ps_line=${ps_line%\"}
}

# ps_find_container: sets ps_id, ps_pid, ps_mode and ps_json; ps_id is empty if there is none.
ps_find_container() {
  ps_id='' ps_pid='' ps_mode='' ps_json=''
  if [ -z "$ps_container" ]; then
    ps_find_service
    return
  fi
  # A name may be an image's as well.
  ps_call inspect --type container --format "$ps_basics{{json .}}" -- "$ps_container" || ps_fail inspect
  ps_rest=$ps_out$ps_newline
  ps_take_line
  # shellcheck disable=SC2086
  ps_set_basics $ps_line
  ps_take_text
  ps_mode=$ps_line
  ps_json=${ps_rest%"$ps_newline"}
}

ps_set_basics() {
  ps_id=$1 ps_pid=$2
}

# Of a service's containers the first that runs, else the first. Those of `compose run` are none of them.
ps_find_service() {
  set --
  [ -z "$ps_project" ] || set -- --filter "label=com.docker.compose.project=$ps_project"
  ps_call ps --all --quiet --no-trunc --filter "label=com.docker.compose.service=$ps_service" "$@" || ps_fail ps
  [ -n "$ps_out" ] || return
  # shellcheck disable=SC2086
  ps_call inspect --type container --format "$ps_basics$ps_labels{{json .}}" $ps_out
  # One of them may be gone since.
  [ "$ps_code" = 0 ] || [ -n "$ps_out" ] || ps_fail inspect
  ps_best='' ps_projects=''
  ps_rest=$ps_out$ps_newline
  while [ -n "$ps_rest" ]; do
    ps_take_line
    ps_candidate=$ps_line
    ps_take_text
    ps_candidate_mode=$ps_line
    ps_take_text
    ps_name=$ps_line
    ps_take_text
    ps_rank=$ps_line
    ps_take_text
    ps_oneoff=$ps_line
    ps_take_line
    # shellcheck disable=SC2086
    ps_weigh $ps_candidate
  done
  if [ "${ps_projects#*"$ps_newline"}" != "$ps_projects" ]; then
    ps_code=0 ps_said=$ps_projects
    ps_fail projects
  fi
}

# ps_weigh ID PID RUNNING: is it better than ps_best? Its project is ps_name, its number ps_rank, ps_oneoff says whether it
# is one of `compose run`; ps_line is its JSON.
ps_weigh() {
  case $1 in
    '' | *[!0-9a-f]*) return ;;
  esac
  [ "$ps_oneoff" != True ] || return 0
  case $ps_newline$ps_projects$ps_newline in
    *"$ps_newline$ps_name$ps_newline"*) ;;
    *) ps_projects=${ps_projects:+$ps_projects$ps_newline}$ps_name ;;
  esac
  case $ps_rank in
    '' | *[!0-9]* | ???????*) ps_rank=999999 ;;
  esac
  [ "$3" = true ] || ps_rank=$((ps_rank + 1000000))
  if [ -z "$ps_best" ] || [ "$ps_rank" -lt "$ps_best" ]; then
    ps_best=$ps_rank ps_id=$1 ps_pid=$2 ps_mode=$ps_candidate_mode ps_json=$ps_line
  fi
}

# ps_is_here: is the process of that pid on this machine the container's? Then so is the engine, and what /proc says of
# the process holds inside.
ps_is_here() {
  case $ps_id$ps_pid in
    *[!0-9a-f]*) return 1 ;;
  esac
  # Less of an id is in many a file.
  [ ${#ps_id} -eq 64 ] || return 1
  [ "${ps_pid:-0}" -gt 0 ] 2>/dev/null && grep -qsF "$ps_id" "/proc/$ps_pid/cgroup" "/proc/$ps_pid/mountinfo"
}

# ps_pick: of tables of sockets (proc(5)) those who listen on the port, and that this was a table at all.
ps_pick() {
  ps_hex=$(printf '%04X' "$ps_port")
  sed -n -e '/local_address *rem_address/s/.*/listeners=known/p' \
    -e "/^ *[0-9]*: [0-9A-F]\\{8\\}:$ps_hex [0-9A-F]*:0000 0A /s/^/tcp=/p" \
    -e "/^ *[0-9]*: [0-9A-F]\\{32\\}:$ps_hex [0-9A-F]*:0000 0A /s/^/tcp6=/p" "$@"
}

ps_say_listeners() {
  if [ "$ps_here" = 1 ] && [ -r "/proc/$ps_pid/net/tcp" ]; then
    ps_pick "/proc/$ps_pid/net/tcp" "/proc/$ps_pid/net/tcp6" 2>/dev/null
  else
    # What runs in there may print without an end: nothing of it is kept here.
    ps_engine exec "$ps_id" cat /proc/net/tcp /proc/net/tcp6 </dev/null 2>/dev/null | ps_pick | head -n 64
  fi
}

ps_find_engine
ps_find_place
ps_say engine "$ps_all_words"
ps_say version "$ps_version"
ps_say at "$ps_at"
printf 'word=%s\npodman=%s\nfar=%s\n' "$ps_word" "$ps_podman" "$ps_far"

ps_find_container
ps_here=0
if ps_is_here; then
  ps_here=1
fi
case $ps_far$ps_here in
  yes* | maybe0) printf 'remote=1\n' ;;
  *) printf 'remote=0\n' ;;
esac
[ -n "$ps_id" ] || ps_end ok
printf 'container=%s\n' "$ps_json"
case $ps_mode in
  container:*[!A-Za-z0-9_.-]* | container: | container:-*) ;;
  container:*)
    # Podman takes '{{json .}}' alone for its option to print over many lines.
    if ps_call inspect --type container --format '{{json .}}{{println}}' "${ps_mode#*:}"; then
      printf 'shared=%s\n' "$ps_out"
    fi
    ;;
esac
if [ "${ps_pid:-0}" != 0 ]; then
  ps_say_listeners
fi
ps_end ok
