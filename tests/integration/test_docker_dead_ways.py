# SPDX-License-Identifier: MIT
"""docker and docker-ssh: a way that accepts connections and leads nowhere, and what is said when no way is left."""

import subprocess

import pytest

from support.login import failed

CONFIG = 3
PUBLISHED = ["-p", "127.0.0.1::9090"]


@pytest.fixture
def cut_off():
    """cut_off(container): this machine does not get through to it, as behind a firewall; its engine still accepts.

    It is told so at once, or with silent=True hears nothing: what it sends goes to an address that nobody has.
    """
    undo = []

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def cut(container, silent=False):
        address = container.address
        if silent:
            entry = [address, "dev", container.engine.bridge]
            ip("neighbour", "replace", *entry, "lladdr", "02:00:00:00:00:01", "nud", "permanent")
            undo.append(["neighbour", "del", *entry])
        else:
            ip("route", "add", "unreachable", f"{address}/32")
            undo.append(["route", "del", "unreachable", f"{address}/32"])

    yield cut
    for words in undo:
        ip(*words)


def said(error):
    return error["what"] + "\n" + error.get("detail", "")


@pytest.mark.parametrize("silent", [False, True])
def test_solver_is_launched_and_reached_past_a_dead_port(engine, place, over, container, cut_off, silent):
    box = container(engine, *PUBLISHED)
    cut_off(box, silent)
    up = over(place, box)
    up.wait_serving(90)
    assert up.find_events("leg", leg="endpoint")[-1]["text"].startswith("open by exec")
    assert "is not reached by: published port" in up.log
    assert box.option("--host") == "0.0.0.0"
    assert up.wire.echo(b"through") == b"through"
    assert len(box.solvers()) == 1


@pytest.mark.parametrize("silent", [False, True])
def test_solver_that_runs_is_adopted_past_a_dead_port(engine, place, over, container, cut_off, silent):
    box = container(engine, *PUBLISHED, image="solver")
    box.solver()
    cut_off(box, silent)
    up = over(place, box)
    assert up.wait_serving(90)["adopted"] is True
    assert up.find_events("leg", leg="endpoint")[-1]["text"].startswith("open by exec")
    assert up.wire.echo(b"through") == b"through"


def test_solver_that_dies_is_launched_again_past_a_dead_port(engine, here, over, container, cut_off):
    box = container(engine, *PUBLISHED)
    cut_off(box)
    up = over(here, box)
    up.wait_serving(90)
    mark = up.mark()
    box.kill_solver()
    assert up.wire.echo(b"through") == b"through"
    assert up.find_events("state", mark, state="launching")
    assert len(box.solvers()) == 1


@pytest.mark.parametrize("image", ["solver", "tools"])
def test_dead_port_that_the_profile_fixes_is_told_as_that(engine, place, over, container, cut_off, image):
    """Nobody is told to end the solver that runs there."""
    box = container(engine, *PUBLISHED, image=image)
    cut_off(box)
    error = failed(over(place, box, reach="published"), CONFIG, timeout=90)
    assert error["leg"] == "endpoint"
    port = f"published port 127.0.0.1:{box.port} of container '{box}'"
    assert f"The {port} accepts connections, but nothing answers" in error["what"]
    assert "reach = published" in error["next"]
    assert "End that program" not in error["next"]


def test_no_way_at_all_is_told_at_once(engine, place, over, container):
    """Nothing in there could carry a connection, and no waiting changes that."""
    box = container(engine, "--network", "none", image="bare")
    error = failed(over(place, box, ready_timeout="80s"), CONFIG, timeout=60)
    assert error["leg"] == "endpoint"
    assert f"No way leads to port 9090 of container '{box}'" in error["what"]
    for way in ("published port: ", "container address: ", "exec (127.0.0.1:9090): "):
        assert way in error["what"] and way in error["detail"]
    assert "none of perl, python3, nc, ncat, socat and bash" in error["detail"]
    assert "Put perl" in error["next"]


def test_way_that_failed_before_the_launch_keeps_its_reason(engine, here, over, container, cut_off):
    """The solver listens on its loopback because of that."""
    box = container(engine, image="bare")
    cut_off(box)
    error = failed(over(here, box), CONFIG, timeout=90)
    assert box.option("--host") == "127.0.0.1"
    assert f"container address {box.address}:9090: No connection to {box.address}:9090: " in error["detail"]
    assert "alone" not in said(error)


def test_container_without_a_shell_and_a_network_is_told_at_once(engine, here, over, container):
    """Its own command is the solver, which nothing leads to."""
    box = container(engine, "--network", "none", image="naked")
    error = failed(over(here, box, root=None), CONFIG, timeout=90)
    assert error["leg"] == "endpoint"
    assert "exec (127.0.0.1:9090): the container has no /bin/sh" in error["what"]
