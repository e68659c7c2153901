# SPDX-License-Identifier: MIT
"""Folders for PATH: one without certain programs, and programs that only pretend."""

import os
from pathlib import Path


def without(folder, *names):
    """A folder with every tool of this machine but some."""
    folder = Path(folder)
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for tool in os.listdir(place):
            link = folder / tool
            if tool not in names and not link.is_symlink():
                link.symlink_to(Path(place) / tool)
    return folder


def pretend(folder, name, script):
    """A folder with one program, which is a shell script."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder
