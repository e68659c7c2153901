# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2016,SC2034
# Inside the container: sh -c THIS sh HOST PORT. Becomes a stream between standard input and output and HOST:PORT, by
# what the container has; script_stream.h says what is printed first, and that the exit status tells a clean end.
#
# What carries a stream must pass on the client's end without ending itself, end itself when the other side has ended
# (an engine's client shows no end of the output before), and fail if the connection is reset: else what was cut off
# looks complete. Found out for each, in the order in which they are taken:
#                     client's end    other side's end            reset while it receives
#   perl, python3     passed on       ends                        fails
#   nc of busybox     passed on       ends                        takes it for an end
#   nc.traditional    with -q         ends                        takes it for an end
#   ncat              passed on       waits: see below            fails
#   socat             with -t         waits: see below            takes it for an end
#   nc.openbsd        with -N         waits: see below            takes it for an end
#   bash, /dev/tcp    not passed on:  ends                        fails: cat does
#                     see below
# A server that ends its own direction and goes on reading loses what the client sends after that: the end of the output
# is only seen with the end of all. A client that gives up looks like one that has ended its own direction: an engine
# reads on for it, so the server goes on sending to nobody until it has sent all. All but nc.openbsd fail if the
# connection is reset while they send.

ps_has() {
  command -v "$1" >/dev/null 2>&1
}

# Where perl or python3 connect, they say themselves how that went.
ps_perl='
$SIG{PIPE} = "IGNORE";
my ($host, $port) = @ARGV;
sub say_it { syswrite(STDOUT, "penstock-stream: $_[0]\n") }
my ($family, $address);
if ($host =~ /^\d+(\.\d+){3}$/) {
  ($family, $address) = (2, pack("S n C4 x8", 2, $port, split(/\./, $host)));
} else {
  require Socket;
  $family = Socket::AF_INET6();
  $address = Socket::pack_sockaddr_in6($port, Socket::inet_pton($family, $host));
}
my $socket;
if (!socket($socket, $family, 1, 0) || !connect($socket, $address)) {
  say_it($! + 0 == 111 ? "refused nobody listens at $host:$port in the container"
                       : "failed no connection to $host:$port in the container: $!");
  exit 0;
}
setsockopt($socket, 6, 1, pack("l", 1));
say_it("open");
sub copy {
  my ($from, $to) = @_;
  my $data;
  for (;;) {
    my $count = sysread($from, $data, 262144);
    next if !defined $count && $! + 0 == 4;
    return defined $count if !$count;
    for (my $at = 0; $at < $count;) {
      my $written = syswrite($to, $data, $count - $at, $at);
      next if !defined $written && $! + 0 == 4;
      return 0 if !defined $written;
      $at += $written;
    }
  }
}
my $sender = fork;
die "fork: $!" if !defined $sender;
if (!$sender) {
  close(STDOUT);
  my $is_good = copy(\*STDIN, $socket);
  shutdown($socket, 1) if $is_good;
  exit !$is_good;
}
close(STDIN);
my $is_good = copy($socket, \*STDOUT);
$is_good = 0 if waitpid($sender, 1) == $sender && $?;
kill 9, $sender;
exit !$is_good;
'
ps_python='
import os, socket, sys, threading
host, port = sys.argv[1], int(sys.argv[2])
def say(text):
    os.write(1, ("penstock-stream: %s\n" % text).encode())
try:
    connection = socket.create_connection((host, port))
except ConnectionRefusedError:
    say("refused nobody listens at %s:%d in the container" % (host, port))
    os._exit(0)
except OSError as error:
    say("failed no connection to %s:%d in the container: %s" % (host, port, error))
    os._exit(0)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
say("open")
lost = []
def send():
    room = memoryview(bytearray(262144))
    try:
        while True:
            count = os.readv(0, [room])
            if not count:
                break
            connection.sendall(room[:count])
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        lost.append(1)
threading.Thread(target=send, daemon=True).start()
room = memoryview(bytearray(262144))
try:
    while True:
        data = room[:connection.recv_into(room)]
        if not data:
            break
        while data:
            data = data[os.write(1, data):]
except OSError:
    lost.append(1)
os._exit(1 if lost else 0)
'

if ps_has perl; then
  exec perl -e "$ps_perl" "$1" "$2"
fi
if ps_has python3; then
  exec python3 -IS -c "$ps_python" "$1" "$2"
fi

# ps_check PORT: ends the script if nobody listens there, for what could not say so itself. Nothing can be found out in
# a container without /proc.
ps_check() {
  [ -r /proc/net/tcp ] || return 0
  ps_hex=$(printf '%04X' "$1")
  for ps_table in /proc/net/tcp /proc/net/tcp6; do
    while read -r ps_x ps_local ps_x ps_state ps_x; do
      [ "${ps_local##*:} $ps_state" != "$ps_hex 0A" ] || return 0
    done 2>/dev/null <"$ps_table"
  done
  printf 'penstock-stream: refused nobody listens on port %s in the container\n' "$1"
  exit 0
}

ps_nc=
if ps_has nc; then
  ps_nc=$(nc -h 2>&1 </dev/null)
fi
case $ps_nc in
  *BusyBox*)
    ps_check "$2"
    echo 'penstock-stream: open'
    exec nc "$1" "$2"
    ;;
  *'[v1.1'*)
    ps_check "$2"
    echo 'penstock-stream: open'
    exec nc -q 86400 "$1" "$2"
    ;;
esac
if ps_has busybox && busybox nc -h 2>&1 </dev/null | grep BusyBox >/dev/null; then
  ps_check "$2"
  echo 'penstock-stream: open'
  exec busybox nc "$1" "$2"
fi

# The others wait for the client's end when the other side has ended, which many clients do not make before they see
# that one. So the client's end is made for them, once the other side has ended (state 08, CLOSE_WAIT) and all that it
# sent is read: to kill them would lose what they have not written yet.
ps_waits=
case $ps_nc in
  *OpenBSD*) ps_waits="nc -N $1 $2" ;;
  *Ncat*) ps_waits="nc $1 $2" ;;
esac
if ps_has ncat; then
  ps_waits="ncat $1 $2"
elif ps_has socat; then
  case $1 in
    *:*) ps_waits="socat -b 262144 -t 86400 - TCP6:[$1]:$2,nodelay" ;;
    *) ps_waits="socat -b 262144 -t 86400 - TCP4:$1:$2,nodelay" ;;
  esac
fi

# ps_find_socket PID: sets ps_inode to the socket that the process has.
ps_find_socket() {
  ps_inode=$(ls -l "/proc/$1/fd" 2>/dev/null)
  ps_inode=${ps_inode##*socket:\[}
  ps_inode=${ps_inode%%\]*}
}

# ps_look: sets ps_end to what the connection has come to: "", over (the other side has ended, and nothing of it is
# unread) or gone (it is no connection any more, whatever its process waits for).
ps_look() {
  ps_end=gone
  for ps_table in /proc/net/tcp /proc/net/tcp6; do
    while read -r ps_x ps_x ps_x ps_state ps_queues ps_x ps_x ps_x ps_x ps_number ps_x; do
      if [ "$ps_number" = "$ps_inode" ]; then
        ps_end=
        [ "$ps_state ${ps_queues#*:}" != '08 00000000' ] || ps_end=over
        return
      fi
    done 2>/dev/null <"$ps_table"
  done
}

# ps_carry COMMAND...: carries the stream by that.
ps_carry() {
  exec 3<&0 </dev/null
  trap 'rm -f "$ps_pipe"' EXIT
  cat <&3 >"$ps_pipe" 2>/dev/null &
  ps_feeder=$!
  "$@" <"$ps_pipe" 3<&- &
  exec 3<&-
  ps_inode='' ps_end='' ps_code=0
  while kill -0 $! 2>/dev/null; do
    sleep 0.05 2>/dev/null || sleep 1
    ps_before=$ps_end
    case $ps_inode in
      '' | *[!0-9]*) ps_find_socket $! ;;
      *) ps_look ;;
    esac
    case $ps_before.$ps_end in
      *.over) ps_code=0 ;;
      gone.gone) ps_code=1 ;; # and not only on its way to its end
      *) continue ;;
    esac
    kill "$ps_feeder" 2>/dev/null
    break
  done
  wait $! && exit "$ps_code"
}

if [ -n "$ps_waits" ] && [ -r /proc/net/tcp ] && ps_has ls && ps_has sleep && ps_has cat && ps_has mkfifo; then
  for ps_folder in /dev/shm /tmp /run .; do
    ps_pipe=$ps_folder/.penstock-stream-$$
    if mkfifo -m 600 "$ps_pipe" 2>/dev/null; then
      ps_check "$2"
      echo 'penstock-stream: open'
      # shellcheck disable=SC2086 # host and port are a number each
      ps_carry $ps_waits
      exit
    fi
  done
fi

# No shell can end one direction of a connection: a client that ends its own and waits for an answer waits in vain, and
# one that is gone is not told from it. So once the client has ended and nothing has come for ps_quiet seconds, the
# connection is ended: the solver may hold it for ever.
ps_quiet=30
if ps_has bash && ps_has cat; then
  ps_check "$2"
  exec bash --norc -c '
    if ! exec 5<>"/dev/tcp/$1/$2"; then
      echo "penstock-stream: failed no connection to $1:$2 in the container"
      exit 0
    fi 2>/dev/null
    echo "penstock-stream: open"
    exec 6<&0
    cat <&5 5<&- 6<&- &
    receiver=$!
    watch() {
      exec 5<&- 6<&- >/dev/null 2>&1
      read -r # ends with the last who has the other end: the sender
      came= silent=0
      while [ "$silent" -lt "$1" ] && kill -0 "$receiver" && sleep 1; do
        before=$came came=
        while read -r name count; do
          [ "$name" != rchar: ] || came=$count
        done <"/proc/$receiver/io"
        [ -n "$came" ] || exit
        if [ "$came" = "$before" ]; then silent=$((silent + 1)); else silent=0; fi
      done
      [ "$silent" -lt "$1" ] || kill "$receiver"
    }
    [ ! -e /dev/fd/0 ] || exec 7> >(watch "$3")
    cat <&6 >&5 2>/dev/null &
    sender=$!
    exec 7>&-
    wait "$receiver"
    code=$?
    kill "$sender" 2>/dev/null
    exit $code
  ' bash "$1" "$2" "$ps_quiet"
fi

echo 'penstock-stream: impossible the container has none of perl, python3, nc, ncat, socat and bash to carry a stream'
