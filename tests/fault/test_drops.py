# SPDX-License-Identifier: MIT
"""The link is dropped at random moments, in every way there is, while clients transfer both ways."""

import random
import statistics
import time

import pytest

from support import procs
from support.wait import eventually
from support.wire import ended_by

LEAN = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}


class Dropper:
    """Drops the link and waits until a new connection is served again. Times are from the way being there again."""

    def __init__(self, broken, seed):
        self.broken, self.rng = broken, random.Random(seed)
        self.times = []

    def drop(self):
        way = self.rng.choice(("reset", "close", "byte", "byte", "session", "hole"))
        time.sleep(self.rng.uniform(0, 0.3))  # transfers get so far; what is waited for is the dice
        self.broken.lose(getattr(self, f"_{way}"))
        began = time.monotonic()
        assert self.broken.is_answered(), f"not served after {way}\n{self.broken.gateway.story()}"
        self.times.append(time.monotonic() - began)

    def _reset(self):
        assert self.broken.relay.drop("reset") > 0

    def _close(self):
        assert self.broken.relay.drop("close") > 0

    def _byte(self):
        relay = self.broken.relay
        before = relay.kills
        relay.kill_at(self.rng.randrange(1, 4 << 20), self.rng.choice(("reset", "close")))
        eventually(lambda: relay.kills > before, 30, "the traffic has stopped")

    def _session(self):
        self.broken.sshd.kill_sessions()

    def _hole(self):
        self.broken.relay.black_hole()
        time.sleep(self.rng.uniform(0.01, 0.2))
        self.broken.relay.resume(forget=True)


def survive(broken, traffic, seed, drops):
    """Returns the times from a drop to served. The first drops are for allocators and tables to reach their size."""
    gateway = broken.gateway
    dropper = Dropper(broken, seed)

    def run(count):
        clients = traffic(broken.wire, seed)
        for _ in range(count):
            dropper.drop()
        clients.stop()
        assert clients.lies == []
        return clients

    run(6)
    assert broken.is_answered()
    fds = steady(gateway.fds)
    rss = gateway.rss_kib()
    dropper.times.clear()
    clients = run(drops)
    assert clients.count("cut") >= drops, f"seed {seed}: the drops hit nothing: {clients.outcomes}"
    assert clients.count("whole") >= drops, f"seed {seed}: nothing came through: {clients.outcomes}"
    assert broken.is_answered()
    eventually(
        lambda: gateway.fds() <= fds, 20, lambda: f"seed {seed}: {fds} descriptors before, {gateway.fds()} after"
    )
    grown = gateway.rss_kib() - rss
    print(f"seed {seed}: {drops} drops; {dict(clients.outcomes)}")
    print(f"served again after a median of {statistics.median(dropper.times):.3f} s, at most {max(dropper.times):.3f} s")
    print(f"{fds} descriptors before and {gateway.fds()} after; {rss} KiB before, {grown} KiB more after")
    return dropper.times, grown


def steady(value):
    """The value once it stays the same for a second."""
    seen = [value(), time.monotonic()]

    def is_steady():
        now = value()
        if now != seen[0]:
            seen[:] = [now, time.monotonic()]
        return time.monotonic() - seen[1] > 1

    eventually(is_steady, 20)
    return seen[0]


@pytest.mark.parametrize("transfer", ["download", "upload"])
def test_each_process_of_the_session_is_killed_in_mid_transfer(broken, transfer):
    """The monitor and the one that serves: whichever dies, no client takes what it has for the whole."""
    broken = broken()
    count = len(broken.sshd.sessions())
    assert count > 0
    for number in range(count):
        moved = broken.relay.moved
        with broken.wire.open_source(1 << 40) if transfer == "download" else broken.wire.open(b"SINK") as sock:
            if transfer == "upload":
                sock.sendall(b"x" * (1 << 20))
            eventually(lambda: broken.relay.moved > moved + (1 << 20))
            broken.lose(lambda: procs.kill(broken.sshd.sessions()[number]))
            assert ended_by(sock) == "reset"
        assert broken.is_answered()


@pytest.mark.parametrize("how", ["reset", "close"])
def test_dropped_during_the_handshake(broken, how):
    """After so many bytes of it, both ways: the try has failed, and the next one serves."""
    broken = broken(retry_min="10ms")
    relay = broken.relay
    before = relay.moved
    broken.lose(relay.drop)
    assert broken.is_answered()
    handshake = relay.moved - before
    for part in range(1, 13):
        kills = relay.kills

        def cut():
            relay.kill_at(handshake * part // 16 or 1, how)
            relay.drop()

        broken.lose(cut)
        assert broken.is_answered()
        assert relay.kills == kills + 1, f"not cut at {part}/16 of {handshake} bytes"


@pytest.mark.memory
@pytest.mark.timeout(600)
def test_random_drops(broken, traffic, penstock):
    seed = random.randrange(1 << 32)
    times, grown = survive(broken(env=LEAN), traffic, seed, 60)
    assert statistics.median(times) < 1.5, f"seed {seed}: {sorted(times)}"
    assert max(times) < 10, f"seed {seed}: {sorted(times)}"
    assert grown < (32768 if penstock.is_sanitized() else 4096), f"seed {seed}: {grown} KiB more"


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_five_hundred_random_drops(broken, traffic, penstock):
    seed = random.randrange(1 << 32)
    times, grown = survive(broken(env=LEAN), traffic, seed, 500)
    assert statistics.median(times) < 1.5, f"seed {seed}: {sorted(times)}"
    assert max(times) < 10, f"seed {seed}: {sorted(times)}"
    assert grown < (65536 if penstock.is_sanitized() else 4096), f"seed {seed}: {grown} KiB more"
