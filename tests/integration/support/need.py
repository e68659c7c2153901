# SPDX-License-Identifier: MIT
"""What a test cannot do without. It fails if that is missing, and says what to install: a test that is left out unseen
counts as one that has passed."""

import ctypes.util
import os
import shutil


def need_program(name, package):
    """The path of a program."""
    found = shutil.which(name)
    assert found, f"{name} is missing: install the package {package}"
    return found


def need_library(name, package):
    assert ctypes.util.find_library(name), f"lib{name} is missing: install the package {package}"


def as_nobody(*command):
    """The words of a command that user nobody runs. Only root can do that: we are it, or sudo without asking."""
    switch = [need_program("setpriv", "util-linux"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0:
        switch = [need_program("sudo", "sudo (or run the tests as root)"), "-n", *switch]
    return [*switch, *command]


def own_mounts():
    """The words before a command that give it mounts of its own."""
    unshare = need_program("unshare", "util-linux")
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return [unshare, *user, "--mount"]
