# SPDX-License-Identifier: MIT
"""A peer that falls silent: the connection stands, and nothing comes any more. No kernel says so."""

import json
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from support import procs
from support.wait import eventually
from support.wire import ended_by, read_exact

MIB = 1 << 20
ROUND = 0.5  # seconds that a loaded machine may add to a timer


def begin(broken, transfer):
    """Starts a transfer that does not end by itself; returns its socket, once bytes have gone through."""
    if transfer == "idle":
        return None
    if transfer == "download":
        sock = broken.wire.open_source(1 << 40)
        read_exact(sock, MIB)
        threading.Thread(target=_drain, args=(sock,), daemon=True).start()
        return sock
    sock = broken.wire.open(b"SINK")
    threading.Thread(target=_fill, args=(sock,), daemon=True).start()
    before = broken.relay.moved
    eventually(lambda: broken.relay.moved > before + 4 * MIB)
    return sock


def _drain(sock):
    try:
        while sock.recv(MIB):
            pass
    except OSError:
        pass


def _fill(sock):
    try:
        while True:
            sock.sendall(b"x" * MIB)
    except OSError:
        pass


def silence_is_noticed(broken, within):
    """Waits until the link is given up; returns the seconds that it took."""
    mark = broken.gateway.mark()
    began = time.monotonic()
    yield
    broken.gateway.wait_state("degraded", within, since=mark)
    error = broken.gateway.wait_state("down", within, since=mark)["error"]
    took = time.monotonic() - began
    print(f"given up after {took:.1f} s")
    assert took < within + ROUND
    assert error["leg"] == "tcp" and error["class"] == "transient", error


def goes_silent(broken, cut, within):
    noticed = silence_is_noticed(broken, within)
    next(noticed)
    cut()
    assert next(noticed, None) is None


@pytest.mark.parametrize("transfer", ["idle", "download", "upload"])
def test_black_hole(broken, transfer):
    broken = broken(keepalive="1s")
    sock = begin(broken, transfer)
    goes_silent(broken, broken.relay.black_hole, 3)
    broken.relay.resume(forget=True)
    assert broken.is_answered()
    if sock:
        sock.close()


@pytest.mark.parametrize(("count", "at_least", "at_most"), [(1, 1.5, 2), (6, 5, 6)])
def test_black_hole_with_other_counts(broken, count, at_least, at_most):
    broken = broken(ssh_options=f"ServerAliveInterval=1, ServerAliveCountMax={count}")
    began = time.monotonic()
    mark = broken.gateway.mark()
    broken.relay.black_hole()
    broken.gateway.wait_state("down", at_most + ROUND, since=mark)
    assert time.monotonic() - began > at_least - 0.25  # of which the last sign of life may be ago


@pytest.mark.parametrize("transfer", ["idle", "download", "upload"])
def test_black_hole_with_the_usual_settings(broken, transfer):
    """Nobody waits longer than 15 s."""
    broken = broken()
    sock = begin(broken, transfer)
    goes_silent(broken, broken.relay.black_hole, 15)
    broken.relay.resume(forget=True)
    assert broken.is_answered()
    if sock:
        sock.close()


@pytest.mark.parametrize("transfer", ["idle", "download", "upload"])
def test_suspended_session(broken, transfer):
    """SIGSTOP: its kernel still acknowledges every packet."""
    broken = broken(keepalive="1s")
    sock = begin(broken, transfer)
    sessions = broken.sshd.sessions()
    assert sessions

    def stop():
        for pid in sessions:
            procs.kill(pid, signal.SIGSTOP)

    try:
        goes_silent(broken, stop, 3)
        assert broken.is_answered(), "the server itself goes on: a new session is served"
    finally:
        for pid in sessions:
            procs.kill(pid)
    if sock:
        sock.close()


def status_of(penstock):
    (status,) = json.loads(penstock.run("status", "--json").stdout)["gateways"]
    return status


@pytest.mark.parametrize("transfer", ["idle", "download"])
def test_status_tells_of_silence_within_15_seconds_and_of_its_end(broken, penstock, transfer):
    """With the usual settings, and what a user sees: penstock status."""
    broken = broken(prewarm=0)
    sock = begin(broken, transfer)
    assert status_of(penstock)["state"] == "up"
    began = time.monotonic()
    broken.relay.black_hole()
    status = eventually(lambda: (now := status_of(penstock))["state"] != "up" and now, 15)
    took = time.monotonic() - began
    print(f"degraded after {took:.1f} s")
    assert status["state"] == "degraded" and took < 15
    assert "has not answered for" in status["reason"]["what"] and status["reason"]["next"]
    assert status["since_ms"] <= took * 1000
    text = penstock.run("status").stdout
    assert ": degraded for " in text and "has not answered for" in text
    broken.relay.resume()
    status = eventually(lambda: (now := status_of(penstock))["state"] == "up" and now, 30)
    assert status["reason"] is None and "has not answered for" in status["last_error"]["what"]
    if sock:
        sock.close()


def test_silence_that_passes_is_only_a_warning(broken):
    # 5 s: TCP repeats what was lost after pauses that double, and must do so before the end. What is lost first comes last:
    # a stream that is opened ahead of need as the silence begins is repeated after 12.8 s at the earliest.
    broken = broken(prewarm=0)
    mark = broken.gateway.mark()
    with broken.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        broken.relay.black_hole()
        assert "has not answered for" in broken.gateway.wait_state("degraded", since=mark)["error"]["what"]
        broken.relay.resume()
        broken.gateway.wait_state("up", since=mark)
        sock.sendall(b"b" * MIB)
        sock.shutdown(socket.SHUT_WR)
        assert read_exact(sock, MIB) == b"b" * MIB
        assert ended_by(sock) == "clean"
    assert not broken.gateway.find_events("state", since=mark, state="down")


@pytest.mark.parametrize("transfer", ["idle", "download", "upload"])
def test_a_long_way_is_not_taken_for_silence(broken, transfer):
    """Half a second there and back, and a queue: slow is not dead."""
    broken = broken(keepalive="1s")
    mark = broken.gateway.mark()
    broken.relay.delay = 0.25
    sock = begin(broken, transfer)
    for _ in range(4):
        assert broken.is_answered()
    assert not broken.gateway.find_events("state", since=mark), broken.gateway.story()
    if sock:
        sock.close()


def times_asleep(pid):
    """How often the threads of a process have gone to sleep so far."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        total += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(), re.M)[1])
    return total


def test_idle_session_wakes_nobody_up_without_need(broken):
    """Three times for each sign of life: to ask, at the answer, and to see that there was one. With the usual keepalive,
    five times as long, that is less than once a second. In a network where nothing else happens."""
    broken = broken(own_network=True, keepalive="1s")
    time.sleep(2)  # what the start has left to do
    before, seconds = times_asleep(broken.gateway.pid), 10
    time.sleep(seconds)
    assert times_asleep(broken.gateway.pid) - before <= 4.5 * seconds
