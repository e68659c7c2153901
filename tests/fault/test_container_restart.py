# SPDX-License-Identifier: MIT
"""The container is restarted in the middle of work: it is served again without anybody's help, and soon."""

import random

import pytest

from wreckage import KINDS, Background, yardstick

LIMIT = 3.0  # seconds from the container's start to an answer
# So many commands in a container take no longer than that, unless the machine is too busy to run one in 0.3 s (0.15 s).
# A launch takes about half of them; and where each stream is one, the clients' compete with it.
COMMANDS = {"published": 10, "bridge": 10, "exec": 20}

# Whose command the solver is: launched by the gateway ("tools"), or the container's own ("solver").
CASES = [
    ("docker", "published", "tools"),
    ("docker", "published", "solver"),
    ("docker", "bridge", "tools"),
    ("docker", "exec", "tools"),
    ("docker-ssh", "published", "tools"),
    ("docker-ssh", "bridge", "solver"),
    ("docker-ssh", "exec", "tools"),
]


@pytest.mark.parametrize("transport,way,image", CASES)
def test_restarted_in_mid_work(place_of, engine, wreck, traffic, transport, way, image):
    wrecked = wreck(place_of(transport, engine), engine, way, image)
    seed = random.randrange(1 << 32)
    clients = traffic(wrecked.wire, seed, clients=3, largest=1 << 20, kinds=KINDS, solver_dies=True)
    took = [wrecked.served_again(wrecked.box.restart)]
    limit = max(LIMIT, COMMANDS[way] * yardstick(engine, wrecked.box))
    if took[0] > limit:  # the machine may have been busy just then
        took.append(wrecked.served_again(wrecked.box.restart))
    clients.stop()
    print(f"{transport}, {way}, {image}: served {', '.join(f'{each:.2f}' for each in took)} s after the start")
    print(f"limit {limit:.2f}; {dict(clients.outcomes)}")
    assert clients.lies == [], wrecked.gateway.story()
    assert clients.count("whole") > 0
    assert min(took) < limit, wrecked.gateway.story()


@pytest.mark.parametrize("transport", ["docker", "docker-ssh"])
def test_restarted_with_another_address(place_of, engine, wreck, container, transport):
    """Its owner stops it, its address goes to another one, and the gateway may not start it."""
    wrecked = wreck(place_of(transport, engine), engine, "bridge", start_container=False)
    address, mark = wrecked.box.address, wrecked.gateway.mark()
    wrecked.box.stop()
    waiting = Background(wrecked.is_answered)
    error = wrecked.gateway.wait_event("state", 40, mark, state="down", where=lambda event: event["error"])["error"]
    assert str(wrecked.box) in error["what"] and "start" in error["next"], error
    other = container(engine)
    assert other.address == address
    wrecked.box.start()
    assert wrecked.box.address != address
    waiting.end()
    assert other.solvers() == []
