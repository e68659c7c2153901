# SPDX-License-Identifier: MIT
"""Streams opened ahead of need: there when a client comes, gone when they should be, and never a request lost or doubled."""

import hashlib
import random
import re
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from support.ports import free_port
from support.relay import Relay
from support.wait import eventually

REQUESTS = 2000
ASKERS = 8


def waiting(served):
    """Connections of the solver's that nobody has used yet; the question's own is not one of them."""
    stats = served.direct.stats()
    return stats["open"] - sum(stats["serving"].values())


@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_streams_wait_and_are_replaced(serve, transport):
    served = serve(transport, prewarm=3)
    eventually(lambda: waiting(served) == 3)
    for number in range(20):
        assert served.wire.tcmd(legacy=number % 2 == 0)["protocol_version"] == "0.18"
    assert served.wire.sink(b"x" * 5_000_000)[0] == 5_000_000
    assert served.wire.echo(b"y" * 1_000_000) == b"y" * 1_000_000
    eventually(lambda: waiting(served) == 3)
    told = re.findall(r" stream (\d+) ", served.gateway.log)
    assert told.count("0") <= 1 and len(told) <= 23  # the question, the clients: nobody is told of those without one


@pytest.mark.parametrize("keys, count", [({}, 2), ({"prewarm": 0}, 0), ({"probe": "tcp"}, 0)])
def test_how_many_there_are_by_default(serve, keys, count):
    served = serve("ssh", **keys)
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    eventually(lambda: waiting(served) == count)
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    eventually(lambda: waiting(served) == count)


def test_they_are_closed_when_the_gateway_ends(serve):
    served = serve("ssh", prewarm=16)
    eventually(lambda: waiting(served) == 16)
    begun = time.monotonic()
    served.gateway.stop()
    assert time.monotonic() - begun < 5  # of the 10 s that streams would have
    eventually(lambda: waiting(served) == 0)
    ends = [row["end"] for row in served.direct.stats()["recent"] if not row["kind"]]
    assert len(ends) == 16 and "reset" not in ends  # to the solver, clients that have thought better of it


def test_they_go_with_their_link_and_come_back(serve):
    served = serve("ssh", prewarm=3)
    eventually(lambda: waiting(served) == 3)
    mark = served.gateway.mark()
    served.sshd.stop()
    served.gateway.wait_state("down", since=mark)
    eventually(lambda: waiting(served) == 0)
    served.sshd.start()
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    eventually(lambda: waiting(served) == 3)


def test_a_poll_takes_one_round_trip(gateway, solver, sshd, tmp):
    server, behind = sshd(), solver()
    relay = Relay(server.port)
    known_hosts = tmp / "known_hosts"
    known_hosts.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{relay.port} "))
    profile = server.profile(port=relay.port, known_hosts=known_hosts, endpoint=f"127.0.0.1:{behind.port}")

    def fastest(prewarm):
        running = gateway({**profile, "launch": "never", "probe": "tcmd", "prewarm": prewarm})
        running.wait_serving()
        relay.delay = 0.1  # each way
        times = []
        for _ in range(4):
            time.sleep(0.5)  # a client that polls
            begun = time.monotonic()
            assert running.wire.tcmd()["protocol_version"] == "0.18"
            times.append(time.monotonic() - begun)
        relay.delay = 0.0
        return min(times)

    try:
        assert fastest(0) >= 0.4  # the channel, then the answer
        assert 0.2 <= fastest(2) < 0.35
    finally:
        relay.close()


class Solver:
    """What the solver has read whole, request by request: its statistics only hold the last connections."""

    def __init__(self, direct):
        self._direct = direct
        self._rows = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _look(self):
        try:
            self._rows.update((row["id"], row) for row in self._direct.stats()["recent"])
        except (OSError, ValueError):
            pass  # it has lost patience with us, too

    def _watch(self):
        while not self._done.wait(0.02):
            self._look()

    def taken(self):
        """How often each request was taken, by its hash. Nothing was missed: every connection has a number."""
        self._done.set()
        self._thread.join()
        self._look()
        last = max(self._rows)
        missed = last - len(self._rows)
        assert missed <= 20, f"{missed} of {last} connections were not seen to end"
        counts = {}
        for row in self._rows.values():
            if row["kind"] == "SINK" and row["end"] == "clean":
                counts[row["sha256"]] = counts.get(row["sha256"], 0) + 1
        return counts


@pytest.mark.parametrize("transport, patience", [("local", 0.5), ("ssh", 0.5), ("ssh", 2.5)])
def test_a_solver_that_closes_what_is_idle_at_the_worst_moment(serve, transport, patience):
    """Requests come when the solver is just about to lose patience, again and again.

    How patient it is shows once: a request that crosses with that first end is reset. The unit tests have it exactly.
    """
    served = serve(transport, prewarm=4, env=f"DEMO_FAULT=close-idle:{patience}")
    eventually(lambda: "the far side closed a stream that was opened ahead" in served.gateway.log)
    solver = Solver(served.direct)
    answered, reset, wrong = [], [], []

    def ask(seed):
        chance = random.Random(seed)
        for number in range(REQUESTS // ASKERS):
            if number % 25 == 0:  # all of them, at about the same time
                time.sleep(min(patience, 0.5) + chance.uniform(-0.005, 0.005))
            payload = b"%d/%d" % (seed, number)
            digest = hashlib.sha256(payload).hexdigest()
            try:
                if served.wire.sink(payload)[1] == digest:
                    answered.append(digest)
                else:
                    wrong.append(payload)
            except ConnectionResetError:
                reset.append(digest)
            except Exception as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = solver.taken()
    assert wrong == []  # no end that looks like an answer, above all
    assert len(answered) + len(reset) == REQUESTS
    assert {digest: taken.get(digest) for digest in answered if taken.get(digest) != 1} == {}
    assert {digest: taken.get(digest) for digest in reset if taken.get(digest)} == {}
    print(f"{len(reset)} of {REQUESTS} met the end of their connection")
    assert len(reset) <= 2


def switches(pid):
    """How often the lanes of a gateway have gone to sleep so far; its main thread also hears of this machine's network."""
    status = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status") if path.parent.name != str(pid)]
    return sum(int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("voluntary_ctxt"))


def test_an_idle_gateway_sleeps(serve):
    served = serve("local")
    eventually(lambda: waiting(served) == 2)

    def changes():  # of this machine's network, each of which wakes it several times
        return served.gateway.log.count("has changed")

    def sleeps():
        known, before = changes(), switches(served.gateway.pid)
        time.sleep(5)
        return switches(served.gateway.pid) - before <= 5 + 8 * (changes() - known)

    assert eventually(sleeps, 30)
