# SPDX-License-Identifier: MIT
"""The demo solver: a root that a gateway can launch it from, and running it ourselves."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from . import procs
from .wait import eventually
from .wire import Wire

REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer")


class SolverRoot:
    """A solver's folder as an installation has it. Whatever runs from it is ended by close()."""

    def __init__(self, build, path):
        self.path = Path(path)
        self.program = self.path / "target" / "release" / "ppf-cts-server"
        self.log = self.path / "server.log"
        self.progress = self.path / "progress.log"
        self.program.parent.mkdir(parents=True)
        try:
            os.link(build.solver, self.program)
        except OSError:
            shutil.copy2(build.solver, self.program)

    def pids(self):
        """Pids of what runs from this root (the solver, its children)."""
        return procs.running_from(self.path)

    def pid(self):
        """The one solver that runs from this root, once what has launched it is gone."""
        return eventually(
            lambda: len(self.pids()) == 1 and self.pids(),
            what=lambda: f"expected one solver in {self.path}, found {self.pids()}",
        )[0]

    def kill(self):
        """Ends it all at once, as a crash does, and waits until it is gone."""
        pids = self.pids()
        for pid in pids:
            procs.kill(pid)
        eventually(lambda: not any(procs.alive(pid) for pid in pids), what="the solver does not end")

    def close(self):
        """Ends what is left; fails if a sanitizer complained in the solver's log."""
        procs.end(self.pids())
        eventually(lambda: not procs.watching(self.path), what="who waits for the solver's end does not end")
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        assert not REPORT.search(text), f"sanitizer report of the solver:\n{text}"

    def __str__(self):
        return str(self.path)


class Solver:
    """A demo solver that the test starts itself, as somebody else would before the gateway comes."""

    def __init__(self, build, root, port=0, fault=None, child=False, host="127.0.0.1", args=()):
        self.root = root
        extra = {"DEMO_FAULT": fault, "DEMO_CHILD": "1" if child else None}
        self._log = open(root.log, "ab")
        self.process = subprocess.Popen(
            [str(root.program), "--host", host, "--port", str(port), "--debug", *args],
            cwd=root.path,
            env=build.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self.process.pid

    def wait_ready(self, timeout=10):
        """Waits until the port is bound; returns self, with `port` and `wire`."""
        marker = re.compile(r"^Listening on port (\d+)$", re.M)

        def ready():
            assert self.process.poll() is None, f"the solver ended with {self.process.returncode}: {self.text()}"
            return "SERVER_READY" in self.progress_text() and marker.findall(self.text())

        self.port = int(eventually(ready, timeout, self.text)[-1])
        self.wire = Wire(self.port)
        return self

    def progress_text(self):
        return self.root.progress.read_text() if self.root.progress.exists() else ""

    def text(self):
        return self.root.log.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Sends a signal and waits; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self._log.close()
        return code
