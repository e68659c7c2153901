# SPDX-License-Identifier: MIT
"""docker and docker-ssh: engines that do not run, may not be used, are slow, or are on another machine."""

import subprocess

import pytest

from support.ports import free_port, is_listening
from support.tools import hidden, hiding, pretend
from support.wait import eventually


@pytest.mark.parametrize("transport", ["docker", "docker-ssh"])
def test_engine_that_does_not_run(engine, place_of, over, tmp, transport):
    place = place_of(transport, engine)
    place.engine_env["DOCKER_HOST"] = f"unix://{tmp}/nobody.sock"
    error = over(place, "ppf").first_error()
    assert "not running" in error["what"] and f"{tmp}/nobody.sock" in error["what"]
    assert "docker" in error["next"]


@pytest.mark.parametrize("transport", ["docker", "docker-ssh"])
def test_engine_that_the_user_may_not_use(engine, container, place_of, over, tmp, transport):
    """A user without rights is root without the right to pass over permissions; the socket is somebody else's."""
    box = container(engine)
    under = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search"
    tools = pretend(tmp / "tools", "docker", f'exec {under} /usr/bin/docker "$@"')
    place = place_of(transport, engine, tools)
    with engine.socket_of_another_user():
        error = over(place, box).first_error()
    assert "may not use" in error["what"] and "usermod -aG docker" in error["next"]


@pytest.mark.parametrize("transport", ["docker", "docker-ssh"])
def test_client_that_is_missing(engine, place_of, over, transport):
    place = place_of(transport, engine)
    place.server_options = {"binds": hidden("docker", "podman")}
    error = over(place, "ppf", under=hiding("docker", "podman")).first_error()
    assert "docker" in error["what"] and "podman" in error["what"]
    assert "nstall" in error["next"]


def test_engine_that_is_named_and_missing(here, over):
    error = over(here, "ppf", engine="/opt/none/docker").first_error()
    assert "/opt/none/docker" in error["what"]


def test_engine_of_several_words(here, over, tmp, box):
    over(here, box, engine="env A=b docker").wait_serving(90)
    assert len(box.solvers()) == 1


# --- the client is slow --------------------------------------------------------------------------------------


def test_engine_that_wakes_up_is_waited_for_with_a_word(engine, place_of, over, tmp, box):
    asleep = tmp / "asleep"
    asleep.touch()
    script = f'[ ! -e {asleep} ] || {{ sleep 3; rm -f {asleep}; }}; exec /usr/bin/docker "$@"'
    up = over(place_of("docker", engine, pretend(tmp / "tools", "docker", script)), box)
    up.wait_event("progress", where=lambda event: "docker" in event["text"])
    up.wait_serving(90)


def test_client_that_hangs_is_given_up(engine, place_of, over, tmp):
    place = place_of("docker", engine, pretend(tmp / "tools", "docker", "exec sleep 600"))
    error = over(place, "ppf", connect_timeout="2s").first_error()
    assert error["leg"] == "container"
    assert "docker" in error["what"] and "answer" in error["what"]


# --- the engine is on another machine ------------------------------------------------------------------------


@pytest.fixture
def far_engine(engine):
    """The address of the engine as one on another machine has it: by TCP, and not on the loopback."""
    port = free_port()
    words = [f"TCP-LISTEN:{port},bind={engine.address},fork,reuseaddr", f"UNIX-CONNECT:{engine.socket}"]
    process = subprocess.Popen(["socat", "-t", "600", *words])  # a direction that ends is not the end
    eventually(lambda: is_listening(port, engine.address))
    yield f"tcp://{engine.address}:{port}"
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize("how", ["DOCKER_HOST", "context"])
def test_ports_of_an_engine_elsewhere_are_not_those_of_this_machine(engine, here, over, penstock, far_engine, box, how):
    """It is published on "127.0.0.1", which is the other machine's: only a command in the container gets there."""
    if how == "context":
        del here.engine_env["DOCKER_HOST"]
        here.engine_env["DOCKER_CONTEXT"] = "far"
        command = ["/usr/bin/docker", "context", "create", "far", "--docker", f"host={far_engine}"]
        subprocess.run(command, check=True, capture_output=True, env={"HOME": str(penstock.home)})
    else:
        here.engine_env["DOCKER_HOST"] = far_engine
    up = over(here, box)
    up.wait_serving(90)
    assert box.option("--host") == "127.0.0.1"
    assert up.wire.echo(b"through") == b"through"


def test_fixed_way_that_an_engine_elsewhere_does_not_have(here, over, far_engine, box):
    here.engine_env["DOCKER_HOST"] = far_engine
    error = over(here, box, reach="published").first_error()
    said = error["what"] + error["next"] + error.get("detail", "")
    assert far_engine in said and "reach" in error["next"]
