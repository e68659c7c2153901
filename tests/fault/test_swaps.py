# SPDX-License-Identifier: MIT
"""Profiles are swapped again and again while clients transfer both ways: none is refused, cut or lied to."""

import random
import time

import pytest

from support.control import Control, socket_path
from support.wait import eventually
from test_drops import steady

# What a client sees of them does not depend on which of two solvers it is.
KINDS = ("source", "sink", "echo", "tcmd")

# Descriptors that a lane has once streams went through it: fewer than if each of the swaps had left one.
A_LANES_OWN = 8


def keys(solver, way=None):
    """Each transfer has all the time that it needs: one that is aborted would be a loss."""
    endpoint = f"127.0.0.1:{solver.port}"
    return {**(way or {"transport": "local"}), "endpoint": endpoint, "launch": "never", "probe": "tcmd", "drain": "1h"}


class Swapper:
    """Uses one profile after the other, as fast as they are taken."""

    def __init__(self, control):
        self.control, self.times, self.taken = control, [], 0
        control.result("subscribe", events=["swap"])

    def swap(self):
        name = ("b", "a")[self.taken % 2]
        began = time.monotonic()
        while "error" in (answer := self.control.ask("use", profile=name)):
            assert answer["error"]["code"] == "swapping", answer  # too many drain: until one has
            self.control.next_event("swap", lambda event: event["step"] == "drained")
        self.times.append(time.monotonic() - began)
        self.control.events.clear()
        self.taken += 1

    def wait_drained(self):
        eventually(lambda: self.control.result("status")["draining"] == [], 60, "some drain for ever")


def survive(gateway, solver, traffic, penstock, seed, swaps, way=None, clients=6):
    """`way`: keys of the transport of one of them, if it is not local as the other is."""
    solvers = solver(), solver()
    sections = {"b": keys(solvers[1], way)}
    running = gateway(keys(solvers[0]), name="a", sections=sections, settings={"log_level": "info"})
    running.wait_serving()
    with Control(socket_path(penstock, running, "a"), timeout=120) as control:
        swapper = Swapper(control)

        def run(count):
            load = traffic(running.wire, seed, clients=clients, kinds=KINDS)
            for _ in range(count):
                swapper.swap()
            load.stop()
            swapper.wait_drained()
            assert load.lies == [], f"{load.lies}\n{running.story()}"
            assert load.count("cut") == 0, f"seed {seed}: {load.outcomes}\n{running.story()}"
            return load

        run(4)  # allocators and tables reach their size
        fds, rss = steady(running.fds), running.rss_kib()
        load = run(swaps)
        most = fds + A_LANES_OWN
        eventually(lambda: running.fds() <= most, 30, lambda: f"{fds} descriptors before, {running.fds()} after")
        status = control.result("status")
    grown = running.rss_kib() - rss
    assert status["streams_aborted"] == 0 and status["streams"] == 0, status
    for each in solvers:
        ends = each.wire.stats()
        assert ends["connections"] > clients, f"only one of them had any load: {ends}"
    times = sorted(swapper.times)
    print(f"seed {seed}: {swaps} swaps, {load.count('whole')} transfers whole: {dict(load.outcomes)}")
    print(f"a swap took a median of {times[len(times) // 2]:.3f} s, at most {times[-1]:.3f} s")
    print(f"{fds} descriptors before, {running.fds()} after; {rss} KiB before, {grown} KiB more after")
    return load, grown


@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_no_connection_is_lost_in_swaps(gateway, solver, sshd, traffic, penstock, transport):
    way = None if transport == "local" else {**sshd().profile(), "transport": transport}
    load, _ = survive(gateway, solver, traffic, penstock, seed=7, swaps=24, way=way)
    assert load.count("whole") > 0


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_no_connection_is_lost_in_a_thousand_swaps(gateway, solver, traffic, penstock):
    seed = random.randrange(1 << 30)
    load, grown = survive(gateway, solver, traffic, penstock, seed, swaps=1000)
    assert load.count("whole") >= 1000, load.outcomes
    if not penstock.is_sanitized():
        assert grown < 4096, f"{grown} KiB more"
