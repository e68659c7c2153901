# SPDX-License-Identifier: MIT
"""What `penstock status` shows beside the state: tries, rates, what the solver says of itself and of a project."""

import json
import re
import socket

import pytest

from support.control import Control, socket_path
from support.ports import free_port
from support.wait import eventually

OK, USAGE, UNREACHABLE = 0, 2, 4


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


def status_of(penstock, *args):
    (status,) = json.loads(penstock.run("status", "--json", *args).stdout)["gateways"]
    return status


def test_what_the_solver_says_of_itself(gateway, penstock, forward):
    gateway(forward).wait_serving()
    solver = status_of(penstock)["solver"]
    answer = solver["answer"]
    assert answer["protocol_version"] == solver["protocol_version"] == "0.18"
    assert answer["status"] == "NO_DATA" and answer["pid"] > 0
    assert all(not isinstance(value, (dict, list)) for value in answer.values())
    assert 0 <= solver["answer_ms"] < 60000
    text = penstock.run("status").stdout
    assert re.search(rf"^  It says    pid {answer['pid']}, uptime_ms \d+, requests \d+$", text, re.M), text


def test_a_solver_that_is_not_asked_says_nothing(gateway, penstock, forward):
    gateway({**forward, "probe": "tcp"}).wait_serving()
    solver = status_of(penstock)["solver"]
    assert solver["answer"] is None and solver["answer_ms"] is None


def test_rates(gateway, penstock, forward):
    running = gateway(forward)
    running.wait_serving()
    assert status_of(penstock)["down_rate"] is not None
    with Control(socket_path(penstock, running)) as control:
        running.wire.echo(b"x" * 4_000_000)
        now = control.result("status")
        # All of it within the last two seconds, unless this machine stood still.
        assert now["up_rate"] > 0 and now["down_rate"] > 0
        # They end by themselves, though nobody tells the gateway that nothing comes.
        eventually(lambda: (now := control.result("status")) and now["up_rate"] == now["down_rate"] == 0)


def test_tries_and_those_who_wait(gateway, penstock, solver):
    port = free_port()
    running = gateway(
        {
            "transport": "local",
            "endpoint": f"127.0.0.1:{port}",
            "launch": "never",
            "retry_min": "100ms",
            "retry_max": "100ms",
            "hold": "60s",
        }
    )
    running.wait_state("down")
    assert status_of(penstock)["held_ms"] is None
    eventually(lambda: status_of(penstock)["retries"] >= 3)
    with socket.create_connection(("127.0.0.1", running.port)):
        first = eventually(lambda: (now := status_of(penstock)) and now["held"] == 1 and now["held_ms"])
        assert eventually(lambda: (now := status_of(penstock)["held_ms"]) > first and now) < 60000
        text = penstock.run("status").stdout
        assert re.search(r"^  Retries    \d+ since it was last up, \d+ in all$", text, re.M), text
        assert re.search(r"^  Streams    0 now, 1 held \(the first for .+\)", text, re.M), text
        solver(port=port)
        running.wait_serving()
    now = status_of(penstock)
    assert now["retries"] == 0 and now["retries_total"] >= 3
    assert re.search(r"^  Retries    \d+ in all$", penstock.run("status").stdout, re.M)


def test_tries_that_the_user_wants_are_none_of_its_own(gateway, penstock, forward):
    running = gateway(forward)
    running.wait_serving()
    since = running.mark()
    assert penstock.run("reconnect").returncode == OK
    running.wait_serving(since=since)
    assert penstock.run("start").returncode == OK  # served already
    assert status_of(penstock)["retries_total"] == 0


def test_a_project(gateway, penstock, forward):
    running = gateway(forward)
    running.wait_serving()
    running.wire.data_send("data.bin", b"x", name="scene")
    asked = running.wire.tcmd("--name scene")
    project = status_of(penstock, "--project", "scene")["project"]
    assert project["name"] == "scene" and project["error"] is None
    assert asked["status"] == project["answer"]["status"] and asked["root"] == project["answer"]["root"]
    done = penstock.run("status", "--project", "scene", "lab")
    assert done.returncode == OK
    for line in ("  Project    scene", f"  State      {project['answer']['status']}", "  Frame      0"):
        assert f"{line}\n" in done.stdout
    assert f"  Folder     {project['answer']['root']}\n" in done.stdout
    assert "project" not in status_of(penstock)


def test_a_project_of_a_solver_that_is_not_there(gateway, penstock):
    running = gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", "launch": "never", "hold": "60s"})
    running.wait_state("down")
    done = penstock.run("status", "--project", "scene")
    assert done.returncode == UNREACHABLE
    assert "  Unknown    no solver is served" in done.stdout and "lab" in done.stdout
    assert penstock.run("status").returncode == OK


@pytest.mark.parametrize("name", ["", "--start", "a --delete b", " a", "a\n", "x" * 257])
def test_names_that_a_solver_would_misread(penstock, name):
    done = penstock.run("status", "--project", name)
    assert done.returncode == USAGE and "project" in done.stderr


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_questions_are_no_streams(serve, penstock, transport):
    """What the gateway asks by itself is in no figure, whatever the transport carries it by."""
    served = serve(transport, hang_timeout="300ms", prewarm=0)
    served.wire.tcmd()
    with served.wire.open(b"ECHO") as sock:  # who says nothing has the solver asked
        sock.sendall(b"a")
        eventually(lambda: served.gateway.log.count("is it still at it?") >= 2)
    now = eventually(lambda: (now := status_of(penstock))["streams"] == 0 and now)
    assert now["streams_ended"] == 2 and now["down_bytes"] < 4096
