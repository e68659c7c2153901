# SPDX-License-Identifier: MIT
"""What the program for Windows connects to: OpenSSH's real server and the demo solver, on Linux, as the integration tests
have them.
"""
import contextlib
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from support import pattern, procs  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.sshd import Sshd, make_key  # noqa: E402
from support.wire import Wire, ended_by, read_exact  # noqa: E402

__all__ = ["FarSolver", "Sshd", "Wire", "demo_solver", "ended_by", "free_port", "make_key", "pattern", "procs", "read_exact"]


def demo_solver(build):
    """The demo solver's program for Linux: of the Linux build if there is one, else it is compiled here, in a second or two."""
    for made in (pathlib.Path(os.environ.get("PENSTOCK_BUILD", TOP / "build" / "ci")), build / "tests" / "linux"):
        if (made / "ppf-cts-server").is_file():
            return made / "ppf-cts-server"
    program = build / "tests" / "linux" / "ppf-cts-server"
    program.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted(map(str, (TOP / "tests" / "solver").glob("*.c")))
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "jansson", "libcrypto"], check=True, capture_output=True, text=True
    ).stdout.split()
    subprocess.run(
        ["cc", "-std=c11", "-O1", "-D_GNU_SOURCE", *sources, "-o", str(program), *flags, "-pthread"], check=True
    )
    return program


class FarSolver:
    """A demo solver's folder, which a gateway launches; or `start()` runs it, as somebody else would."""

    def __init__(self, program, folder):
        self.folder = folder
        self.program = folder / "target" / "release" / "ppf-cts-server"
        self.program.parent.mkdir(parents=True)
        self.program.symlink_to(program)
        self.port = free_port()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [str(self.program), "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def alive(self):
        """Whatever runs out of this folder, by pid."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if pathlib.Path(os.readlink(entry / "cwd")).is_relative_to(self.folder):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)
        for pid in self.alive():
            procs.kill(pid)
