# SPDX-License-Identifier: MIT
"""Streams that write over one SSH session take turns, and a turn is short: what one client has sent ahead does not stand in
front of another's question."""

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
        client.sendall(bytes(2 * WINDOW))


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


def test_no_stream_writes_more_than_its_turn_while_another_waits(tmp, gateway):
    opened = queue.Queue()
    server = OddServer(tmp, opened.put)
    made = gateway(server.profile())
    made.wait_serving()
    arrived = []
    with contextlib.ExitStack() as close:
        close.callback(server.close)
        clients = [close.enter_context(socket.create_connection(("127.0.0.1", made.port))) for _ in range(2)]
        channels = [opened.get(timeout=30) for _ in clients]
        for channel in channels:
            note_packets(channel, arrived)
        for client in clients:
            threading.Thread(target=send_all, args=(client,), daemon=True).start()
        eventually(lambda: sum(size for _, size in arrived) == 2 * WINDOW, 30, "both windows are full")
        del arrived[:]
        open_windows(channels)
        eventually(lambda: sum(size for _, size in arrived) == 2 * MORE, 30, "more has come on both")
        # The first turn may be that of a stream that is taken to be alone.
        runs = [len(list(packets)) for _, packets in itertools.groupby(arrived, lambda packet: packet[0])][1:-1]
        assert max(runs) <= 4, runs
