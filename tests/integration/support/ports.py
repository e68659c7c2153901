# SPDX-License-Identifier: MIT
"""Ports for servers that cannot choose one themselves."""

import itertools
import os
import socket

# Below the ephemeral range, so that no client's own port can be one of ours.
FIRST, LAST = 10000, 31999
_offsets = itertools.count(os.getpid() * 61)


def free_port():
    """A loopback port on which nobody listens; no two calls of one run give the same one."""
    for offset in _offsets:
        port = FIRST + offset % (LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def is_listening(port, host="127.0.0.1"):
    """Does a connect succeed?"""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
