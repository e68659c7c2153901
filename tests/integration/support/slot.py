# SPDX-License-Identifier: MIT
"""Numbers that no two runs of the tests on this machine hold at once, for what has one name or network machine-wide."""

import contextlib
import fcntl
import os
import subprocess
from pathlib import Path

from . import procs

FOLDER = Path("/run/penstock-tests")  # only root writes there, so what stands in it can be believed
MOST = 64
CLEAR = "clear-up"  # a program that a recorded folder may hold, for what is not below the folder


class Slot:
    """Held until the process ends, however it ends. What a run that was killed has left, the next one clears first."""

    def __init__(self):
        assert os.geteuid() == 0, "the container tests start an engine of their own: run them as root"
        FOLDER.mkdir(mode=0o755, exist_ok=True)
        self._file = None
        for number in range(1, MOST):
            file = _lock(number)
            if file:
                _clear_slot(number, file)
            if file and not self._file:
                self.number, self._file = number, file
            elif file:
                file.close()
        assert self._file, f"all slots in {FOLDER} are taken"

    def record(self, folder):
        """Says where this run's files are, for whoever may have to clear up."""
        self._file.truncate(0)
        self._file.write(str(folder))
        self._file.flush()

    def release(self):
        """Clears up what there is, and gives the number back."""
        _clear_slot(self.number, self._file)
        self._file.close()


def _lock(number):
    """The slot's file if nobody else holds it."""
    path = FOLDER / f"slot{number}"
    file = open(path, "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except OSError:
        file.close()
        return None


def _clear_slot(number, file):
    file.seek(0)
    folder = file.read().strip()
    if folder:
        _clear_folder(folder)
        for bridge in _bridges(f"pst{number}-"):
            subprocess.run(["ip", "link", "delete", bridge], capture_output=True)
        file.truncate(0)


def _clear_folder(folder):
    """Ends whatever works below a folder, unmounts what is mounted there, and deletes it."""
    folder = os.path.realpath(folder)
    if not os.path.isdir(folder):
        return
    if os.access(f"{folder}/{CLEAR}", os.X_OK):
        subprocess.run([f"{folder}/{CLEAR}"], capture_output=True, timeout=60)
    found = _processes_of(folder)
    for pid in found:
        _thaw(pid)
    procs.end(found)
    for mount in _mounts(folder):
        subprocess.run(["umount", "-l", mount], capture_output=True)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], capture_output=True)


def _thaw(pid):
    """Lets a process run whose container is paused: no signal ends it before."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return  # it has just gone
    for line in lines:
        _, controllers, group = line.split(":", 2)
        root = Path("/sys/fs/cgroup")
        if controllers == "freezer":
            file, word = root / "freezer" / group.lstrip("/") / "freezer.state", "THAWED"
        elif not controllers:  # cgroups of version 2
            file, word = root / group.lstrip("/") / "cgroup.freeze", "0"
        else:
            continue
        with contextlib.suppress(OSError):
            file.write_text(word)


def _processes_of(folder):
    """An engine's processes name its folder in their command lines, and their containers have their root there."""
    found = set(procs.running_from(folder))
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and (_names(entry, folder) or _is_rooted(entry, folder)):
            found.add(int(entry))
    return found


def _names(pid, folder):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word.partition(b"=")[2].startswith(os.fsencode(folder)) or word.startswith(os.fsencode(folder))
               for word in words[1:])


def _is_rooted(pid, folder):
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    except OSError:
        return False
    return any(line.split()[4] == "/" and f"{folder}/" in line for line in lines)


def _mounts(folder):
    """Mount points below a folder, the innermost first."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        point = line.split()[1].encode().decode("unicode_escape")
        if point.startswith(f"{folder}/"):
            found.append(point)
    return sorted(found, reverse=True)


def _bridges(prefix):
    return [path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(prefix)]
