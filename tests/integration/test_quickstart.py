# SPDX-License-Identifier: MIT
"""The README's first command, as it stands there."""

import os
import re
import signal
import subprocess

import pytest

from support.build import CHECKOUT
from support.ports import free_port
from support.wait import eventually
from support.wire import Wire

COMMAND = ["sh", "packaging/quickstart/run"]


class Quickstart:
    """The command in a session of its own, with its output in a file."""

    def __init__(self, log, port, solver_port):
        self.log = log
        environment = {**os.environ, "PORT": str(port), "SOLVER_PORT": str(solver_port)}
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                COMMAND,
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern, timeout):
        def there():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.text()}"
            return re.search(pattern, self.text())

        return eventually(there, timeout, self.text)

    def interrupt(self):
        """Ctrl-C: the terminal sends SIGINT to everybody in its foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.interrupt()


@pytest.fixture
def quickstart(tmp):
    started = []

    def start(port, solver_port):
        made = Quickstart(tmp / f"quickstart{len(started)}.log", port, solver_port)
        started.append(made)
        return made

    yield start
    for each in started:
        each.close()


@pytest.mark.big
@pytest.mark.timeout(900)
def test_the_first_command_serves_until_ctrl_c(quickstart, penstock):
    port, solver_port = free_port(), free_port()
    running = quickstart(port, solver_port)
    running.wait_for(rf"Point Blender at localhost:{port}\b", 800)
    running.wait_for(r"Self-test: a solver answers", 30)
    assert Wire(port).tcmd()["protocol_version"] == "0.18"
    assert penstock.run("probe", f"127.0.0.1:{port}").returncode == 0

    other = quickstart(port, free_port())
    assert other.process.wait(300) == 7
    assert "PORT=" in other.text()

    assert running.interrupt() == 0, running.text()
    with pytest.raises(OSError):
        Wire(solver_port).connect()
