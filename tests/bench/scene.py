# SPDX-License-Identifier: MIT
"""What stands around the ways that are compared: servers to reach, SSH servers to go through, a long way."""

import contextlib
import subprocess

import usage
from support.solver import Solver, SolverRoot
from support.sshd import Sshd


class Helper:
    """A program of ours that prints the port on which it listens."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError(f"{command[0]} ended with {self.process.returncode}")
        self.port = int(line)

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


class Far:
    """An SSH server of one way's own, so that its CPU time is this way's; behind a long way, if there is a delay."""

    def __init__(self, sshd, port):
        self.sshd = sshd
        self.port = port

    def cpu(self):
        return usage.cpu_seconds(self.sshd.process.pid)

    def profile(self, **keys):
        return self.sshd.profile(port=self.port, **keys)


class Scene:
    """All of it for one group of ways; ended by close()."""

    def __init__(self, build, programs, tmp, more_keys):
        """programs: the folder of our load programs; more_keys: what every profile of penstock has besides."""
        self.build = build
        self.programs = programs
        self.tmp = tmp
        self.more_keys = more_keys
        self._close = contextlib.ExitStack()
        try:
            self.load = self.add(Helper([programs / "penstock_load", "serve"]))
        except BaseException:
            self.close()
            raise

    def close(self):
        self._close.close()

    def add(self, thing):
        """Has it closed at the end."""
        return self._close.enter_context(contextlib.closing(thing))

    def folder(self, name):
        """A new folder."""
        path = self.tmp / name
        path.mkdir(mode=0o700)
        return path

    def far(self, name, config=(), round_trip_ms=0):
        """A new SSH server."""
        sshd = Sshd(self.tmp / f"sshd-{name}", config=config)
        self._close.callback(sshd.stop)
        if not round_trip_ms:
            return Far(sshd, sshd.port)
        command = [self.programs / "penstock_delay", "--to", sshd.port, "--delay", round_trip_ms * 500]
        port = self.add(Helper(command)).port
        with open(sshd.known_hosts, "a") as file:
            file.writelines(line.replace(f":{sshd.port} ", f":{port} ") for line in sshd.known_hosts_lines())
        return Far(sshd, port)

    def solver(self, name):
        """A demo solver that runs; its root and its port."""
        root = self.add(SolverRoot(self.build, self.tmp / name))
        solver = Solver(self.build, root)
        self._close.callback(solver.stop)
        return solver.wait_ready()
