# SPDX-License-Identifier: MIT
"""docker and docker-ssh: one profile text for every kind of container, and the solver's life in one."""

import time

import pytest

from support import procs
from support.container import PROGRAM, ROOT
from support.login import failed
from support.ports import free_port
from support.wait import eventually

FAILED, CONFIG, TAKEN, LAUNCH = 1, 3, 7, 8

KINDS = ["published", "other port", "not published", "host network", "stopped", "compose service"]


def make(kind, port, engine, container, compose):
    """A container of a kind; returns it, and the keys of the profile that name it."""
    publish = {
        "published": ["-p", f"127.0.0.1:{port}:{port}"],
        "other port": ["-p", f"127.0.0.1:{free_port()}:{port}"],
        "stopped": ["-p", f"127.0.0.1:{port}:{port}"],
        "host network": ["--network", "host"],
    }
    if kind == "compose service":
        project = compose(engine, options={"ports": [f"127.0.0.1:{port}:{port}"]})
        return project.up(), {"service": "app", "project": project.project}
    made = container(engine, *publish.get(kind, []), start=kind != "stopped")
    return made, {"container": made}


# --- one profile text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_profile_text_for_every_kind_of_container(engine, place, over, container, compose, kind):
    port = free_port()
    box, names = make(kind, port, engine, container, compose)
    up = over(place, endpoint=f"127.0.0.1:{port}", **names)
    serving = up.wait_serving(90)
    assert serving["adopted"] is False and serving["protocol_version"] == "0.18"
    assert up.wire.tcmd()["root"].startswith(ROOT)
    assert up.wire.echo(b"through") == b"through"
    # It listens where the way to it needs it, and no further.
    binds = {"not published": box.address, "host network": "127.0.0.1"}
    assert box.option("--host") == binds.get(kind, "0.0.0.0")
    assert box.option("--port") == str(port)
    assert up.stop() == 0
    assert procs.alive(box.solver())


def test_container_that_is_started_is_told_of(engine, here, over, container):
    box = container(engine, start=False)
    up = over(here, box)
    up.wait_event("progress", timeout=90, where=lambda event: str(box) in event["text"] and "tart" in event["text"])
    up.wait_serving(90)


# --- life ----------------------------------------------------------------------------------------------------


def test_solver_outlives_the_gateway_and_is_adopted(place, over, box):
    first = over(place, box)
    assert first.wait_serving(90)["adopted"] is False
    pid = box.solver()
    first.kill()
    assert procs.alive(pid)
    second = over(place, box)
    assert second.wait_serving(90)["adopted"] is True
    assert box.solver() == pid
    assert second.wire.tcmd()["protocol_version"] == "0.18"


def test_solver_stops_with_the_gateway_and_the_container_runs_on(place, over, box):
    up = over(place, box, on_exit="stop")
    up.wait_serving(90)
    pid = box.solver()
    assert up.stop() == 0
    eventually(lambda: not procs.alive(pid), what="the solver still runs")
    assert box.solvers() == [] and box.state["Running"]


def test_solver_that_dies_is_launched_again(place, over, box):
    """The port of docker-proxy still accepts: only asking shows that nobody is behind it."""
    up = over(place, box)
    up.wait_serving(90)
    first = box.solver()
    mark = up.mark()
    box.kill_solver()
    deadline = time.monotonic() + 60
    while True:
        try:  # a client that finds out may be cut; the next ones are held until the solver is back
            assert up.wire.tcmd()["protocol_version"] == "0.18"
            break
        except (OSError, ValueError):
            assert time.monotonic() < deadline, up.story()
    assert up.wait_serving(since=mark)["adopted"] is False
    assert box.solver() != first


def test_environment_and_gpu_reach_the_solver(engine, place, over, container):
    box = container(engine, "-p", "127.0.0.1::9090", "--env", "OF_THE_CONTAINER=kept")
    keys = {"gpu": "GPU-1234", "env": "FIRST=a b'c$(touch x)", "args": "--data-dir, kept here", "debug": True}
    over(place, box, **keys).wait_serving(90)
    found = box.environ()
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-1234"
    assert found["FIRST"] == "a b'c$(touch x)"
    assert found["OF_THE_CONTAINER"] == "kept"
    assert box.command()[-3:] == ["--debug", "--data-dir", "kept here"]
    assert not box.path("/root/x").exists() and not box.path("/x").exists()


def test_solver_runs_as_the_user_of_the_profile(here, over, box):
    over(here, box, container_user="user", root="/home/user", program=PROGRAM).wait_serving(90)
    assert procs.uids(box.solver()) == {1000}
    assert box.path("/home/user/server.log").stat().st_uid == 1000


def test_working_directory_is_where_a_relative_root_begins(here, over, box):
    up = over(here, box, container_workdir="/root", root="ppf")
    up.wait_serving(90)
    assert up.wire.tcmd()["root"].startswith(ROOT)


@pytest.mark.parametrize("name", ["a b'c$(touch x);", '-rf "q" \\ `touch x` & | < >'])
def test_hostile_root(place, over, name, box):
    folder = f"/srv/{name}"
    box.exec("/bin/mkdir", "-p", f"{folder}/target/release")
    box.exec("/bin/ln", PROGRAM, f"{folder}/target/release/")
    up = over(place, box, root=folder)
    up.wait_serving(90)
    assert up.wire.tcmd()["root"].startswith(folder)
    made = {path.name for at in ("/", "/root", "/srv", folder) for path in box.path(at).iterdir()}
    assert "x" not in made


# --- the container's own command is the solver -----------------------------------------------------------------


@pytest.mark.parametrize("image,start", [("solver", True), ("naked", False)])
def test_solver_that_is_the_container_itself(engine, place, over, container, image, start):
    box = container(engine, "-p", "127.0.0.1::9090", image=image, start=start)
    up = over(place, box, root=None)
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert len(box.solvers()) == 1


def test_solver_that_is_the_container_itself_is_waited_for(engine, here, over, container):
    box = container(engine, "-p", "127.0.0.1::9090", "--env", "DEMO_FAULT=slow-start:2", image="naked", start=False)
    up = over(here, box, root=None)
    up.wait_serving(90)
    assert up.wire.tcmd()["protocol_version"] == "0.18"


# --- what goes wrong in there --------------------------------------------------------------------------------


def test_start_that_fails_shows_the_log(here, over, box):
    error = failed(over(here, box, env="DEMO_FAULT=fail-start"), LAUNCH)
    assert "fail" in (error["what"] + error.get("detail", "")).lower()
    assert box.solvers() == []


def test_folder_that_is_not_in_the_container(here, over, box):
    error = over(here, box, root="/opt/nowhere").first_error()
    assert "/opt/nowhere" in error["what"]


def test_stranger_on_the_port_in_the_container(engine, here, over, container):
    command = ["/bin/nc", "-ll", "-p", "9090", "-e", "/bin/cat"]
    box = container(engine, "-p", "127.0.0.1::9090", command=command)
    error = failed(over(here, box), TAKEN)
    assert "9090" in error["what"]
