# SPDX-License-Identifier: MIT
"""What goes in comes out: every byte, in both directions, proved by hash."""

import hashlib
import os
import socket
import threading

import pytest

from support import pattern
from support.wire import hash_all

SMALL = [1, 2, 4095, 4096, 4097, 32 * 1024, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1_000_003]
MIB = 1 << 20


def test_small_payloads_up(served):
    for size in SMALL:
        assert served.wire.sink(pattern.chunks(size, size)) == (size, pattern.sha256(size, size)), size


def test_small_payloads_down(served):
    for size in SMALL:
        assert served.wire.source(size, size) == (size, pattern.sha256(size, size)), size


def test_nothing_at_all(served):
    assert served.wire.sink(b"") == (0, hashlib.sha256().hexdigest())


@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_an_answer_of_no_bytes(serve, transport):
    # On a stream that was opened ahead, it could not be told from an end that has crossed with the request.
    served = serve(transport, prewarm=0)
    assert served.wire.source(0)[0] == 0


@pytest.mark.parametrize("chunk", [1000, 32 * 1024, MIB])
def test_sixteen_mib_stored_and_fetched(served, chunk):
    size = 16 * MIB
    payload = pattern.data(size, chunk)
    served.wire.data_send("demo/frames/1.bin", payload, chunk=chunk)
    assert served.wire.data_receive("demo/frames/1.bin") == (size, hashlib.sha256(payload).hexdigest())


def test_a_scene_goes_up_as_one(served):
    root = served.wire.tcmd()["root"]
    data, param = os.urandom(3 * MIB + 17), os.urandom(4099)
    served.wire.upload_atomic(root, data, param)
    answer = served.wire.tcmd()
    assert answer["status"] == "NO_BUILD"
    assert answer["data_hash"] == hashlib.sha256(data).hexdigest()
    assert served.wire.data_receive(f"{root}/param.pickle") == (len(param), hashlib.sha256(param).hexdigest())


def test_both_directions_at_once(served):
    size = 32 * MIB
    with served.wire.open(b"ECHO") as sock:

        def send():
            for chunk in pattern.chunks(size, 5):
                sock.sendall(chunk)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert hash_all(sock) == (size, pattern.sha256(size, 5))
        sender.join()


@pytest.mark.big
def test_one_gib_up(served):
    size = 1 << 30
    assert served.wire.sink(pattern.chunks(size, 1)) == (size, pattern.sha256(size, 1))


@pytest.mark.big
def test_one_gib_down(served):
    size = 1 << 30
    assert served.wire.source(size, 2) == (size, pattern.sha256(size, 2))
