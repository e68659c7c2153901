# SPDX-License-Identifier: MIT
"""The transport openssh: the system's ssh as the carrier, over its multiplexing protocol."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import pattern, procs
from support.ports import free_port
from support.sshd import make_key
from support.wait import eventually

MIB = 1 << 20


def profile(server, **keys):
    """A profile for a server whose only difference to one of ssh is the transport."""
    return server.profile(**{"transport": "openssh", **keys})


@pytest.fixture
def up(gateway, solver):
    """up(server, **keys) starts a gateway that only forwards to a demo solver (`up.solver`) over that server."""

    def start(server, **keys):
        keys = {"endpoint": f"127.0.0.1:{start.solver.port}", "launch": "never", **keys}
        return gateway(profile(server, **keys))

    start.solver = solver()
    return start


def masters(gateway):
    """Pids of the ssh processes of a gateway."""
    return [pid for pid in procs.descendants(gateway.pid) if procs.program(pid).endswith("/ssh")]


# --- the solver's life -----------------------------------------------------------------------------------


def test_solver_is_launched_outlives_the_gateway_and_is_adopted(sshd, gateway, solver_root, tmp):
    server = sshd()
    root = solver_root("a b'c$(touch x);")
    keys = profile(server, endpoint=f"127.0.0.1:{free_port()}", root=root)
    first = gateway(keys)
    serving = first.wait_serving(60)
    assert serving["adopted"] is False
    assert not list(tmp.rglob("x"))
    legs = [event["leg"] for event in first.find_events("leg")]
    assert [leg for leg in legs if leg in ("tcp", "host-key", "auth")] == ["tcp", "host-key", "auth"]
    pid = root.pid()
    first.kill()
    server.kill_sessions()
    assert procs.alive(pid)
    second = gateway(keys)
    assert second.wait_serving()["adopted"] is True
    assert second.wire.tcmd()["protocol_version"] == "0.18"
