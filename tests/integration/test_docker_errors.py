# SPDX-License-Identifier: MIT
"""docker and docker-ssh: what is said of containers and engines that are not as they should be."""

import pytest

from support.container import PROGRAM
from support.ports import free_port
from support.wait import eventually


# --- which container -----------------------------------------------------------------------------------------


def test_container_that_does_not_exist(engine, place, over, container):
    there = container(engine)
    error = over(place, "nowhere").first_error()
    assert error["leg"] == "container"
    assert error["what"].startswith("Container 'nowhere' does not exist.")
    assert str(there) in error["what"] + error["next"] + error.get("detail", "")
    assert "docker run -d --name nowhere --gpus all -p 127.0.0.1:9090:9090" in error["next"]


def test_name_is_never_a_part_of_another(engine, here, over, container):
    longer = container(engine, "-p", "127.0.0.1::9090", image="solver", name=engine.new_name("part") + "-longer")
    part = str(longer).removesuffix("-longer")
    error = over(here, part).first_error()
    assert error["what"].startswith(f"Container '{part}' does not exist.")
    box = container(engine, "-p", "127.0.0.1::9090", name=part)
    over(here, part).wait_serving(90)
    assert len(box.solvers()) == 1


@pytest.mark.parametrize("length", [12, 64])
def test_container_by_its_id(here, over, length, box):
    over(here, box.id[:length]).wait_serving(90)
    assert len(box.solvers()) == 1


@pytest.mark.parametrize(
    "name", ["a'b", 'a"b', "$(touch x)", "`touch x`", "a;touch x", "a b", "*", "--help", "-v", "../x", "a|b", "{{.Id}}"]
)
def test_hostile_name_is_only_a_name(here, over, penstock, name):
    error = over(here, f'"{name}"' if '"' not in name else name).first_error()
    assert name in error["what"], error
    assert not (penstock.home / "x").exists()


# --- its state -----------------------------------------------------------------------------------------------


def test_stopped_container_that_is_not_to_be_started(engine, here, over, container):
    box = container(engine, start=False)
    error = over(here, box, start_container=False).first_error()
    assert error["leg"] == "container" and str(box) in error["what"]
    assert f"docker start {box}" in error["next"]
    assert box.state["Status"] == "created"


def test_paused_container_that_is_not_to_be_resumed(here, over, box):
    box.pause()
    error = over(here, box, start_container=False).first_error()
    assert "paused" in error["what"]
    assert f"docker unpause {box}" in error["next"]
    assert box.state["Paused"]


def test_paused_container_is_resumed(here, over, box):
    box.pause()
    up = over(here, box)
    up.wait_serving(90)
    assert not box.state["Paused"]
    assert up.find_events("progress", where=lambda event: str(box) in event["text"])


def test_container_that_ends_at_once_shows_its_last_words(engine, here, over, container):
    box = container(engine, command=["/bin/sh", "-c", "echo no such GPU >&2; exit 7"], start=False)
    error = over(here, box).first_error()
    said = error["what"] + error.get("detail", "")
    assert str(box) in error["what"] and "7" in error["what"]
    assert "no such GPU" in said


def test_last_words_are_those_of_the_last_run(engine, here, over, container):
    """The first line is said before the engine has noted that the container has started."""
    command = "echo begun; [ -e /tmp/again ] || echo at first; touch /tmp/again; sleep 0.1; echo ended; exit 7"
    box = container(engine, command=["/bin/sh", "-c", command])
    eventually(lambda: not box.state["Running"])
    error = over(here, box).first_error()
    assert error["detail"].split("\n") == ["begun", "ended"]


def test_container_that_starts_over_and_over_shows_its_last_words(engine, here, over, container):
    box = container(engine, "--restart=always", command=["/bin/sh", "-c", "echo no such GPU >&2; exit 7"])
    eventually(lambda: box.inspect()["RestartCount"] >= 2, 60)
    up = over(here, box)  # which may see it while it runs, and believe it for a moment
    told = lambda event: event["error"] and "again and again" in event["error"]["what"]  # noqa: E731
    error = up.wait_event("state", 120, where=told)["error"]
    assert str(box) in error["what"] and "no such GPU" in error["detail"]


# --- what is in it -------------------------------------------------------------------------------------------


def test_container_without_a_shell(engine, here, over, container):
    box = container(engine, "-p", "127.0.0.1::9090", image="naked", command=[PROGRAM, "--port", "9191"])
    error = over(here, box).first_error()
    assert "/bin/sh" in error["what"] and "root" in error["next"]


@pytest.mark.parametrize("key,value", [("container_user", "nobody-knows"), ("container_workdir", "/no/such/folder")])
def test_user_or_folder_that_is_not_in_there(here, over, box, key, value):
    error = over(here, box, **{key: value}).first_error()
    assert value in error["what"] and key in error["next"]
    assert box.solvers() == []


# --- compose -------------------------------------------------------------------------------------------------


def test_service_that_is_not_up_is_brought_up(engine, here, over, compose):
    project = compose(engine, options={"ports": ["127.0.0.1::9090"]})
    keys = {"service": "app", "project": project.project, "compose_file": project.file}
    error = over(here, **keys).first_error()
    assert "app" in error["what"] and "start_compose" in error["next"]
    up = over(here, start_compose=True, **keys)
    up.wait_serving(90)
    assert len(project.container().solvers()) == 1


def test_service_that_no_project_has(engine, here, over, compose):
    project = compose(engine)
    project.up()
    error = over(here, service="other", project=project.project).first_error()
    assert "other" in error["what"] and project.project in error["what"]


def test_container_and_service_at_once(here, over):
    error = over(here, "ppf", service="app").first_error()
    assert "container" in error["what"] and "service" in error["what"]


# --- the profile ----------------------------------------------------------------------------------------------

def test_endpoint_of_the_wrong_kind(here, over):
    """Of an endpoint in a container, only the port counts: another machine's address is a mistake."""
    error = over(here, "ppf", endpoint=f"192.0.2.1:{free_port()}").first_error()
    assert "endpoint" in error["what"]


def test_no_container_is_named(here, over):
    error = over(here).first_error()
    assert "container" in error["what"] + error["next"]
