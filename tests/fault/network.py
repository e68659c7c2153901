# SPDX-License-Identifier: MIT
"""A network of a gateway's own, which a test changes without changing that of the machine."""

import contextlib
import os
import socket
import subprocess
import sys

_IS_ROOT = os.geteuid() == 0

# Runs a program in a new network, which has only loopback.
UNDER = ["unshare", "--net", *([] if _IS_ROOT else ["--user", "--map-current-user", "--keep-caps"])]
UNDER += ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]

_LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=256) as made, socket.socket(fileno=0) as out:
    socket.send_fds(out, [b"x"], [made.fileno()])
"""


def _enter(pid):
    return ["nsenter", f"--target={pid}", "--net", *([] if _IS_ROOT else ["--user", "--preserve-credentials"])]


def listener_of(pid):
    """For Relay: listens in the network of a process."""

    def listen(host, port):
        here, there = socket.socketpair()
        with here, there:
            command = [*_enter(pid), sys.executable, "-c", _LISTEN, host, str(port)]
            subprocess.run(command, stdin=there.fileno(), check=True, timeout=20)
            _, descriptors, _, _ = socket.recv_fds(here, 1, 1)
        return socket.socket(fileno=descriptors[0])

    return listen


@contextlib.contextmanager
def one_more_address(pid):
    """The network of a process gets one more address, and loses it again."""
    ip = [*_enter(pid), "ip", "address"]
    subprocess.run([*ip, "add", "192.0.2.1/32", "dev", "lo"], check=True, timeout=20)
    try:
        yield
    finally:
        subprocess.run([*ip, "del", "192.0.2.1/32", "dev", "lo"], check=True, timeout=20)
