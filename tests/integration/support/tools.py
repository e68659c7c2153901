# SPDX-License-Identifier: MIT
"""Programs that are not there, and programs that only pretend."""

from pathlib import Path

# Where a client is looked for, whatever PATH says. /bin is /usr/bin.
PLACES = ("/usr/bin", "/usr/local/bin", "/snap/bin", "/opt/homebrew/bin")


def hidden(*names):
    """Pairs (file, place) for a mount namespace in which programs of these names cannot be run; see Sshd's `binds`."""
    return [("/dev/null", path) for folder in PLACES for name in names if (path := Path(folder) / name).exists()]


def hiding(*names):
    """The words before a command's own that make it find no programs of these names."""
    mounts = "".join(f"mount --bind {file} {place}; " for file, place in hidden(*names))
    return ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh"]


def pretend(folder, name, script):
    """A folder with one program, which is a shell script."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder
