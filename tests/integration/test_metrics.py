# SPDX-License-Identifier: MIT
"""Figures for Prometheus: what they are, and that nobody who asks badly does harm."""

import re
import socket
import stat
import urllib.request

import pytest

from support.ports import free_port, is_listening
from support.wait import eventually

OK = 0


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


def ask(address, request=b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
    """What is answered to such a request, to its end."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(20)
        client.connect(address)
        client.sendall(request)
        return client.makefile("rb").read().decode()


def figures(text):
    """{"penstock_streams": 0.0, 'penstock_state{state="up"}': 1.0, …}"""
    found = {}
    for line in text.split("\r\n\r\n", 1)[1].splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def test_figures(gateway, forward):
    port = free_port()
    running = gateway({**forward, "prewarm": 0}, settings={"metrics": f"127.0.0.1:{port}"})
    running.wait_serving()
    running.wire.echo(b"x" * 1000)
    running.wire.tcmd()
    found = eventually(
        lambda: (now := figures(ask(("127.0.0.1", port)))) and now["penstock_streams_ended_total"] >= 2 and now
    )
    assert found['penstock_state{state="up"}'] == 1 and found['penstock_state{state="down"}'] == 0
    assert found["penstock_solver_up"] == 1 and found["penstock_served_total"] == 1
    assert found["penstock_lanes"] == 1 and found["penstock_held"] == 0 and found["penstock_refused_total"] == 0
    assert found["penstock_up_bytes_total"] >= 1000 and found["penstock_down_bytes_total"] >= 1000
    assert found["penstock_open_seconds_count"] == found['penstock_open_seconds_bucket{le="+Inf"}'] >= 2
    buckets = [value for name, value in found.items() if name.startswith("penstock_open_seconds_bucket")]
    assert buckets == sorted(buckets) and len(buckets) == 14
    assert found["penstock_open_seconds_sum"] > 0
    assert found["penstock_stream_first_byte_seconds_count"] == 2
    assert found["penstock_stream_first_byte_seconds_sum"] > 0
    assert found['penstock_lane_load{lane="0"}'] == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    names = re.findall(r"^# TYPE (\S+) (?:gauge|counter|histogram)$", text, re.M)
    assert len(names) == len(set(names)) and all(f"# HELP {name} " in text for name in names)
    assert 'penstock_profile_info{profile="lab",transport="local"} 1\n' in text
    assert running.stop() == OK
    assert not is_listening(port)


def test_counters_go_on_when_another_profile_is_used(gateway, penstock, forward):
    port = free_port()
    running = gateway(forward, settings={"metrics": f"127.0.0.1:{port}"}, sections={"other": forward})
    running.wait_serving()
    running.wire.echo(b"x" * 1000)
    before = eventually(
        lambda: (now := figures(ask(("127.0.0.1", port)))) and now["penstock_streams_ended_total"] >= 1 and now
    )
    assert penstock.run("use", "other").returncode == OK
    after = figures(ask(("127.0.0.1", port)))
    info = [name for name in set(before) ^ set(after)]
    assert sorted(info) == [f'penstock_profile_info{{profile="{name}",transport="local"}}' for name in ("lab", "other")]
    for name in before.keys() & after.keys():
        if name.endswith(("_total", "_count", "_sum")) or "_bucket{" in name:
            assert after[name] >= before[name], name


def test_who_waited_in_vain_is_counted(gateway, forward):
    port = free_port()
    profile = {**forward, "endpoint": f"127.0.0.1:{free_port()}", "hold": "100ms"}
    running = gateway(profile, settings={"metrics": f"127.0.0.1:{port}"})
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.settimeout(20)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    found = eventually(lambda: (now := figures(ask(("127.0.0.1", port)))) and now["penstock_refused_total"] and now)
    assert found["penstock_refused_total"] == 1 and found["penstock_solver_up"] == 0


def test_by_a_socket_of_the_user_alone(gateway, forward, tmp):
    path = tmp / "metrics.sock"
    running = gateway(forward, settings={"metrics": path})
    running.wait_serving()
    assert figures(ask(str(path)))["penstock_solver_up"] == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = gateway(forward, settings={"metrics": path})
    second.wait_serving()
    assert f"cannot listen on {path}" in second.log
    assert figures(ask(str(path)))["penstock_solver_up"] == 1
    running.kill()
    third = gateway(forward, settings={"metrics": path})
    third.wait_serving()
    assert figures(ask(str(path)))["penstock_solver_up"] == 1
    assert third.stop() == OK and not path.exists()


def test_a_socket_that_has_taken_its_place_stays(gateway, forward, tmp):
    path = tmp / "metrics.sock"
    running = gateway(forward, settings={"metrics": path})
    running.wait_serving()
    path.unlink()
    second = gateway(forward, settings={"metrics": path})
    second.wait_serving()
    assert running.stop() == OK
    assert figures(ask(str(path)))["penstock_solver_up"] == 1


def test_a_file_in_its_place_stays(gateway, forward, tmp):
    path = tmp / "precious"
    path.write_text("x")
    running = gateway(forward, settings={"metrics": path})
    running.wait_serving()
    assert path.read_text() == "x" and f"cannot listen on {path}" in running.log


def test_other_machines_do_not_reach_it(gateway, forward):
    running = gateway(forward, settings={"metrics": "0.0.0.0:9464"})
    running.wait_serving()
    assert "neither a loopback address" in running.log


@pytest.mark.parametrize(
    "request_, status",
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"GET /metricsx HTTP/1.1\r\n\r\n", "404"),
        (b"GET /metrics?x=1 HTTP/1.0\n\n", "200"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\0\r\n\r\nGET /metrics\n\n", None),
        (b"GET /" + b"a" * 8000, "431"),
        (b"\n\n", "405"),
    ],
    ids=["root", "near", "old", "post", "nul", "long", "empty"],
)
def test_bad_requests(gateway, forward, request_, status):
    port = free_port()
    running = gateway(forward, settings={"metrics": f"127.0.0.1:{port}"})
    running.wait_serving()
    if status:
        assert ask(("127.0.0.1", port), request_).startswith(f"HTTP/1.1 {status} ")
    else:  # a text that has ended before it began: it waits for more, and is given up
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request_)
    assert figures(ask(("127.0.0.1", port)))["penstock_solver_up"] == 1


def test_those_who_say_nothing_do_not_keep_others_out(gateway, forward):
    port = free_port()
    running = gateway(forward, settings={"metrics": f"127.0.0.1:{port}"})
    running.wait_serving()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        assert figures(ask(("127.0.0.1", port)))["penstock_solver_up"] == 1
        assert running.wire.tcmd()["protocol_version"] == "0.18"
        assert running.stop() == OK
    finally:
        for each in silent:
            each.close()
