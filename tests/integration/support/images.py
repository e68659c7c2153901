# SPDX-License-Identifier: MIT
"""Images of the container tests, made of what this machine has: the demo solver, busybox, and helpers with their
libraries."""

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

from .container import PROGRAM, ROOT

SLEEP = ["/bin/sleep", "infinity"]
SOLVER = [PROGRAM, "--host", "0.0.0.0"]
BUSYBOX = "/bin/busybox"
# Applets that could carry a connection: not all images have one.
CARRIERS = {"nc", "telnet", "tcpsvd", "wget"}
SHELLS = {"sh", "ash", "bash", "hush"}

# name: (what is in it, its command). See Images.
IMAGES = {
    "tools": (["shell", "nc"], SLEEP),  # busybox with all of its tools
    "solver": (["shell", "nc"], SOLVER),  # the same, and the solver is what the container runs
    "bare": (["shell"], SLEEP),  # nothing that could carry a connection
    "bash": (["shell", "/bin/bash"], SLEEP),
    "socat": (["shell", "/usr/bin/socat"], SLEEP),
    "netcat": (["shell", "/bin/nc.openbsd:/bin/nc"], SLEEP),
    "python": (["shell", "python"], SLEEP),
    "perl": (["shell", "perl"], SLEEP),
    "naked": ([], SOLVER),  # the solver and not even a shell
    "empty": (["shell", "nc", "no solver"], SLEEP),  # no solver anywhere
}


class Images:
    """Imports an image when it is asked for the first time."""

    def __init__(self, engine, build_folder):
        self.engine = engine
        self.solver = Path(build_folder) / "ppf-cts-server-static"
        self._imported = {}

    def get(self, name):
        """The reference of an image of IMAGES."""
        if name not in self._imported:
            self._imported[name] = self._import(name)
        return self._imported[name]

    def _import(self, name):
        parts, command = IMAGES[name]
        words = ", ".join(f'"{word}"' for word in command)
        changes = [f"CMD [{words}]", "EXPOSE 9090"]
        if command is SOLVER:
            changes.append(f"WORKDIR {ROOT}")
        reference = f"penstock-{name}:1"
        self.engine.import_image(reference, self._tar(parts), changes)
        return reference

    def _tar(self, parts):
        assert self.solver.is_file(), f"{self.solver} is missing: build it first (target demo_solver_static)"
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            _add_folder(tar, "tmp", 0o1777)
            _add_folder(tar, "root", 0o755)  # another user of the container may look into it
            if "no solver" not in parts:
                tar.add(self.solver, PROGRAM.lstrip("/"), filter=_owned_by_root)
            for part in parts:
                _add_part(tar, part, "nc" in parts)
        return buffer.getvalue()


def _add_part(tar, part, with_carriers):
    if part == "shell":
        _add_shell(tar, with_carriers)
    elif part == "python":
        _add_python(tar)
    elif part == "perl":
        _add_perl(tar)
    elif part.startswith("/"):
        source, _, place = part.partition(":")
        _add_program(tar, source, place or source)


def _owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def _add_folder(tar, name, mode):
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def _add_text(tar, name, text):
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


def _add_link(tar, name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def _add_shell(tar, with_carriers):
    """busybox; without what could carry a connection, which its own shell has built in, the shell is another."""
    names = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    if with_carriers:
        place = "bin/busybox"
    else:
        place = "lib/tools"  # nobody finds it by its name
        names = [name for name in names if name not in {*CARRIERS, *SHELLS, "busybox"}]
        _add_program(tar, "/bin/dash", "/bin/sh")
    tar.add(os.path.realpath(BUSYBOX), place, filter=_owned_by_root)
    for name in names:
        if name != "busybox":
            _add_link(tar, f"bin/{name}", f"/{place}")
    _add_text(tar, "etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
    _add_text(tar, "etc/group", "root:x:0:\nuser:x:1000:\n")
    info = tarfile.TarInfo("home/user")
    info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, 0o755, 1000, 1000
    tar.addfile(info)


def _add_file(tar, path, place):
    """A file and not a link to it; once only."""
    if place.lstrip("/") not in tar.getnames():
        tar.add(os.path.realpath(path), place.lstrip("/"), recursive=False, filter=_owned_by_root)


def _add_program(tar, path, place):
    """A program with the libraries that it names."""
    assert os.path.exists(path), f"{path} is missing"
    _add_file(tar, path, place)
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    for library in re.findall(r"(/\S+) \(0x", listed):
        _add_file(tar, library, library)


def _add_python(tar):
    """The interpreter and the part of its library that needs nothing else."""
    _add_program(tar, "/usr/bin/python3", "/usr/bin/python3")
    command = ["/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]
    library = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    for path in [*library.glob("*.py"), *library.glob("encodings/*.py"), *library.glob("collections/*.py"),
                 *library.glob("re/*.py"), *library.glob("importlib/*.py"), *library.glob("lib-dynload/*.so")]:
        _add_file(tar, path, str(path))


def _add_perl(tar):
    """The interpreter and the library of the package perl-base."""
    _add_program(tar, "/usr/bin/perl", "/usr/bin/perl")
    listed = subprocess.run(["/usr/bin/perl", "-e", 'print join("\\n", @INC)'], check=True, capture_output=True, text=True)
    for folder in map(Path, listed.stdout.split()):
        if folder.name == "perl-base":
            tar.add(folder, str(folder).lstrip("/"), filter=_owned_by_root)
