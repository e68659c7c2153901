# SPDX-License-Identifier: MIT
"""Processes, known by pid: what they hold, and how they are stopped."""

import os
import signal
from pathlib import Path

from .wait import eventually


def alive(pid):
    """Does the process run? A zombie does not, but for one whose other threads are not gone: they hold its sockets."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (OSError, IndexError):
        return False


def stat(pid):
    """The fields of its /proc/PID/stat behind the name: state, parent, group …"""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def program(pid):
    """The file that it runs; "" if it has gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def uids(pid):
    """The user ids that it runs as, of which most have one."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return {int(word) for word in line.split()[1:]}
    return set()


def fd_count(pid):
    """How many descriptors it holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_kib(pid):
    """Its resident memory, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory any more")


def children(pid):
    """Pids of its children."""
    # The kernel leaves out others while one of them ends, so the list counts once it has been read twice.
    found, again = _children(pid), _children(pid)
    while found != again:
        found, again = again, _children(pid)
    return found


def _children(pid):
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found  # it has just gone
    for task in tasks:
        try:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        except OSError:
            pass
    return found


def descendants(pid):
    """Pids of its children, their children and so on."""
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def running_from(folder):
    """Pids of processes whose program or working directory lies in `folder`."""
    folder = os.path.realpath(folder)
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and (_works_in(entry, folder) or _runs_from(entry, folder)):
            found.append(int(entry))
    return found


def watching(folder):
    """Pids of the shells that wait for the end of a solver launched in `folder`, to write it down there."""
    folder, found = os.path.realpath(folder), []
    for entry in os.listdir("/proc"):
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0") if entry.isdigit() else []
        except OSError:
            continue
        if words[1:2] == [b"-s"] and len(words) > 2 and os.fsdecode(words[2]).startswith(folder + "/"):
            found.append(int(entry))
    return found


def _works_in(pid, folder):
    # Not by name alone: of a process in another mount namespace, a chroot sees other names.
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder) or _lies_in(os.readlink(f"/proc/{pid}/cwd"), folder)
    except OSError:
        return False


def _runs_from(pid, folder):
    try:
        return _lies_in(os.readlink(f"/proc/{pid}/exe"), folder)
    except OSError:
        return False


def _lies_in(path, folder):
    return path == folder or path.startswith(folder + "/")


def kill(pid, number=signal.SIGKILL):
    """Sends a signal; one that has gone is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def end(pids, timeout=5.0):
    """Ends processes by pid: SIGTERM, and SIGKILL for what is left after `timeout` seconds."""
    for pid in pids:
        kill(pid, signal.SIGTERM)
    try:
        eventually(lambda: not any(alive(pid) for pid in pids), timeout)
    except AssertionError:
        for pid in pids:
            kill(pid)
        eventually(lambda: not any(alive(pid) for pid in pids), timeout)
