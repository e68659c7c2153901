# SPDX-License-Identifier: MIT
"""A client of the control socket that is nothing but a socket, as docs/CONTROL.md says it may be."""

import json
import socket
from pathlib import Path

from .wait import eventually


def socket_path(build, gateway, name="lab"):
    """Where a gateway's control socket is."""
    return build.runtime / f"{name}@{gateway.port}.sock"


class Control:
    """Connects and reads the greeting, unless told not to."""

    def __init__(self, path, greet=True, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        eventually(Path(path).exists, what=f"no {path}")
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.events = []
        self.greeting = self.read() if greet else None

    def read(self):
        """The next line; None at the end."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")

    def ask(self, request, **fields):
        """Asks, and returns the answer's line; events that come before it are kept in `events`."""
        self.send({"id": "x", "request": request, **fields})
        while True:
            line = self.read()
            assert line is not None, "closed without an answer"
            if "event" not in line:
                return line
            self.events.append(line)

    def result(self, request, **fields):
        answer = self.ask(request, **fields)
        assert "result" in answer, answer
        return answer["result"]

    def next_event(self, kind=None, where=lambda event: True):
        """The next event of a kind that is so."""
        while True:
            event = self.events.pop(0) if self.events else self.read()
            assert event is not None, "closed before the event"
            if kind in (None, event["event"]) and where(event):
                return event

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
