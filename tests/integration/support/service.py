# SPDX-License-Identifier: MIT
"""What a service manager is for a gateway: who is told by sd_notify."""

import socket


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
