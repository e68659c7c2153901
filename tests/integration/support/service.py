# SPDX-License-Identifier: MIT
"""What a service manager is for a gateway: who is told by sd_notify, and who passes a listening socket."""

import socket
import sys

# Does what systemd does for a service with a socket unit: descriptors from 3 on, and whose they are in the environment.
PASS = """
import fcntl, os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
kept = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10 + len(fds)) for fd in fds]
for number, fd in enumerate(kept):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_FDS=str(len(kept)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="penstock.socket")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def passing(*sockets):
    """Arguments of the `gateway` fixture for one that gets these sockets."""
    fds = [each.fileno() for each in sockets]
    return {"under": [sys.executable, "-c", PASS, ",".join(map(str, fds))], "pass_fds": fds}


class Manager:
    """Listens on $NOTIFY_SOCKET."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(timeout)
        self.env = {"NOTIFY_SOCKET": str(path)}

    def next(self, name, where=lambda value: True):
        """Waits for the next message that has such a value of a name; returns the whole of it as a dict."""
        seen = []
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"no {name} in {seen}") from None
            seen.append(text)
            told = dict(line.split("=", 1) for line in text.splitlines())
            if name in told and where(told[name]):
                return told

    def close(self):
        self.socket.close()
