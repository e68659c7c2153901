# SPDX-License-Identifier: MIT
"""The engine is stopped, or the way to it breaks."""

import random

import pytest

from wreckage import KINDS, Background


@pytest.mark.parametrize("transport", ["docker", "docker-ssh"])
def test_engine_stopped_under_load_and_started_again(place_of, own_engine, wreck, traffic, transport):
    """Its containers end with it. The state says so, and nobody has to help."""
    wrecked = wreck(place_of(transport, own_engine), own_engine, "bridge")
    seed = random.randrange(1 << 32)
    clients = traffic(wrecked.wire, seed, clients=3, largest=1 << 20, kinds=KINDS, solver_dies=True)
    mark = wrecked.gateway.mark()
    own_engine.stop()
    error = wrecked.gateway.wait_event("state", 40, mark, where=lambda event: event["error"])["error"]
    assert error["leg"] == "container" and "not running" in error["what"] and error["next"], error
    own_engine.start()
    assert wrecked.is_answered(), wrecked.gateway.story()
    clients.stop()
    print(dict(clients.outcomes))
    assert clients.lies == []
    assert clients.count("whole") > 0


def test_session_killed_while_the_container_starts(place_of, engine, wreck):
    place = place_of("docker-ssh", engine)
    wrecked = wreck(place, engine)
    mark = wrecked.gateway.mark()
    wrecked.box.kill()
    waiting = Background(wrecked.is_answered)
    wrecked.gateway.wait_event("progress", 40, mark, where=lambda event: "starting" in event["text"])
    place.server.kill_sessions()
    waiting.end()
    assert len(wrecked.box.solvers()) == 1
