# SPDX-License-Identifier: MIT
"""The container transports with podman, whose containers get another address whenever they start."""

import pytest

from support.ports import free_port
from support.tools import hiding

WAYS = {"published": "0.0.0.0", "bridge": None, "exec": "127.0.0.1"}


@pytest.fixture
def place(podman, place_of):
    return place_of("docker", podman)


@pytest.mark.parametrize("way", WAYS)
def test_ways(podman, place, over, container, way):
    box = container(podman, "-p", f"127.0.0.1:{free_port()}:9090")
    up = over(place, box, engine="podman", reach=way)
    assert up.wait_serving(90)["adopted"] is False
    assert box.option("--host") == WAYS[way] or box.option("--host") == box.address
    assert up.wire.echo(b"through") == b"through"


def test_podman_is_found_where_there_is_no_docker(podman, place, over, container):
    box = container(podman)
    up = over(place, box, under=hiding("docker"))
    up.wait_serving(90)
    assert box.option("--host") == box.address


def test_address_that_changes(podman, place, over, container):
    """The container restarts and has another address; its solver is launched again, and reached there."""
    box = container(podman)
    up = over(place, box, engine="podman", retry_min="50ms")
    up.wait_serving(90)
    first = box.address
    mark = up.mark()
    box.restart()
    assert box.address != first
    assert up.wire.tcmd(timeout=30)["protocol_version"] == "0.18"
    assert up.wait_serving(90, since=mark)["adopted"] is False
    assert box.option("--host") == box.address


def test_container_that_does_not_exist(podman, place, over):
    error = over(place, "nowhere", engine="podman").first_error()
    assert error["what"].startswith("Container 'nowhere' does not exist.")
    assert "podman run -d --name nowhere" in error["next"]


def test_stopped_container_is_started(podman, place, over, container):
    box = container(podman, start=False)
    over(place, box, engine="podman").wait_serving(90)
    assert len(box.solvers()) == 1


def test_on_a_machine_behind_ssh(podman, place_of, over, container):
    box = container(podman)
    up = over(place_of("docker-ssh", podman), box, engine="podman")
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
