# SPDX-License-Identifier: MIT
"""A solver in a container behind a gateway, what befalls the container, and how soon the solver serves again."""

import datetime
import threading
import time
from pathlib import Path

from support import procs
from support.wait import eventually

# How streams reach the solver: keys of a profile, and options of `docker run`.
WAYS = {
    "published": ({"reach": "published"}, ("--publish", "127.0.0.1::9090")),
    "bridge": ({"reach": "bridge"}, ()),
    "exec": ({"reach": "exec"}, ()),
}
# What clients do. Not "send", for which the solver's folder must be on this machine.
KINDS = ("source", "receive", "sink", "echo", "tcmd")
# What needs no file, which is gone with a container that is made anew.
ANEW = ("source", "sink", "echo", "tcmd")
# What the container of an image runs by itself: `--init`, and the command of support.images.
OWN = ("/sbin/docker-init ", "/bin/sleep infinity")


class Wreck:
    """Made by the `wreck` fixture; it serves."""

    def __init__(self, engine, make, start_gateway, way, image, options, keys):
        self.engine, self.image, self._make = engine, image, make
        way_keys, way_options = WAYS[way]
        self.options = [*way_options, *options]
        self.box = make(engine, *self.options, image=image)
        root = {} if image == "tools" else {"root": None}  # there the container's own command is the solver
        self.gateway = start_gateway(self.box, **{**way_keys, **root, "restart_limit": 1000, **keys})
        self.gateway.wait_serving(60)
        self.wire = self.gateway.wire
        self.wire.timeout = 40  # held for 20 s, and then opened by an engine that may take some, too

    def make_again(self):
        """A new container of the same name, once the old one is removed."""
        self.box = self._make(self.engine, *self.options, image=self.image, name=self.box.name)

    def answered_at(self, timeout=40):
        """Makes new connections until one is answered; returns when (time.time)."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                assert self.wire.tcmd(timeout=25)["protocol_version"] == "0.18"
                return time.time()
            except (OSError, ValueError) as error:  # cut
                assert time.monotonic() < deadline, f"{error!r}\n{self.gateway.story()}"

    def is_answered(self):
        return self.answered_at() > 0

    def helpers(self):
        """Command lines of what runs in the container besides its own command, its init and the solver."""
        lines = [_command_line(pid) for pid in self.box.pids() if procs.alive(pid)]
        return [line for line in lines if line and not line.startswith(OWN) and "/ppf-cts-server" not in line]

    def served_again(self, befall):
        """Calls `befall`, which ends the solver and has the container up again, and asks for the solver meanwhile.

        Returns how long after the container's start a new connection was answered, in seconds.
        """
        solver = self.box.solver()
        thread = Background(befall)
        eventually(lambda: not procs.alive(solver), 30, "the solver lives on")
        answered = self.answered_at()
        thread.end()
        return answered - started_at(self.box)


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # it has just gone


class Background(threading.Thread):
    """Calls something on a thread of its own."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self._call, self._error = call, None
        self.start()

    def run(self):
        try:
            self._call()
        except BaseException as error:
            self._error = error

    def end(self):
        """Waits for its end; raises what it has raised."""
        self.join(60)
        assert not self.is_alive(), "it does not end"
        if self._error:
            raise self._error


def started_at(box):
    """When the container was last started, as time.time() has it."""
    text = box.state["StartedAt"]  # 2026-11-25T03:52:09.123456789Z; the calendar's module knows six digits
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return moment + float(f"0.{fraction or 0}")


def yardstick(engine, box):
    """How long the engine's client takes to run nothing in a container now, in seconds; 0.1 on a machine at rest."""
    began = time.monotonic()
    engine.do("exec", box.id, "/bin/true")
    return time.monotonic() - began
