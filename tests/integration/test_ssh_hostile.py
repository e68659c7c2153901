# SPDX-License-Identifier: MIT
"""The ssh transport against a server that does not keep to the protocol, which no real one can be made to do."""

import socket

import pytest

from support.odd_server import OddServer


def flood(channel):
    """Sends far more than the window allows."""
    piece = b"x" * 32768
    try:
        while True:
            channel.out_window_size = 1 << 30
            channel.sendall(piece)
    except (OSError, EOFError):
        pass  # the gateway has hung up


@pytest.fixture
def overrunning(tmp):
    server = OddServer(tmp, flood)
    yield server
    server.close()


@pytest.mark.memory
def test_a_server_that_overruns_the_window_is_given_up(overrunning, gateway):
    made = gateway(overrunning.profile())
    made.wait_serving()
    with socket.create_connection(("127.0.0.1", made.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        # Nothing is read: what the server sends beyond its window has nowhere to go.
        down = made.wait_event("state", state="down", timeout=60)
        assert "more than it was allowed" in down["error"]["what"]
        assert made.rss_kib() < 256_000
