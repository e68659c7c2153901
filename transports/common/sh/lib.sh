# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2012,SC2034,SC2088,SC2154
# What the scripts of the process runtime share: POSIX sh for dash, bash and busybox, on Linux and macOS.
#
# Values come as variables that are set before this text (see process_scripts.h). All names begin with ps_,
# so that they cannot meet a variable of the user's environment. What is found out is said as lines
# key=value; the gateway makes the words for the user from `outcome`.

# What an environment may turn on in the shell that has it: another IFS, -e -f -u -x (SHELLOPTS), a limit for read.
unset IFS TMOUT
set +efux
ps_newline='
'
ps_record=.penstock-$ps_port.solver

# ps_say KEY VALUE: one line for each line of the value.
ps_say() {
  ps_rest=$2
  while :; do
    case $ps_rest in
      *"$ps_newline"*)
        printf '%s=%s\n' "$1" "${ps_rest%%"$ps_newline"*}"
        ps_rest=${ps_rest#*"$ps_newline"}
        ;;
      *)
        printf '%s=%s\n' "$1" "$ps_rest"
        return 0
        ;;
    esac
  done
}

# ps_end OUTCOME [PATH]: the last word of a script.
ps_end() {
  ps_say outcome "$1"
  [ $# -lt 2 ] || ps_say path "$2"
  exit 0
}

# ps_nap: a twentieth of a second, or a whole one where sleep knows no fractions. ps_naps counts twentieths.
ps_naps=0
ps_nap() {
  if sleep 0.05 2>/dev/null; then
    ps_naps=$((ps_naps + 1))
  else
    sleep 1
    ps_naps=$((ps_naps + 20))
  fi
}

# --- the folder and the program -------------------------------------------------------------------

# ps_expand PATH [FOLDER]: sets ps_path to it, with a leading ~ replaced, else below FOLDER if it is relative.
ps_expand() {
  case $1 in
    '~') ps_path=$HOME ;;
    '~/'*) ps_path=$HOME/${1#'~/'} ;;
    /*) ps_path=$1 ;;
    *) ps_path=${2%/}/$1 ;;
  esac
}

# ps_find_program FOLDER: sets ps_found to the program that a solver in FOLDER would have; fails if it is not there.
ps_find_program() {
  if [ -n "$ps_program" ]; then
    ps_expand "$ps_program" "$1"
    ps_found=$ps_path
  elif [ -e "${1%/}/target/release/ppf-cts-server" ] || [ ! -e "${1%/}/server.py" ]; then
    ps_found=${1%/}/target/release/ppf-cts-server
  else
    ps_found=${1%/}/server.py
  fi
  [ -e "$ps_found" ]
}

# ps_find_root: goes to the solver's folder, which is ps_root or up to six folders above it. Sets ps_root and
# ps_found; fails with ps_problem and ps_path.
ps_find_root() {
  ps_expand "$ps_root" "$PWD"
  ps_problem=no_root
  [ -e "$ps_path" ] || return 1
  [ -d "$ps_path" ] || ps_path=${ps_path%/*}
  ps_problem=root_closed
  cd "${ps_path:-/}" 2>/dev/null || return 1
  ps_root=$PWD
  for ps_level in 0 1 2 3 4 5 6; do
    if ps_find_program "$PWD"; then
      ps_root=$PWD
      return 0
    fi
    cd .. 2>/dev/null || break
  done
  cd "$ps_root" || return 1
  ps_find_program "$ps_root"
  ps_path=$ps_found
  ps_problem=no_program
  return 1
}

# ps_check_root: all that a launch needs of the folder. Changes nothing. Ends the script if something is missing.
ps_check_root() {
  ps_find_root || ps_end "$ps_problem" "$ps_path"
  [ ! -d "$ps_found" ] || ps_end not_program "$ps_found"
  case $ps_found in
    *.py) [ -r "$ps_found" ] || ps_end not_program "$ps_found" ;;
    *) [ -x "$ps_found" ] || ps_end not_program "$ps_found" ;;
  esac
  [ -w . ] || ps_end root_unwritable "$ps_root"
  for ps_file in server.log progress.log; do
    if [ -e "$ps_file" ] && { [ -d "$ps_file" ] || [ ! -w "$ps_file" ]; }; then
      ps_end file_unwritable "${ps_root%/}/$ps_file"
    fi
  done
  # The line after the heading: name, blocks, used, available. A name with spaces is not worth a wrong answer.
  ps_space=$(df -Pk . 2>/dev/null | {
    read -r ps_x
    read -r ps_x ps_x ps_x ps_space ps_x
    printf %s "$ps_space"
  })
  case $ps_space in
    '' | *[!0-9]*) ;;
    *) [ "$ps_space" -ge 1024 ] || ps_end disk_full "$ps_root" ;;
  esac
}

# --- who is who -----------------------------------------------------------------------------------

# ps_boot: sets ps_boot_now, which changes when the machine starts anew.
ps_boot() {
  [ -z "$ps_boot_now" ] || return 0
  if [ -r /proc/sys/kernel/random/boot_id ]; then
    read -r ps_boot_now </proc/sys/kernel/random/boot_id
  else
    ps_boot_now=$(sysctl -n kern.boottime 2>/dev/null | tr -d ' ')
  fi
}
ps_boot_now=

# ps_look_at PID: sets ps_start (when it began) and ps_group; fails if it does not run (a zombie does not).
ps_look_at() {
  ps_stat=
  if [ -r /proc/self/stat ]; then
    # Without a child process, since this is what waiting does most.
    { while read -r ps_line; do ps_stat=$ps_stat$ps_line; done <"/proc/$1/stat"; } 2>/dev/null
    # The second field is the program's name in brackets, which may hold anything, a newline too.
    # shellcheck disable=SC2086
    set -- ${ps_stat##*") "}
    case $1 in
      '' | Z | X) return 1 ;;
    esac
    ps_group=$3
    ps_start=${20}
  else
    ps_stat=$(ps -o stat= -p "$1" 2>/dev/null) || return 1
    case $ps_stat in
      '' | Z*) return 1 ;;
    esac
    ps_group=$(ps -o pgid= -p "$1" | tr -d ' ')
    ps_start=$(LC_ALL=C ps -o lstart= -p "$1" | tr -s ' ' '_')
  fi
}

# ps_has_token PID: does its environment hold the record's token? 0 yes, 1 no, 2 there is none to be read: in the middle
# of an exec, or where the system keeps it to itself.
ps_has_token() {
  ps_environment_of=$({ tr '\000' '\n' <"/proc/$1/environ"; } 2>/dev/null)
  case $ps_newline$ps_environment_of$ps_newline in
    *"${ps_newline}PENSTOCK_TOKEN=$ps_was_token$ps_newline"*) return 0 ;;
    "$ps_newline$ps_newline") return 2 ;;
  esac
  return 1
}

# ps_read_record FILE: sets ps_pid, ps_was_start, ps_was_boot, ps_was_token, ps_log, ps_progress; fails if it is no record.
ps_read_record() {
  ps_pid='' ps_was_start='' ps_was_boot='' ps_was_token='' ps_log='' ps_progress=''
  [ -f "$1" ] && [ -r "$1" ] || return 1
  while read -r ps_line; do
    case $ps_line in
      pid=*) ps_pid=${ps_line#*=} ;;
      start=*) ps_was_start=${ps_line#*=} ;;
      boot=*) ps_was_boot=${ps_line#*=} ;;
      token=*) ps_was_token=${ps_line#*=} ;;
      log=*) ps_log=${ps_line#*=} ;;
      progress=*) ps_progress=${ps_line#*=} ;;
    esac
  done <"$1"
  case $ps_pid in
    '' | *[!0-9]* | 0* | 1) return 1 ;;
  esac
  case $ps_was_token in
    '' | *[!0-9a-f]*) return 1 ;;
  esac
  [ ${#ps_was_token} -eq 32 ] && [ -n "$ps_was_start" ]
}

# ps_is_recent: is the record of this life of this machine?
ps_is_recent() {
  ps_boot
  [ "$ps_was_boot" = "$ps_boot_now" ]
}

# ps_runs: does the solver of the record run? The pid alone proves nothing: pids are used again.
ps_runs() {
  ps_is_recent && ps_look_at "$ps_pid" && [ "$ps_start" = "$ps_was_start" ] || return 1
  ps_has_token "$ps_pid"
  [ $? -ne 1 ]
}

# ps_family: prints the pids of all that inherited the record's token, which proves each of them. Not by a grep for names
# of files: that of busybox sees nothing behind a NUL.
ps_family() {
  tail -n +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' |
    sed -n -e '/^==> \/proc\/[0-9]*\/environ <==$/{' -e 's/[^0-9]//g' -e 'h' -e 'd' -e '}' \
      -e "/^PENSTOCK_TOKEN=$ps_was_token\$/{" -e 'g' -e 'p' -e '}'
}

# ps_is_proven: is the solver of the record what was launched? Only a signal needs as much: who can write into the folder
# can write a record of any process, and some show no environment. Where the system shows none at all, pid, start and
# boot must do.
ps_is_proven() {
  [ -r /proc/self/environ ] || return 0
  for ps_try in 1 2 3 4 5; do
    ps_has_token "$ps_pid"
    case $? in
      0) return 0 ;;
      1) return 1 ;;
    esac
    ps_nap
  done
  return 1
}

# ps_signal NAME: to the record's solver and its group, and to all of its family that left the group.
ps_signal() {
  ps_led=
  if ps_runs && ps_is_proven; then
    if [ "$ps_group" = "$ps_pid" ]; then
      ps_led=$ps_group
      kill "-$1" "-$ps_group" 2>/dev/null
    else
      kill "-$1" "$ps_pid" 2>/dev/null
    fi
  fi
  for ps_member in $(ps_family); do
    if ps_look_at "$ps_member" && [ "$ps_group" != "$ps_led" ] && [ "$ps_member" != "$ps_pid" ]; then
      kill "-$1" "$ps_member" 2>/dev/null
    fi
  done
}

ps_any_left() {
  ps_runs || [ -n "$(ps_family)" ]
}

# ps_await_end SECONDS: fails if some are left after that time. By the clock: on a busy machine a look takes longer than
# the nap after it.
ps_await_end() {
  ps_until=$(($(date +%s) + $1))
  while ps_any_left; do
    [ "$(date +%s)" -le "$ps_until" ] || return 1
    ps_nap
  done
}

# ps_end_tree SECONDS: ends the record's solver with all its children: they hold the listening socket as well. So long
# do they have to end by themselves.
ps_end_tree() {
  ps_signal TERM
  ps_await_end "$1" && return 0
  ps_signal KILL
  ps_await_end 2
}

# --- who holds the port ---------------------------------------------------------------------------

# ps_find_listener [wide]: is something listening where the solver would? Sets ps_inode and ps_holder_uid, or
# ps_holder, ps_holder_name and ps_holder_uid. `wide` counts listeners on all IPv6 addresses: they may serve IPv4
# as well, but are no proof that the port is taken.
ps_find_listener() {
  ps_inode='' ps_holder='' ps_holder_name='' ps_holder_uid='' ps_best=0
  if [ ! -r /proc/net/tcp ]; then
    ps_ask_lsof
    return
  fi
  ps_hex_here='' ps_hex_there='' ps_table=/proc/net/tcp
  case $ps_host in
    *:*) ps_table= ;; # who listens on an IPv4 address is not in the way of an IPv6 one
    *[!0-9.]*) ;;
    *.*.*.*)
      IFS=.
      # shellcheck disable=SC2086
      set -- "$1" $ps_host
      unset IFS
      ps_hex_here=$(printf '%02X%02X%02X%02X' "$5" "$4" "$3" "$2")
      ps_hex_there=$(printf '%02X%02X%02X%02X' "$2" "$3" "$4" "$5")
      ;;
  esac
  ps_hex_port=$(printf '%04X' "$ps_port")
  # shellcheck disable=SC2086
  ps_listeners=$(grep -hs ":$ps_hex_port [0-9A-F]*:0000 0A " $ps_table /proc/net/tcp6)
  while read -r ps_x ps_local ps_x ps_x ps_x ps_x ps_x ps_uid ps_x ps_number ps_x; do
    case ${ps_local%:*} in
      '') ps_rank=0 ;;
      00000000) ps_rank=2 ;;
      00000000000000000000000000000000) ps_rank=1 ;;
      *"$ps_hex_here" | *"$ps_hex_there") ps_rank=3 ;;
      *) ps_rank=0 ;;
    esac
    [ -n "$ps_hex_here" ] || [ "$ps_rank" -ne 1 ] || ps_rank=2
    if [ "$ps_rank" -gt "$ps_best" ]; then
      ps_best=$ps_rank ps_inode=$ps_number ps_holder_uid=$ps_uid
    fi
  done <<LISTENERS
$ps_listeners
LISTENERS
  [ "$ps_best" -ge 2 ] || { [ "$1" = wide ] && [ "$ps_best" -eq 1 ]; }
}

ps_ask_lsof() {
  while read -r ps_line; do
    case $ps_line in
      p*) [ -n "$ps_holder" ] || ps_holder=${ps_line#p} ;;
      c*) [ -n "$ps_holder_name" ] || ps_holder_name=${ps_line#c} ;;
      u*) [ -n "$ps_holder_uid" ] || ps_holder_uid=${ps_line#u} ;;
    esac
  done <<LISTENERS
$(PATH=$PATH:/usr/sbin:/sbin lsof -nP -iTCP:"$ps_port" -sTCP:LISTEN -Fpcu 2>/dev/null)
LISTENERS
  [ -n "$ps_holder" ]
}

# ps_say_holder: says all that can be known of the listener that was found.
ps_say_holder() {
  if [ -n "$ps_inode" ]; then
    # The first of those that hold it: the parent, where children inherited it.
    ps_holder=$(
      ls -l /proc/[0-9]*/fd/ 2>/dev/null |
        sed -n -e '/^\/proc\/[0-9]*\/fd\/:$/{' -e 's/[^0-9]//g' -e h -e '}' \
          -e "/socket:\\[$ps_inode\\]\$/{" -e g -e p -e '}' |
        sort -n | head -n 1
    )
    [ -z "$ps_holder" ] || ps_holder_name=$(cat "/proc/$ps_holder/comm" 2>/dev/null)
  fi
  [ -z "$ps_holder" ] || ps_say holder_pid "$ps_holder"
  [ -z "$ps_holder_name" ] || ps_say holder_name "$ps_holder_name"
  [ -z "$ps_holder_uid" ] || ps_say holder_user "$(id -un "$ps_holder_uid" 2>/dev/null || printf %s "$ps_holder_uid")"
}

# ps_say_tail: the log's last lines.
ps_say_tail() {
  tail -c 16384 "$ps_log" 2>/dev/null | tail -n 20 | tr -d '\000' | sed 's/^/log=/'
}
