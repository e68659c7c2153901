# SPDX-License-Identifier: MIT
"""The ssh transport against a server that does not keep to the protocol, which no real one can be made to do."""

import contextlib
import socket
import threading

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


class Exceeds:
    """Sends on the last of `count` channels what a stream that has the wide window might be sent."""

    def __init__(self, count):
        self._left = count
        self._lock = threading.Lock()

    def __call__(self, channel):
        with self._lock:
            self._left -= 1
        with contextlib.suppress(OSError, EOFError):
            if self._left == 0:
                channel.out_window_size = 1 << 30
                channel.sendall(bytes(15 << 20))
            channel.recv(1)


def test_each_stream_has_no_more_than_its_own_window_twice(tmp, gateway):
    count = 12  # more than have the wide one
    server = OddServer(tmp, Exceeds(count))
    made = gateway(server.profile())
    made.wait_serving()
    with contextlib.ExitStack() as close:
        close.callback(server.close)
        for _ in range(count):
            close.enter_context(socket.create_connection(("127.0.0.1", made.port)))
        down = made.wait_event("state", state="down", timeout=60)
        assert "more than it was allowed" in down["error"]["what"]
