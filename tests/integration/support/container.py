# SPDX-License-Identifier: MIT
"""A container of a test: what it is, what runs in it, and what happens to it."""

import os
import subprocess
from pathlib import Path

from . import procs
from .wait import eventually

ROOT = "/root/ppf"
PROGRAM = f"{ROOT}/target/release/ppf-cts-server"


class Container:
    """Made by the `container` fixture, which removes it at the end of the test."""

    def __init__(self, engine, name):
        self.engine = engine
        self.name = name
        self.id = engine.inspect(name)["Id"]

    def __str__(self):
        return self.name

    # -- what it is ---------------------------------------------------------------------------------

    def inspect(self):
        return self.engine.inspect(self.id)

    @property
    def state(self):
        return self.inspect()["State"]

    @property
    def address(self):
        """Its own address, on the one network that it is in."""
        return next(iter(self.inspect()["NetworkSettings"]["Networks"].values()))["IPAddress"]

    @property
    def port(self):
        """The port of the host on which 9090 is published."""
        return int(self.inspect()["NetworkSettings"]["Ports"]["9090/tcp"][0]["HostPort"])

    def logs(self):
        done = self.engine.attempt("logs", self.id)
        return (done.stdout + done.stderr).decode(errors="replace")

    # -- what runs in it ----------------------------------------------------------------------------

    def pids(self):
        """Pids (this machine's) of all that runs in it."""
        first = self.state["Pid"]
        if not first:
            return []
        space = os.readlink(f"/proc/{first}/ns/pid")
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.readlink(f"/proc/{entry}/ns/pid") == space:
                    found.append(int(entry))
            except OSError:
                pass
        return found

    def solvers(self):
        """Pids of the solvers that run in it."""
        return [pid for pid in self.pids() if procs.program(pid).endswith("/ppf-cts-server")]

    def solver(self):
        """The one solver that runs in it, once what has launched it is gone."""
        return eventually(
            lambda: len(self.solvers()) == 1 and self.solvers(),
            what=lambda: f"expected one solver in {self.name}, found {self.solvers()}",
        )[0]

    def command(self, pid=None):
        """The words of a process's command line, none if it has gone; of the solver's without `pid`."""
        try:
            words = Path(f"/proc/{pid or self.solver()}/cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            return []
        return [os.fsdecode(word) for word in words]

    def environ(self, pid=None):
        """The solver's environment."""
        pairs = Path(f"/proc/{pid or self.solver()}/environ").read_bytes().split(b"\0")
        return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if pair)

    def option(self, name, pid=None):
        """The value of an option of the solver's command line; None if it is not there."""
        words = self.command(pid)
        return words[words.index(name) + 1] if name in words else None

    def path(self, inside):
        """A file of a running container, as this machine sees it. Links in it that are absolute lead astray."""
        return Path(f"/proc/{self.state['Pid']}/root") / str(inside).lstrip("/")

    def exec(self, *command, options=()):
        """Runs a command in it; returns what it printed."""
        return self.engine.do("exec", *options, self.id, *command)

    # -- what happens to it -------------------------------------------------------------------------

    def start(self):
        self.engine.do("start", self.id)

    def stop(self):
        self.engine.do("stop", "--time=1", self.id)

    def kill(self):
        self.engine.do("kill", self.id)

    def restart(self):
        self.engine.do("restart", "--time=0", self.id)

    def pause(self):
        self.engine.do("pause", self.id)

    def unpause(self):
        self.engine.do("unpause", self.id)

    def remove(self):
        """Removes it, whatever its state."""
        self.engine.remove(self.id)

    def kill_solver(self):
        """Ends the solver at once, as a crash does; the container lives on."""
        pid = self.solver()
        procs.kill(pid)
        eventually(lambda: not procs.alive(pid), what="the solver does not end")

    # -- to be used again ---------------------------------------------------------------------------

    def remember(self):
        """For clean() and is_as_before(): its init and its command belong to it, once the one has started the other."""
        self._first = set(eventually(lambda: len(self.pids()) > 1 and self.pids()))
        self._started = self.state["StartedAt"]

    def is_as_before(self):
        """Is it there, and running without a pause since remember()?"""
        try:
            state = self.state
        except AssertionError:
            return False
        return state["Status"] == "running" and state["StartedAt"] == self._started

    def clean(self):
        """Ends what was started in it, and deletes what it left where solvers are launched."""
        left = [pid for pid in self.pids() if pid not in self._first]
        for pid in left:
            procs.kill(pid)
        eventually(lambda: not any(procs.alive(pid) for pid in left))
        for folder in (ROOT, "/home/user", "/srv", "/tmp"):
            for path in self.path(folder).glob("*"):  # none if there is no such folder
                if path.name != "target":
                    subprocess.run(["rm", "-rf", str(path)], check=True)
