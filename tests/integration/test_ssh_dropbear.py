# SPDX-License-Identifier: MIT
"""The ssh transport against a server that is not OpenSSH."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern
from support.dropbear import Dropbear
from support.ports import free_port
from support.sshd import fingerprint, make_key
from support.wait import eventually
from support.wire import read_all

MIB = 1 << 20


@pytest.fixture
def dropbear(tmp):
    server = Dropbear(tmp / "dropbear")
    yield server
    server.stop()


@pytest.fixture
def behind(solver):
    """The demo solver that `up` leads to."""
    return solver()


@pytest.fixture
def up(dropbear, gateway, behind):
    """A gateway that only forwards to a demo solver over dropbear."""
    made = gateway(dropbear.profile(endpoint=f"127.0.0.1:{behind.port}", launch="never"))
    made.wait_serving()
    return made


@pytest.mark.parametrize("size", [0, 1, 65537, 24 * MIB])
def test_every_byte_arrives(up, size):
    assert up.wire.source(size) == (size, pattern.sha256(size))
    assert up.wire.sink(pattern.chunks(size)) == (size, pattern.sha256(size))


def test_half_closes(up, behind):
    assert up.wire.bdat(pattern.data(100_000)) == b"BINARY_OK"
    assert up.wire.tcmd(legacy=True)["protocol_version"] == "0.18"
    with up.wire.open(b"HALF") as sock:
        assert read_all(sock) == b"HALF"
        sock.sendall(pattern.data(MIB))
        sock.shutdown(socket.SHUT_WR)
    rows = eventually(lambda: [row for row in behind.wire.stats()["recent"] if row["kind"] == "HALF"])
    assert rows[-1]["sha256"] == pattern.sha256(MIB)


def test_many_streams(up):
    size = 100_000
    with ThreadPoolExecutor(40) as pool:
        for seed, result in enumerate(pool.map(lambda seed: up.wire.source(size, seed), range(40))):
            assert result == (size, pattern.sha256(size, seed))


def test_solver_is_launched(dropbear, gateway, solver_root):
    root = solver_root("a b'c$(touch x);")
    up = gateway(dropbear.profile(endpoint=f"127.0.0.1:{free_port()}", root=root))
    assert up.wait_serving(60)["adopted"] is False
    assert root.pid()


def test_nobody_listens(dropbear, gateway):
    up = gateway(dropbear.profile(endpoint=f"127.0.0.1:{free_port()}", launch="never"))
    error = up.wait_event("state", where=lambda event: event["error"])["error"]
    assert error["leg"] == "endpoint"
    assert "nothing listens" in error["what"]


def test_key_is_refused(dropbear, gateway, tmp):
    key = make_key(tmp / "wrong")
    up = gateway(dropbear.profile(endpoint=f"127.0.0.1:{free_port()}", key=key))
    assert up.wait() == 5
    error = up.find_events("stopped")[0]["error"]
    assert fingerprint(f"{key}.pub") in error["detail"]
