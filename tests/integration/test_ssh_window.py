# SPDX-License-Identifier: MIT
"""How far the ssh transport lets a server send ahead: much where it is far away, since a server that has filled its window
waits for a round trip."""

import contextlib
import queue
import socket

import pytest

from support.odd_server import OddServer
from support.wait import eventually
from support.wire import read_exact

MIB = 1 << 20


@pytest.fixture
def streams(tmp, gateway, request):
    """streams() opens a connection through a gateway; returns it and the server's channel. The server is as far away as
    its answers take: 10 ms, or the parameter's seconds."""
    channels = queue.Queue()
    server = OddServer(tmp, channels.put, getattr(request, "param", 0.01))
    made = gateway(server.profile())
    made.wait_serving()
    with contextlib.ExitStack() as clients:

        def start():
            client = clients.enter_context(socket.create_connection(("127.0.0.1", made.port)))
            return client, channels.get(timeout=30)

        yield start
    server.close()


def receive(client, channel, size):
    """The server sends and the client reads, in step."""
    for at in range(0, size, 32768):
        piece = b"x" * min(32768, size - at)
        channel.sendall(piece)
        assert read_exact(client, len(piece)) == piece


WIDE = 8 * MIB


def near(streams):
    """One of the streams that are opened is answered as fast as it can be."""
    for _ in range(100):
        streams()[0].close()


def test_a_stream_to_a_far_server_has_its_window_before_it_is_used(streams):
    client, channel = streams()
    eventually(lambda: channel.out_window_size == WIDE, 10, "8 MiB")
    for _ in range(100):
        receive(client, channel, 100)
    assert channel.out_window_size == WIDE - 10_000  # nor is there a packet for short answers
    receive(client, channel, 16 * MIB)
    eventually(lambda: channel.out_window_size > 6.8 * MIB, 10, "it stays open")


def test_many_streams_do_not_get_wide_windows(streams):
    few, many = ([streams() for _ in range(count)] for count in (8, 4))
    for client, channel in many:
        receive(client, channel, 2 * MIB)
        assert channel.out_window_size <= 2 * MIB
    for client, channel in few:
        receive(client, channel, 10 * MIB)
        assert channel.out_window_size <= 2 * MIB  # what they had is used up, and not given again


@pytest.mark.parametrize("streams", [0], indirect=True)
def test_short_answers_of_a_server_that_is_near_open_no_window(streams):
    near(streams)
    client, channel = streams()
    receive(client, channel, 100)
    eventually(lambda: channel.out_window_size > 64_000, 10, "libssh has opened the window")
    before = channel.out_window_size
    for _ in range(100):
        receive(client, channel, 100)
    assert channel.out_window_size == before - 10_000 < 2 * MIB


@pytest.mark.parametrize("streams", [0], indirect=True)
def test_a_server_that_is_near_gets_no_wide_window(streams):
    near(streams)
    client, channel = streams()
    receive(client, channel, 32768)
    eventually(lambda: channel.out_window_size > 1.8 * MIB, 10, "a full packet opens it to 2 MiB")
    receive(client, channel, 4 * MIB)
    assert channel.out_window_size <= 2 * MIB
