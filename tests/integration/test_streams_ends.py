# SPDX-License-Identifier: MIT
"""How streams end: each direction for itself, and an abort never as a clean end.

Through sshd one thing is beyond anybody's reach: SSH channels know no reset. A client's abort closes the
channel without its end-of-data mark, which sshd passes on as an ordinary end to the solver, and a reset by the
solver comes back from sshd as an ordinary end. What was announced and did not come is then the sign, as it is
for a solver that dies.
"""

import hashlib
import socket

import pytest

from support import pattern
from support.wait import eventually
from support.wire import WireError, abort, ended_by, hash_all, read_all, read_exact

MIB = 1 << 20


def test_the_client_half_closes_and_the_answer_still_comes(served):
    assert served.wire.tcmd(legacy=True)["protocol_version"] == "0.18"
    assert served.wire.bdat(b"x" * 100_000) == b"BINARY_OK"


def test_the_client_half_closes_under_a_download(served):
    size = 32 * MIB
    with served.wire.open_source(size, 3) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert hash_all(sock) == (size, pattern.sha256(size, 3))
    assert served.last("SRCE")["end"] == "clean"


def test_the_solver_half_closes_and_still_takes_an_upload(served):
    size = 16 * MIB
    with served.wire.open(b"HALF") as sock:
        assert read_all(sock) == b"HALF"
        for chunk in pattern.chunks(size, 4):
            sock.sendall(chunk)
        sock.shutdown(socket.SHUT_WR)
        row = served.last("HALF", timeout=30)
    assert row["end"] == "clean"
    assert row["in"] == size + 4
    assert row["sha256"] == pattern.sha256(size, 4)


def test_a_half_closed_stream_stays_open_the_other_way(served):
    with served.wire.open(b"HALF") as sock:
        assert read_all(sock) == b"HALF"
        for number in range(3):
            served.wire.tcmd()  # other streams come and go meanwhile
            sock.sendall(b"%d" % number)
        sock.shutdown(socket.SHUT_WR)
        assert served.last("HALF")["sha256"] == hashlib.sha256(b"012").hexdigest()


def test_a_clients_abort_reaches_the_solver(served):
    sock = served.wire.open(b"HOLD")
    served.direct.wait_for("HOLD")
    abort(sock)
    row = served.last("HOLD")
    assert row["end"] == ("reset" if served.transport == "local" else "cut")


def test_a_clients_abort_in_an_upload_is_no_whole_file(served):
    with served.wire.connect() as sock:
        sock.sendall(b'JSON{"request":"data_send","path":"demo/cut","name":"demo","size":10000000}\n' + b"x" * 1_000_000)
        served.direct.wait_for("JSON", 2)  # the other one is the question
        abort(sock)
    row = served.last("JSON", at_least=1000)
    assert row["end"] in (("reset",) if served.transport == "local" else ("reset", "short"))
    with pytest.raises(WireError):
        served.wire.data_receive("demo/cut")


def test_a_clients_abort_in_a_download_frees_the_solver(served):
    sock = served.wire.open_source(1 << 40)
    read_exact(sock, MIB)
    abort(sock)
    assert served.last("SRCE")["end"] == "reset"


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 5 * MIB])
def test_the_solvers_abort_reaches_the_client(served, size):
    with served.wire.open_abort(size) as sock:
        if served.transport == "local":
            # Linux drops what a reset overtakes, so all of it need not come: but the end is a reset.
            assert ended_by(sock) == "reset"
        else:
            sock.settimeout(10)
            count = 0
            try:
                while part := sock.recv(65536):
                    count += len(part)
            except ConnectionResetError:
                pass
            assert count <= size
    eventually(lambda: sum(served.direct.stats()["serving"].values()) == 1)  # the question's own


@pytest.mark.parametrize("legacy", [False, True])
def test_many_requests_one_after_the_other(served, legacy):
    for _ in range(50):
        assert served.wire.tcmd(legacy=legacy)["protocol_version"] == "0.18"


def test_a_reset_fault_in_mid_transfer_is_never_a_clean_end(serve):
    served = serve("local", env="DEMO_FAULT=reset-after:3000000")
    with served.wire.open_source(10 * MIB) as sock:
        assert ended_by(sock) == "reset"
    with served.wire.open(b"SINK") as sock:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for chunk in pattern.chunks(64 * MIB):
                sock.sendall(chunk)
            read_exact(sock, 1)


def test_a_cut_session_resets_its_streams(serve):
    served = serve("ssh")
    with served.wire.open_source(1 << 40) as sock:
        read_exact(sock, MIB)
        served.sshd.kill_sessions()
        assert ended_by(sock) == "reset"
