# SPDX-License-Identifier: MIT
"""Streams through a command in the container (`reach = exec`), where no socket reaches it: by whatever helper is there.

How they end is the point: an engine's client knows no half-close of the container's side, and no reset. A reset is known
by the command's exit status, where the helper tells: see sh/container_stream_inside.sh.
"""

import hashlib
import json
import socket
import threading

import pytest
from support import pattern, procs
from support.wait import eventually
from support.wire import abort, ended_by, hash_all, read_exact

MIB = 1 << 20
HELPERS = ["perl", "python", "tools", "socat", "netcat"]  # images, by what carries a stream in them


@pytest.fixture
def through(engine, place_of, container, over):
    """through(transport, image) is a gateway that serves by exec alone; nothing is published."""

    def start(transport, image, server=(), **keys):
        place = place_of(transport, engine)
        place.server_config = server
        running = over(place, container(engine, image=image).name, reach="exec", ready_timeout="90s", **keys)
        running.wait_serving(120)
        return running

    return start


@pytest.fixture(params=["docker", "docker-ssh"])
def exact(request, through):
    """A helper that tells all that can be told, through each transport."""
    return through(request.param, "perl")


def whole_use(wire):
    """What an add-on does: commands, a file each way, bytes up to a half-close."""
    for _ in range(3):
        assert wire.tcmd()["protocol_version"] == "0.18"  # its client does not half-close
    assert wire.tcmd(legacy=True)["protocol_version"] == "0.18"  # and this one does
    payload = pattern.data(3 * MIB, 7)
    wire.data_send("demo/frame", payload)
    assert wire.data_receive("demo/frame") == (len(payload), hashlib.sha256(payload).hexdigest())
    assert wire.bdat(payload) == b"BINARY_OK"
    assert wire.sink(pattern.chunks(4 * MIB, 5)) == (4 * MIB, pattern.sha256(4 * MIB, 5))
    assert wire.source(4 * MIB, 6) == (4 * MIB, pattern.sha256(4 * MIB, 6))


@pytest.mark.parametrize("helper", HELPERS)
def test_each_helper_carries_all_that_an_add_on_does(through, helper):
    whole_use(through("docker", helper).wire)


def test_the_same_over_ssh(through):
    whole_use(through("docker-ssh", "tools").wire)


def test_bash_carries_what_needs_no_half_close(through):
    wire = through("docker", "bash").wire
    assert wire.tcmd()["protocol_version"] == "0.18"
    assert wire.source(2 * MIB, 6) == (2 * MIB, pattern.sha256(2 * MIB, 6))


def test_the_client_half_closes_under_a_download(exact):
    size = 16 * MIB
    with exact.wire.open_source(size, 3) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert hash_all(sock) == (size, pattern.sha256(size, 3))


@pytest.mark.parametrize("size", [1, 64 * 1024, 5 * MIB])
def test_the_solvers_abort_is_never_a_clean_end(exact, size):
    with exact.wire.open_abort(size) as sock:
        assert ended_by(sock) == "reset"


def test_a_clients_abort_ends_its_side_of_the_stream(exact):
    def holding():
        return json.loads(exact.wire.json({"request": "demo_stats"}))["serving"].get("HOLD", 0)

    sock = exact.wire.open(b"HOLD")
    eventually(holding, 20, "the solver does not see the stream")
    abort(sock)
    eventually(lambda: not holding(), 20, "the solver still holds the stream")


def test_a_clients_abort_ends_the_engines_client(through):
    """The solver may go on sending for a while: an engine tells nobody in the container that its client has gone."""
    running = through("docker", "perl")

    def clients():
        return [pid for pid in procs.descendants(running.pid) if "docker" in procs.program(pid)]

    sock = running.wire.open_source(1 << 40)
    read_exact(sock, MIB)
    assert clients()
    abort(sock)
    eventually(lambda: not clients(), 20, "a client of the engine is left")


def test_a_slow_client_holds_the_solver_up(exact):
    size = 24 * MIB
    with exact.wire.open_source(size, 9, receive_buffer=65536) as sock:
        read_exact(sock, 1000)
        assert exact.wire.tcmd()["protocol_version"] == "0.18"  # nobody else waits
        rest = hashlib.sha256(pattern.data(size, 9)[1000:]).hexdigest()
        assert hash_all(sock) == (size - 1000, rest)


def test_the_container_is_killed_under_a_download(engine, place_of, container, over):
    box = container(engine, image="perl")
    running = over(place_of("docker", engine), box.name, reach="exec")
    running.wait_serving(120)
    with running.wire.open_source(1 << 40) as sock:
        read_exact(sock, MIB)
        engine.do("kill", box.name)
        assert ended_by(sock) == "reset"


def echoes(wire, count):
    """So many streams at once, each with its own bytes; returns what went wrong."""
    wrong = []

    def one(number):
        try:
            payload = b"%d " % number * 1000
            assert wire.echo(payload) == payload
        except Exception as error:  # noqa: BLE001: whatever it is, the test is to show it
            wrong.append(repr(error))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_many_at_once(through):
    assert echoes(through("docker", "tools").wire, 20) == []


def test_more_than_the_sessions_that_the_server_allows(through):
    """sshd allows ten sessions by default, and here four: who gets none waits for one."""
    running = through("docker-ssh", "tools", server=["MaxSessions 4"])
    assert echoes(running.wire, 12) == []
    assert running.wire.tcmd()["protocol_version"] == "0.18"


def test_a_server_that_allows_one_session(through):
    running = through("docker-ssh", "tools", server=["MaxSessions 1"])
    assert echoes(running.wire, 3) == []

