# SPDX-License-Identifier: MIT
"""A stream carried by bash, by itself: it cannot pass on the client's end, and must not stay for ever after it."""

import shutil
import socket
import subprocess
import time

import pytest

from support import procs
from support.build import CHECKOUT
from support.wait import eventually

SCRIPT = (CHECKOUT / "transports/common/container/sh/container_stream_inside.sh").read_text()
QUIET = "ps_quiet=30\n"


@pytest.fixture
def carried(tmp):
    """The process that carries a stream, in a place that has bash and little else, and the solver's end of it."""
    tools = tmp / "tools"
    tools.mkdir()
    for name in ("bash", "cat", "sleep"):
        (tools / name).symlink_to(shutil.which(name))
    assert SCRIPT.count(QUIET) == 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT.replace(QUIET, "ps_quiet=2\n"), "sh", "127.0.0.1", str(listener.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": str(tools)},
        )
        listener.settimeout(10)
        solver, _ = listener.accept()
    try:
        assert process.stdout.readline() == b"penstock-stream: open\n"
        yield process, solver
    finally:
        solver.close()
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def test_nothing_stays_once_the_client_is_gone_and_the_solver_says_nothing(carried):
    process, solver = carried
    started = procs.descendants(process.pid)
    process.stdin.close()
    solver.settimeout(20)
    assert solver.recv(1) == b""
    assert process.wait(10) != 0  # a client that is there all the same sees a break
    eventually(lambda: not any(procs.alive(pid) for pid in started))


def test_what_comes_slowly_after_the_clients_end_arrives(carried):
    process, solver = carried
    process.stdin.write(b"all that the client says")
    process.stdin.close()
    assert solver.recv(100) == b"all that the client says"
    begun = time.monotonic()
    while time.monotonic() - begun < 4:  # twice as long as silence may last
        solver.sendall(b"x")
        assert process.stdout.read(1) == b"x"
        time.sleep(0.5)  # the pause is what is tested
    solver.close()
    assert process.stdout.read() == b""
    assert process.wait(10) == 0


def test_it_ends_at_once_with_the_solver(carried):
    process, solver = carried
    solver.sendall(b"answer")
    solver.close()
    begun = time.monotonic()
    assert process.stdout.read() == b"answer"
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 1.5
