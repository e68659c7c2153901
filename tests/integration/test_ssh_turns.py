# SPDX-License-Identifier: MIT
"""Streams that write over one SSH session take turns. A turn is short where somebody has little to say: what one client has
sent ahead does not stand in front of another's question."""

import contextlib
import itertools
import queue
import socket
import threading

import paramiko
from paramiko.common import cMSG_CHANNEL_WINDOW_ADJUST

from support.odd_server import OddServer
from support.wait import eventually

WINDOW = 2 << 20  # that paramiko opens a channel with
MORE = 512 << 10


def send_all(client):
    with contextlib.suppress(OSError):
        while True:
            client.sendall(bytes(WINDOW))


def note_packets(channel, arrived):
    """Notes each packet of data as (channel, size)."""
    feed = channel.in_buffer.feed

    def note(data):
        arrived.append((channel.chanid, len(data)))
        feed(data)

    channel.in_buffer.feed = note


def open_windows(channels):
    """The gateway may send MORE on each, and learns it of all at once."""
    packetizer = channels[0].transport.packetizer
    held, write_all = [], packetizer.write_all
    packetizer.write_all = held.append
    try:
        for channel in channels:
            message = paramiko.Message()
            message.add_byte(cMSG_CHANNEL_WINDOW_ADJUST)
            message.add_int(channel.remote_chanid)
            message.add_int(MORE)
            channel.transport._send_user_message(message)
    finally:
        packetizer.write_all = write_all
    write_all(b"".join(held))


@contextlib.contextmanager
def two_uploads(server, opened, port):
    """Clients that send as fast as they can, and have filled their windows. Gives the channels, and what arrives."""
    arrived = []
    with contextlib.ExitStack() as close:
        close.callback(server.close)
        clients = [close.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2)]
        channels = [opened.get(timeout=30) for _ in clients]
        for channel in channels:
            note_packets(channel, arrived)
        for client in clients:
            threading.Thread(target=send_all, args=(client,), daemon=True).start()
        eventually(lambda: sum(size for _, size in arrived) == 2 * WINDOW, 30, "both windows are full")
        del arrived[:]
        yield channels, arrived


def runs_of_more(channels, arrived):
    """How many packets came in a row on the same channel."""
    del arrived[:]
    open_windows(channels)
    eventually(lambda: sum(size for _, size in arrived) == 2 * MORE, 30, "more has come on both")
    return [len(list(packets)) for _, packets in itertools.groupby(arrived, lambda packet: packet[0])]


def talk(client, ended):
    """Somebody with little to say, every few milliseconds."""
    with contextlib.suppress(OSError):
        while not ended.wait(0.003):
            client.sendall(b"?")


def test_turns_are_short_while_somebody_has_little_to_say(tmp, gateway):
    opened = queue.Queue()
    server = OddServer(tmp, opened.put)
    made = gateway(server.profile())
    made.wait_serving()
    ended = threading.Event()
    with two_uploads(server, opened, made.port) as (channels, arrived), contextlib.ExitStack() as close:
        client = close.enter_context(socket.create_connection(("127.0.0.1", made.port)))
        close.callback(ended.set)
        channel = opened.get(timeout=30)
        threading.Thread(target=talk, args=(client, ended), daemon=True).start()
        eventually(lambda: len(channel.in_buffer) > 3, 30, "it has said something")
        for _ in range(5):
            runs = runs_of_more(channels, arrived)
            assert len(runs) > 3, runs
            assert max(runs[1:-1]) <= 4, runs  # the first turn may be that of a stream that is alone


def test_turns_are_long_where_all_have_much_to_say(tmp, gateway):
    opened = queue.Queue()
    server = OddServer(tmp, opened.put)
    made = gateway(server.profile())
    made.wait_serving()
    with two_uploads(server, opened, made.port) as (channels, arrived):
        # A stream has to show first that it has much to say.
        eventually(lambda: max(runs_of_more(channels, arrived)) >= 8, 30, "a turn was long")
