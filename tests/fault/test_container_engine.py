# SPDX-License-Identifier: MIT
"""The way to the engine breaks."""

from wreckage import Background


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
