# SPDX-License-Identifier: MIT
"""The way is gone, and comes back: what waits is served, and soon."""

import signal
import statistics
import threading
import time

import pytest

from network import one_more_address
from support import procs
from support.wait import eventually

# A wait that no test lives to see: only what is tested can cause the next try.
NEVER = {"retry_min": "10m", "retry_max": "10m"}


class Waiting:
    """So many clients, each of which makes a new connection and waits for its answer."""

    def __init__(self, broken, count):
        self.answers, self.errors = [], []
        self.answered_at = 0.0
        before = broken.gateway.fds()
        self._threads = [threading.Thread(target=self._ask, args=(broken,), daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()
        eventually(lambda: broken.gateway.fds() >= before + count or not self._wait(0), 10, "they are not held")

    def _ask(self, broken):
        try:
            self.answers.append(broken.wire.tcmd(timeout=25)["protocol_version"])
            self.answered_at = time.monotonic()
        except Exception as error:
            self.errors.append(repr(error))

    def _wait(self, timeout):
        for thread in self._threads:
            thread.join(timeout)
        return any(thread.is_alive() for thread in self._threads)

    def all_answered(self, since):
        """Waits for the last; returns the seconds from `since` to its answer."""
        assert not self._wait(30), "a client still waits"
        assert self.errors == []
        assert set(self.answers) == {"0.18"} and len(self.answers) == len(self._threads)
        return self.answered_at - since


def test_server_restarted_under_fifty_held_connections(broken):
    broken = broken()
    for _ in range(3):
        broken.lose(broken.sshd.stop)
        waiting = Waiting(broken, 50)
        broken.sshd.start()
        took = waiting.all_answered(time.monotonic())
        print(f"all served {took:.3f} s after the server was there again")
        assert took < 5


def refused(broken):
    broken.relay.refuse()
    broken.relay.drop()
    return broken.relay.accept


def lost(broken):
    broken.relay.black_hole()
    broken.relay.drop()
    return broken.relay.resume


def stopped(broken):
    pid = broken.sshd.process.pid
    procs.kill(pid, signal.SIGSTOP)
    broken.sshd.kill_sessions()
    return lambda: procs.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("cut", [refused, lost, stopped])
def test_time_from_the_way_back_to_served(broken, cut):
    """However long it was gone: the back-off has grown, and the kernel sends a lost packet again ever more seldom."""
    broken = broken(retry_max="30s")
    times = []
    for outage in (0.2, 1.5, 5.0):
        restore = []
        broken.lose(lambda: restore.append(cut(broken)))
        waiting = Waiting(broken, 3)
        time.sleep(outage)
        restore[0]()
        times.append(waiting.all_answered(time.monotonic()))
    print(f"served after {', '.join(f'{each:.2f}' for each in times)} s")
    assert statistics.median(times) < 1.5, times
    assert max(times) < 3, times


def test_a_connection_that_hangs_is_given_up_for_a_new_one(broken):
    """The machine's kernel, or a balancer before it, accepts; nobody ever says anything on that connection."""
    broken = broken()

    def cut():
        broken.relay.mute = True
        broken.relay.drop()

    tries = broken.relay.accepted
    broken.lose(cut)
    waiting = Waiting(broken, 3)
    eventually(lambda: broken.relay.accepted > tries, what="it does not try")
    broken.relay.mute = False
    took = waiting.all_answered(time.monotonic())
    print(f"served after {took:.3f} s")
    assert took < 6


def down_for_long(broken, cut):
    """Cuts the link, and waits for the first try after it to fail: the next one is far away."""
    mark = broken.gateway.mark()
    cut()
    broken.gateway.wait_event("state", since=mark, state="down", where=lambda event: event["next_try_ms"] >= 100_000)


def test_a_new_connection_causes_a_try_at_once(broken):
    broken = broken(**NEVER)
    for _ in range(3):
        down_for_long(broken, lambda: refused(broken))
        broken.relay.accept()
        began = time.monotonic()
        assert broken.is_answered()
        assert time.monotonic() - began < 3


def test_a_new_connection_after_a_lost_link_is_not_kept_waiting(broken):
    """Tries begin so far apart; a link that has stood for a while is followed by the next one at once."""
    broken = broken(**NEVER)
    times = []
    for _ in range(3):
        time.sleep(0.6)  # longer than two tries are apart
        tries = broken.relay.accepted
        broken.lose(broken.relay.drop)
        began = time.monotonic()
        waiting = Waiting(broken, 1)
        eventually(lambda: broken.relay.accepted > tries)
        times.append(time.monotonic() - began)
        waiting.all_answered(began)
    assert min(times) < 0.2, times


def test_many_connections_do_not_cause_many_tries(broken):
    broken = broken(**NEVER)
    down_for_long(broken, broken.sshd.stop)
    before, began = broken.relay.accepted, time.monotonic()
    waiting = Waiting(broken, 200)
    eventually(lambda: broken.relay.accepted >= before + 6, 10, "it does not try again while somebody waits")
    tries, took = broken.relay.accepted - before, time.monotonic() - began
    print(f"{tries} tries in {took:.1f} s for 200 connections")
    assert tries <= took / 0.25 + 1
    broken.sshd.start()
    waiting.all_answered(time.monotonic())


@pytest.fixture
def moving(broken):
    """As `broken`, in a network of its own."""
    return lambda **keys: broken(own_network=True, **keys)


def test_another_network_causes_a_try_at_once(moving):
    broken = moving(retry_min="50ms", retry_max="10m")
    mark = broken.gateway.mark()
    refused(broken)
    broken.gateway.wait_event("state", 60, mark, state="down", where=lambda event: event["next_try_ms"] >= 5_000)
    broken.relay.accept()
    mark = broken.gateway.mark()
    with one_more_address(broken.gateway.pid):
        broken.gateway.wait_state("up", 3, since=mark)


def test_another_network_gives_up_a_try_that_hangs(moving):
    """Nobody waits, so nothing else would before connect_timeout."""
    broken = moving(connect_timeout="2m", retry_min="50ms")

    def cut():
        broken.relay.mute = True
        broken.relay.drop()

    tries = broken.relay.accepted
    broken.lose(cut)
    eventually(lambda: broken.relay.accepted > tries, what="it does not try")
    broken.relay.mute = False
    time.sleep(0.3)  # a try that has just begun is left alone
    mark = broken.gateway.mark()
    with one_more_address(broken.gateway.pid):
        broken.gateway.wait_state("up", 4, since=mark)


def test_another_network_has_the_link_looked_after(moving):
    """A link that did not survive is not waited for as long as a silent one."""
    broken = moving(keepalive="10s")
    mark = broken.gateway.mark()
    broken.relay.black_hole()
    began = time.monotonic()
    with one_more_address(broken.gateway.pid):
        error = broken.gateway.wait_state("down", 20, since=mark)["error"]
    assert "this machine's network has changed" in error["what"]
    assert time.monotonic() - began < 10
    broken.relay.resume(forget=True)
    broken.gateway.wait_state("up", since=mark)


def test_another_network_does_no_harm(moving):
    broken = moving(keepalive="1s")
    mark = broken.gateway.mark()
    with one_more_address(broken.gateway.pid):
        eventually(lambda: broken.gateway.log.count("network of this machine has changed") == 1)
    eventually(lambda: broken.gateway.log.count("network of this machine has changed") == 2)
    time.sleep(2.5)  # longer than a link is given for a sign of life
    assert not broken.gateway.find_events("state", since=mark)
