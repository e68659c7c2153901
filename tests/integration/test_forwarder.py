# SPDX-License-Identifier: MIT
"""A container engine's port forwarder, which accepts connections whether a solver is behind it or not."""

import contextlib

import pytest

from support.container import PROGRAM
from support.wait import eventually


@pytest.fixture
def forwarded(engine, container):
    """A container whose port is published, and whose solver start() runs."""
    made = container(engine, "--publish", "127.0.0.1::9090")

    def start():
        made.exec(PROGRAM, "--host", "0.0.0.0", options=["--detach"])
        made.solver()

    made.start_solver = start
    return made


def meet_nobody(wire):
    """One client, whose connection ends or breaks without a byte."""
    with wire.connect() as sock, contextlib.suppress(ConnectionResetError):
        sock.sendall(b"TCMD\0\0\0\x0b--name demo")
        assert sock.recv(1) == b""


def test_a_solver_that_dies_behind_it_is_noticed(gateway, solver_root, forwarded):
    forwarded.start_solver()
    endpoint = f"127.0.0.1:{forwarded.port}"
    running = gateway(
        {"transport": "local", "root": solver_root(), "endpoint": endpoint, "launch": "never", "probe": "tcmd"}
    )
    running.wait_serving()
    assert running.wire.tcmd()["protocol_version"]
    since = running.mark()
    forwarded.kill_solver()
    meet_nobody(running.wire)
    error = running.wait_state("down", since=since)["error"]
    assert error["leg"] == "endpoint"
    assert "the solver has gone" in running.log
    forwarded.start_solver()
    assert running.wire.tcmd()["protocol_version"]  # held until it is there
    running.wait_serving(since=since)


def test_a_published_port_in_the_way_is_told(gateway, solver_root, forwarded):
    port = forwarded.port
    refused = gateway({"transport": "local", "root": solver_root()}, settings={"listen": f"127.0.0.1:{port}"})
    assert refused.process.wait(20) == 7
    text = eventually(lambda: "in use" in refused.log and refused.log, what=lambda: refused.story())
    assert f"Port {port} is in use by 'docker-proxy' (pid " in text
    assert "a container publishes this port" in text and "-p 127.0.0.1:19090:9090" in text
