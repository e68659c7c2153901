# SPDX-License-Identifier: MIT
"""Many streams leave nothing behind: no descriptor, no process, here or in the container."""

import threading

import pytest

from support import procs
from support.wait import eventually


def at_once(count, call):
    """Calls `call(number)` on so many threads; raises the first of their errors."""
    errors = []

    def run(number):
        try:
            call(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a client hangs"
    if errors:
        raise errors[0]


@pytest.mark.parametrize("transport,way,count", [("docker", "published", 1000), ("docker-ssh", "bridge", 300)])
def test_many_opens_leave_nothing(place_of, engine, wreck, transport, way, count):
    wrecked = wreck(place_of(transport, engine), engine, way)
    gateway = wrecked.gateway

    def rounds(number):
        for _ in range(number):
            at_once(20, lambda _: wrecked.wire.tcmd())

    rounds(1)
    fds = eventually(lambda: gateway.fds() if not wrecked.helpers() else 0, 20)
    before, children = len(wrecked.box.pids()), len(procs.children(gateway.pid))
    rounds(count // 20)
    eventually(lambda: gateway.fds() <= fds, 20, lambda: f"{fds} descriptors before, {gateway.fds()} after")
    eventually(lambda: len(procs.children(gateway.pid)) <= children, 20, "children of the gateway are left")
    eventually(lambda: len(wrecked.box.pids()) <= before, 20, lambda: f"left in the container: {wrecked.helpers()}")
