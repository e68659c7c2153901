# SPDX-License-Identifier: MIT
"""Only the container that the profile names is served: addresses, ports and names go to other containers."""

import contextlib
import time

from support.ports import free_port
from support.wait import eventually
from support.wire import Wire

# No streams ahead of need: where one cannot be opened, that is found out before another container is there.
FIXED = {"root": None, "start_container": "no", "hold": "500ms", "restart_limit": 1000, "prewarm": 0}


def busy(up, until, timeout=20):
    """Clients come and go, as they do, until something is so."""
    end = time.monotonic() + timeout
    while not until():
        assert time.monotonic() < end, up.story()
        with contextlib.suppress(OSError, AssertionError, ValueError):
            up.wire.tcmd(timeout=2)
        time.sleep(0.1)


def answers(host, port):
    """Does a solver answer there? Until then, there is nothing that could be taken for the first one."""
    with contextlib.suppress(OSError, AssertionError, ValueError):
        return Wire(port, host, timeout=2).tcmd()


def is_left(up, since):
    return lambda: up.find_events("state", since=since, where=lambda event: event["state"] != "up")


def test_address_that_goes_to_another_container(engine, here, over, container):
    network = engine.make_network(f"--subnet=10.232.{engine.slot.number}.240/28")
    where = ["--network", network, "--ip", f"10.232.{engine.slot.number}.245"]
    first = container(engine, *where, image="solver")
    up = over(here, first, reach="bridge", **FIXED)
    up.wait_serving(40)
    since = up.mark()
    first.kill()
    second = container(engine, *where, image="solver")
    eventually(lambda: answers(second.address, 9090))
    busy(up, is_left(up, since))
    assert "may be another container" in up.log
    second.remove()
    since = up.mark()
    first.start()
    up.wait_serving(40, since=since)


def test_port_that_goes_to_another_container(engine, here, over, container):
    where = ["--publish", f"127.0.0.1:{free_port()}:9090"]
    first = container(engine, *where, image="solver")
    up = over(here, first, reach="published", **FIXED)
    up.wait_serving(40)
    since = up.mark()
    first.kill()
    second = container(engine, *where, image="solver")
    eventually(lambda: answers("127.0.0.1", second.port))
    busy(up, is_left(up, since))
    assert "may be another container" in up.log


def test_container_that_is_made_anew_for_all_to_reach(engine, here, over, container):
    """`expose_warning = error` holds for one that is there by itself, with a solver that could be taken as it is."""
    first = container(engine, "--publish", f"127.0.0.1:{free_port()}:9090", image="solver")
    up = over(here, first.name, reach="published", **FIXED, expose_warning="error")
    up.wait_serving(40)
    since = up.mark()
    first.remove()
    container(engine, "--publish", f"{free_port()}:9090", image="solver", name=first.name)
    busy(up, lambda: "on all interfaces" in up.log)
    assert not up.find_events("serving", since=since)
