# SPDX-License-Identifier: MIT
"""Streams across the gateway's life: a solver that dies, a host that goes, held connections, the orderly end."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from support.need import as_nobody
from support.ports import is_listening
from support.wait import eventually
from support.wire import Wire, ended_by, read_exact


def test_a_solver_that_crashed_is_started_again(served):
    first = served.wire.tcmd()["pid"]
    mark = served.gateway.mark()
    served.root.kill()
    # The next request finds it gone; it is held, and answered by the new one. One that is there before the news, and had
    # a stream that was opened ahead, is told that it has broken.
    try:
        second = served.wire.tcmd(timeout=20)["pid"]
    except ConnectionResetError:
        second = served.wire.tcmd(timeout=20)["pid"]
    assert second != first
    assert served.gateway.wait_serving(since=mark)["adopted"] is False


def test_a_crash_in_mid_transfer_ends_the_stream_early(served):
    with served.wire.open_source(1 << 40) as sock:
        read_exact(sock, 1 << 20)
        served.root.kill()
        # A dead process's kernel says an ordinary end or a reset; what matters is that it ends, and soon.
        assert ended_by(sock) in ("clean", "reset")
    assert served.wire.tcmd(timeout=20)["protocol_version"] == "0.18"


def test_restart_never_leaves_a_dead_solver_dead(serve):
    served = serve("local", restart="never", hold="1s")
    served.root.kill()
    with served.wire.connect() as sock:
        assert ended_by(sock) == "reset"
    assert served.root.pids() == []
    assert is_listening(served.gateway.port)


def test_a_host_that_comes_back_gets_the_connections_that_were_held(serve):
    served = serve("ssh", retry_max="500ms")
    pid = served.wire.tcmd()["pid"]
    mark = served.gateway.mark()
    served.sshd.stop()
    served.gateway.wait_state("down", since=mark)
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(served.wire.tcmd(timeout=20))) for _ in range(5)]
    for client in clients:
        client.start()
    served.gateway.wait_event("state", since=mark, where=lambda event: event.get("error"))
    assert answers == []
    served.sshd.start()
    for client in clients:
        client.join()
    assert [answer["pid"] for answer in answers] == [pid] * 5, served.gateway.story()


@pytest.mark.parametrize("hold", ["0", "1s"])
def test_a_connection_is_held_so_long_and_then_reset(serve, hold):
    served = serve("ssh", hold=hold, retry_min="30s")
    mark = served.gateway.mark()
    served.sshd.stop()
    served.gateway.wait_state("down", since=mark)
    began = time.monotonic()
    with served.wire.connect() as sock:
        assert ended_by(sock) == "reset"
    took = time.monotonic() - began
    expected = 1.0 if hold == "1s" else 0.0
    assert expected - 0.05 <= took < expected + 1.5, took
    assert is_listening(served.gateway.port)


def test_the_port_stays_open_whatever_happens_behind_it(gateway, sshd, port):
    server = sshd()
    server.stop()
    running = gateway(server.profile(endpoint=f"127.0.0.1:{port()}", hold="0", launch="never"))
    running.wait_state("down")
    for _ in range(20):
        with Wire(running.port).connect() as sock:
            assert ended_by(sock) == "reset"
    assert running.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_orderly_end(served, number):
    pid = served.wire.tcmd()["pid"]
    assert served.gateway.stop(number) == 0
    assert served.gateway.events[-1]["event"] == "stopped"
    assert not is_listening(served.gateway.port)
    assert served.direct.tcmd()["pid"] == pid, "on_exit = keep: the solver lives on"


def test_the_orderly_end_lets_a_transfer_finish(served):
    with served.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        served.gateway.send_signal(signal.SIGTERM)
        eventually(lambda: not is_listening(served.gateway.port))
        sock.sendall(b"b" * 100_000)
        assert read_exact(sock, 100_000) == b"b" * 100_000
        sock.shutdown(socket.SHUT_WR)
        assert ended_by(sock) == "clean"
    assert served.gateway.wait() == 0


def test_the_orderly_end_has_a_deadline(serve):
    served = serve("local", settings={"stop_timeout": "1s"})
    with served.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        began = time.monotonic()
        served.gateway.send_signal(signal.SIGTERM)
        assert ended_by(sock) == "reset"
        assert 0.9 <= time.monotonic() - began < 4
    assert served.gateway.wait() == 0


def test_on_exit_stop_ends_the_solver(served, serve):
    other = serve(served.transport, on_exit="stop")
    pids = other.root.pids()
    assert len(pids) == 1
    assert other.gateway.stop() == 0
    eventually(lambda: other.root.pids() == [], what="the solver is still there")
    assert served.wire.tcmd()["pid"], "only its own solver was stopped"


def test_a_killed_gateway_leaves_the_solver_and_the_next_adopts_it(served, gateway):
    pid = served.wire.tcmd()["pid"]
    served.gateway.kill()
    assert served.direct.tcmd()["pid"] == pid
    profile = served.sshd.profile() if served.sshd else {"transport": "local"}
    again = gateway({**profile, "root": served.root, "endpoint": f"127.0.0.1:{served.endpoint}"})
    assert again.wait_serving()["adopted"] is True
    assert again.wire.tcmd()["pid"] == pid


def connect_as_nobody(port, source="127.0.0.1"):
    """Asks for an answer to TCMD from a process of user nobody; returns what it printed."""
    program = (
        "import socket, sys\n"
        "try:\n"
        "    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10, (sys.argv[2], 0))\n"
        "    s.sendall(b'TCMD\\0\\0\\0\\x10--name __probe__')\n"
        "    print(s.recv(4096).decode())\n"
        "except ConnectionError as error:\n"
        "    print(type(error).__name__)\n"
    )
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    line = as_nobody(python, "-c", program, str(port), source)
    done = subprocess.run(line, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_the_users_own_processes_may_connect(serve):
    served = serve("local")
    answer = connect_as_nobody(served.gateway.port)
    assert "protocol_version" not in answer
    assert answer.strip() in ("ConnectionResetError", ""), answer
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    assert "65534" in served.gateway.log or "nobody" in served.gateway.log


def own_address():
    """An address of this machine that other machines use too; a loopback one if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing: it only chooses the way there
        except OSError:
            return "127.0.0.2"
        return probe.getsockname()[0]


@pytest.mark.parametrize("source", ["127.0.0.2", own_address()], ids=["loopback", "network"])
def test_other_users_are_refused_whatever_address_of_ours_they_come_from(serve, source):
    served = serve("local")
    answer = connect_as_nobody(served.gateway.port, source)
    assert answer.strip() in ("ConnectionResetError", ""), answer
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_peers_any_lets_everybody_in(serve):
    served = serve("local", peers="any")
    assert "protocol_version" in connect_as_nobody(served.gateway.port)
