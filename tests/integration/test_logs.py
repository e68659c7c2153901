# SPDX-License-Identifier: MIT
"""A gateway's log over its control socket: the last lines, and those that come."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support.control import Control, socket_path
from support.ports import free_port
from support.wait import eventually


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


def messages(lines):
    return [line["msg"] for line in lines]


def test_the_last_lines(gateway, penstock, forward):
    running = gateway(forward)
    running.wait_serving()
    with Control(socket_path(penstock, running)) as control:
        result = control.result("logs", lines=500)
        lines = result["lines"]
        assert f"listening on {running.address}" in messages(lines)
        numbers = [line["number"] for line in lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and result["last"] >= numbers[-1]
        for line in lines:
            assert line["level"] in ("error", "warn", "info", "debug") and line["source"] and line["ts"].endswith("Z")
            assert line["msg"] in running.log  # which has the same lines
        assert messages(control.result("logs", lines=1)["lines"])[-1] == messages(control.result("logs")["lines"])[-1]
        assert control.result("logs", lines=0)["lines"] == []
        assert control.ask("logs", lines=501)["error"]["code"] == "bad-value"


def test_lines_as_they_come(gateway, penstock, forward):
    running = gateway(forward, settings={"log_level": "info"})
    running.wait_serving()
    with Control(socket_path(penstock, running)) as control, Control(socket_path(penstock, running)) as other:
        last = control.result("subscribe", events=["log"])
        assert last["events"] == ["log"]
        first = control.result("logs", lines=500)["last"]
        assert other.result("reconnect")["lanes"] == 1
        event = control.next_event("log", lambda event: event["number"] > first)
        assert event["number"] == first + 1 and event["seq"] > last["seq"] and event["msg"]
        seen = [event]
        while not any("up" == event["msg"] for event in seen):
            seen.append(control.next_event("log"))
        assert [event["number"] for event in seen] == list(range(first + 1, first + 1 + len(seen)))
        assert all(event["level"] == "info" or event["level"] == "warn" for event in seen)


def test_an_error_is_told_with_its_next_step(gateway, penstock):
    running = gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", "launch": "never"})
    running.wait_state("down")
    with Control(socket_path(penstock, running)) as control:
        line = eventually(lambda: [line for line in control.result("logs")["lines"] if "leg" in line])[0]
        assert line["leg"] == "endpoint" and line["class"] and line["next"]


def test_a_listener_that_does_not_read_loses_lines_and_can_have_them_again(gateway, penstock, forward):
    running = gateway(forward, settings={"log_level": "trace"})
    running.wait_serving()
    with Control(socket_path(penstock, running)) as control:
        control.result("subscribe", events=["log"])
        with ThreadPoolExecutor(8) as pool:  # at once, as a listener that reads nothing for long is sent away
            list(pool.map(lambda _: running.wire.tcmd(), range(1500)))
        with Control(socket_path(penstock, running)) as other:
            wanted = other.result("logs", lines=500)["lines"]
        lost = control.next_event("lost")["lost"]
        assert lost > 0
        again = {line["number"]: line["msg"] for line in control.result("logs", lines=500)["lines"]}
        kept = [line for line in wanted if line["number"] in again]
        assert kept and all(again[line["number"]] == line["msg"] for line in kept)
