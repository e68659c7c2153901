# SPDX-License-Identifier: MIT
"""The container is killed, paused, removed, made anew, or its solver dies: what clients see, and what comes after."""

import random
import time

import pytest

from support import procs
from support.wire import ended_by
from wreckage import ANEW, Background

WAYS = [("docker", "published"), ("docker", "exec"), ("docker-ssh", "bridge")]


@pytest.mark.parametrize("transport,way", WAYS)
def test_killed_and_made_anew_under_load(place_of, engine, wreck, traffic, transport, way):
    """It is another container with another address and port; only its name is the same."""
    wrecked = wreck(place_of(transport, engine), engine, way)
    seed = random.randrange(1 << 32)
    clients = traffic(wrecked.wire, seed, clients=3, largest=1 << 20, kinds=ANEW, solver_dies=True)

    def anew():
        wrecked.box.remove()
        wrecked.make_again()

    took = [wrecked.served_again(wrecked.box.kill), wrecked.served_again(anew)]
    clients.stop()
    print(f"{transport}, {way}: served {took[0]:.2f} s after killed, {took[1]:.2f} s after made anew")
    assert clients.lies == [], wrecked.gateway.story()
    assert clients.count("whole") > 0


def test_removed_for_good_and_made_again_later(place, engine, wreck):
    wrecked = wreck(place, engine, hold="2s")
    gateway, mark = wrecked.gateway, wrecked.gateway.mark()
    held = wrecked.wire.open_source(1 << 40)
    wrecked.box.remove()
    assert ended_by(held) in ("reset", "clean")  # as the forwarder ends it
    held.close()
    with wrecked.wire.open(b"TCMD"):  # this one finds out
        error = gateway.wait_event(
            "state", 40, mark, where=lambda event: event["error"] and event["error"]["leg"] == "container"
        )["error"]
    with wrecked.wire.open(b"TCMD") as late:  # the gateway holds it, and then cuts it
        assert ended_by(late) == "reset"
    assert f"ontainer '{wrecked.box}' does not exist" in error["what"], error
    assert "docker run" in error["next"] or "docker run" in error["detail"], error
    assert gateway.process.poll() is None
    wrecked.make_again()
    assert wrecked.is_answered(), gateway.story()


def test_paused_and_let_run_again(here, engine, wreck):
    """What is silent is not dead: nobody is cut, and all of it comes in the end."""
    wrecked = wreck(here, engine)
    solver = wrecked.box.solver()
    with wrecked.wire.open_source(1 << 20, 7) as sock:
        wrecked.box.pause()
        waiting = Background(lambda: wrecked.wire.tcmd(timeout=25))
        time.sleep(0.5)
        wrecked.box.unpause()
        waiting.end()
        count = 0
        while part := sock.recv(1 << 16):
            count += len(part)
    assert count == 1 << 20
    assert wrecked.box.solver() == solver


def test_solver_killed_in_mid_transfer(place, engine, wreck):
    wrecked = wreck(place, engine)
    for _ in range(2):
        solver = wrecked.box.solver()
        with wrecked.wire.open_source(1 << 40) as sock:
            assert len(sock.recv(1 << 16)) > 0
            procs.kill(solver)
            assert ended_by(sock) in ("reset", "clean")  # as the forwarder ends it
        assert wrecked.is_answered()
        assert wrecked.box.solver() != solver


def test_stream_by_a_command_is_cut_and_not_ended(here, engine, wreck):
    """A process of ours carries it there, so that it is known how it ended."""
    wrecked = wreck(here, engine, "exec")
    with wrecked.wire.open_source(1 << 40) as down, wrecked.wire.open(b"SINK" + b"x" * 1000) as up:
        assert len(down.recv(1 << 16)) > 0
        wrecked.wire.wait_for("SINK")
        wrecked.box.kill()
        assert [ended_by(down), ended_by(up)] == ["reset", "reset"]
    assert wrecked.is_answered()
