# SPDX-License-Identifier: MIT
"""Wine prefixes: each worker of a run has one of its own, with a server of its own, as users of two machines have.

Making one takes seconds, so it is done once for a version of Wine and kept in the build folder; a prefix is a copy of that.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess

from desktop import allow_windows

MAKING_SECONDS = 110


def environment_of(prefix):
    """What every program under Wine gets: its home is the folder that the prefix is in."""
    return {
        "HOME": str(prefix.parent),
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "WINEDEBUG": "-all",
        "WINEPREFIX": str(prefix),
    }


def call(prefix, *words, seconds=60, check=True):
    subprocess.run(
        words, env=environment_of(prefix), timeout=seconds, check=check,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def start(prefix):
    """The server stays between programs, and so do the services, each of which would else wait for them to start anew; and they
    would hold open what that program writes to."""
    call(prefix, "wineserver", "-p")
    call(prefix, "wineboot", "-i", seconds=MAKING_SECONDS)


def stop(prefix):
    """Ends what runs in it, and waits until that has written what it keeps."""
    call(prefix, "wineserver", "-k", check=False)
    call(prefix, "wineserver", "-w", check=False)


def make(prefix):
    """A new one in an empty folder, by Wine itself. It must not be named in what it holds, as it is moved afterwards."""
    allow_windows(prefix)
    try:
        start(prefix)
    finally:
        stop(prefix)
    # Links to the user's own folders, which a test has no business in.
    for link in (prefix / "drive_c" / "users").glob("*/*"):
        if link.is_symlink():
            link.unlink()
            link.mkdir()


def made_once(folder, fill):
    """The folder, which the first who asks fills by fill(folder), and others wait for. It counts only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half = folder.with_name(folder.name + ".half")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            fill(half)
            half.rename(folder)
    return folder


def kept(folder):
    """The prefix to copy, of the version of Wine that there is."""
    version = subprocess.run(["wine", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return made_once(folder / "".join(c if c.isalnum() or c in ".-" else "-" for c in version.strip()), make)


def copy(template, prefix):
    """Windows' own files, which nobody writes to, are the same ones by hard links; the registry and users' files are not."""
    system = template / "drive_c" / "windows"

    def one(source, target):
        if system in pathlib.Path(source).parents:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(template, prefix, symlinks=True, copy_function=one)
