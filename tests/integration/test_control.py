# SPDX-License-Identifier: MIT
"""The control socket of a running gateway, and the commands that are its clients."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from support import pattern
from support.control import Control, socket_path
from support.need import as_nobody
from support.ports import free_port
from support.relay import Relay
from support.wait import eventually

OK, USAGE, UNREACHABLE = 0, 2, 4
MIB = 1 << 20


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


@pytest.fixture
def control(penstock):
    """control(gateway) connects to its control socket."""
    made = []

    def connect(gateway, **options):
        made.append(Control(socket_path(penstock, gateway), **options))
        return made[-1]

    yield connect
    for each in made:
        each.close()


def status_of(penstock, *args):
    """The only gateway's status, by the command."""
    done = penstock.run("status", "--json", *args)
    told = json.loads(done.stdout)
    assert done.returncode == OK, told
    assert told["error"] is None
    (status,) = told["gateways"]
    return status


# -- status -------------------------------------------------------------------------------------------------


def test_status_of_nothing(penstock):
    done = penstock.run("status")
    assert done.returncode == UNREACHABLE
    assert "no gateway of yours runs" in done.stderr and "penstock up" in done.stderr and done.stdout == ""
    done = penstock.run("status", "--json")
    assert done.returncode == UNREACHABLE
    told = json.loads(done.stdout)
    assert told["gateways"] == [] and told["error"]["leg"] == "local"
    for command in ("down", "reconnect"):
        done = penstock.run(command)
        assert done.returncode == UNREACHABLE and "no gateway of yours runs" in done.stderr


def test_status_while_it_is_up(penstock, gateway, forward):
    running = gateway(forward)
    running.wait_serving()
    running.wire.echo(b"x" * 1000)
    status = eventually(lambda: (found := status_of(penstock)) and found["streams_ended"] >= 1 and found)
    assert status["profile"] == "lab" and status["transport"] == "local" and status["state"] == "up"
    assert status["pid"] == running.pid and status["listen"] == running.address
    assert status["endpoint"] == forward["endpoint"]
    assert status["reason"] is None and status["next_try_ms"] is None
    assert status["solver"]["adopted"] is True and status["solver"]["protocol_version"] == "0.18"
    assert status["up_bytes"] >= 1000 and status["down_bytes"] >= 1000
    assert [leg["leg"] for leg in status["legs"]][-2:] == ["endpoint", "stream"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", status["since"])
    text = penstock.run("status").stdout
    assert text.startswith("lab (local): up for ") and f"on {running.address} (pid {running.pid})" in text
    assert "found running" in text and "protocol 0.18" in text and "\x1b" not in text


def test_status_while_it_is_down(penstock, gateway, forward):
    there = free_port()
    running = gateway({**forward, "endpoint": f"127.0.0.1:{there}", "retry_min": "60s", "retry_max": "60s"})
    running.wait_state("down")
    status = status_of(penstock, "lab")
    assert status["state"] == "down" and status["solver"] is None
    assert status["reason"]["leg"] == "endpoint" and str(there) in status["reason"]["what"]
    assert 0 < status["next_try_ms"] <= 90000
    assert status["legs"][-1]["ok"] is False
    text = penstock.run("status").stdout
    assert "lab (local): down for " in text and "Next try" in text and "Next  " in text


def test_status_while_it_connects(penstock, gateway, forward):
    """To a machine that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        running = gateway({"transport": "ssh", "host": "127.0.0.1", "port": port, "user": "x", "launch": "never"})
        running.wait_state("connecting")
        status = status_of(penstock)
        assert status["state"] == "connecting" and status["solver"] is None
        assert penstock.run("status").stdout.startswith("lab (ssh): connecting for ")
        assert penstock.run("down").returncode == OK
        assert running.wait() == OK


def test_status_turns_degraded_and_back(penstock, gateway, solver, sshd, tmp, control):
    """A link that falls silent is not said to be up, within the time that the documentation says."""
    server, port = sshd(), free_port()
    relay = Relay(server.port, port=port)
    try:
        known_hosts = tmp / "known_hosts"
        known_hosts.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{port} "))
        endpoint = f"127.0.0.1:{solver().port}"
        keys = server.profile(port=port, known_hosts=known_hosts, endpoint=endpoint, launch="never", probe="tcmd")
        running = gateway({**keys, "keepalive": "2s"})
        running.wait_serving()
        watcher = control(running)
        watcher.result("subscribe", events=["state"])
        relay.black_hole()
        event = watcher.next_event("state", lambda event: event["state"] == "degraded")
        assert event["error"]["what"]
        status = status_of(penstock)
        assert status["state"] in ("degraded", "down") and status["reason"]["what"]
        relay.resume()
        watcher.next_event("state", lambda event: event["state"] == "up")
        status = status_of(penstock)
        assert status["state"] == "up" and status["reason"] is None and status["last_error"]["what"]
    finally:
        relay.close()


def test_status_shows_all_and_tells_those_of_one_profile_apart(penstock, gateway, forward):
    first, second, other = gateway(forward), gateway(forward), gateway(forward, name="other")
    for each in (first, second, other):
        each.wait_serving()
    told = json.loads(penstock.run("status", "--json").stdout)
    assert sorted(status["pid"] for status in told["gateways"]) == sorted([first.pid, second.pid, other.pid])
    assert status_of(penstock, "other")["pid"] == other.pid
    assert status_of(penstock, f"lab@{second.port}")["pid"] == second.pid
    assert len(json.loads(penstock.run("status", "--json", "lab").stdout)["gateways"]) == 2
    done = penstock.run("status", "nobody")
    assert done.returncode == UNREACHABLE and f"lab@{first.port}" in done.stderr
    done = penstock.run("down")
    assert done.returncode == USAGE and f"lab@{first.port}" in done.stderr
    assert penstock.run("down", f"lab@{first.port}").returncode == OK
    assert first.wait() == OK
    assert status_of(penstock, "lab")["pid"] == second.pid


def test_a_gateway_that_hangs_is_shown(penstock, gateway, forward):
    running = gateway(forward)
    running.wait_serving()
    os.kill(running.pid, signal.SIGSTOP)
    try:
        done = penstock.run("status")
        assert done.returncode == UNREACHABLE
        assert f"(pid {running.pid})" in done.stdout and "does not answer" in done.stdout
        (status,) = json.loads(penstock.run("status", "--json").stdout)["gateways"]
        assert status["pid"] == running.pid and status["state"] is None and status["error"]["what"]
    finally:
        os.kill(running.pid, signal.SIGCONT)
    assert status_of(penstock)["state"] == "up"


def test_what_a_killed_gateway_left_is_not_taken_for_one(penstock, gateway, forward):
    first = gateway(forward)
    first.wait_serving()
    path = socket_path(penstock, first)
    eventually(path.exists)
    first.kill()
    assert path.exists()
    assert penstock.run("status").returncode == UNREACHABLE
    second = gateway(forward)
    second.wait_serving()
    assert not path.exists() and status_of(penstock)["pid"] == second.pid
    assert second.stop() == OK
    assert list(penstock.runtime.iterdir()) == []


def test_without_a_socket_it_serves_all_the_same(penstock, gateway, forward):
    running = gateway(forward, env={"PENSTOCK_RUNTIME_DIR": "/proc/none"})
    running.wait_serving()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    assert "no control socket" in running.log and "set PENSTOCK_RUNTIME_DIR" in running.log


# -- commands -----------------------------------------------------------------------------------------------


def test_down_waits_for_the_end_and_for_streams(penstock, gateway, forward):
    running = gateway(forward)
    running.wait_serving()
    with running.wire.open(b"HOLD") as held:
        running.wire.wait_for("HOLD")
        began = time.monotonic()
        done = penstock.run("down", "--drain", "300ms")
        assert done.returncode == OK and "has ended" in done.stdout, done.stderr
        assert time.monotonic() - began >= 0.3
        with pytest.raises(ConnectionResetError):
            held.recv(1)
    assert running.wait() == OK
    assert running.events[-1]["event"] == "stopped"


def test_down_is_told_what_it_may_be_told(penstock):
    done = penstock.run("down", "--drain", "2h")
    assert done.returncode == USAGE and "at most an hour" in done.stderr


def test_reconnect(penstock, serve):
    served = serve("ssh")
    mark = served.gateway.mark()
    with served.wire.open(b"HOLD") as held:
        served.direct.wait_for("HOLD")
        done = penstock.run("reconnect", "lab")
        assert done.returncode == OK and "connects anew" in done.stdout
        with pytest.raises(ConnectionResetError):  # never a clean end
            held.recv(1)
    served.gateway.wait_serving(since=mark)
    legs = [event["leg"] for event in served.gateway.find_events("leg", since=mark)]
    assert "auth" in legs
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    assert status_of(penstock)["times_served"] == 2


# -- the socket itself --------------------------------------------------------------------------------------


def test_others_are_kept_out(penstock, gateway, forward, tmp):
    """By modes; and if somebody opens those up, by who is at the other end."""
    running = gateway(forward)
    running.wait_serving()
    path = socket_path(penstock, running)
    eventually(path.exists)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    for each in (tmp, penstock.home, penstock.runtime, path):
        each.chmod(0o777)
    ask = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n"
        "try: sys.stdout.buffer.write(s.recv(100))\n"
        "except ConnectionResetError: pass"
    )
    line = ["/usr/bin/python3", "-c", ask, str(path)]
    done = subprocess.run(as_nobody(*line), capture_output=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, b""), done
    eventually(lambda: "refused a control connection of user id 65534" in running.log)
    assert subprocess.run(line, capture_output=True, timeout=20).stdout.startswith(b'{"penstock"')
    for each in (path, penstock.runtime, penstock.home, tmp):
        each.chmod(0o700)


def test_requests_are_those_of_the_documentation(penstock, gateway, forward, control):
    running = gateway(forward)
    text = (penstock.checkout / "docs" / "CONTROL.md").read_text()
    for kind in control(running).result("help")["requests"]:
        row = re.search(rf"^\| `{kind['request']}` \|(.*)\|$", text, re.M)
        assert row, f"docs/CONTROL.md has no row for {kind['request']}"
        for field in kind["fields"]:
            assert f"`{field['name']}`" in row.group(1)
            for word in field.get("words", []):
                assert f"`{word}`" in text
    for member in control(running).result("status"):
        assert re.search(rf"^\| .*`{member}`.*\|$", text, re.M), f"docs/CONTROL.md does not say what `{member}` is"
    codes = (
        *("malformed", "too-long", "unknown-request", "unknown-field", "bad-value", "too-slow", "busy", "stopping"),
        *("bad-profile", "not-served", "swapping", "failed"),
    )
    for code in codes:
        assert re.search(rf"^\| `{code}` \|", text, re.M), f"docs/CONTROL.md does not say what {code} means"


# -- hostile clients ----------------------------------------------------------------------------------------


def flood(sock):
    sock.sendall(b'{"request": "status"}\n' * 10000)


def never_read(sock):
    while True:
        sock.sendall(b'{"request": "streams"}\n' * 100)


def too_long(sock):
    sock.sendall(b"[" * (MIB))


def nested(sock):
    sock.sendall(b'{"request": ' + b"[" * 30000 + b"\n")
    sock.recv(1 << 16)


def noise(sock):
    for _ in range(100):
        sock.sendall(os.urandom(4096))
        sock.recv(1 << 16)


def half(sock):
    sock.sendall(b'{"request": "sta')
    sock.recv(1 << 16)
    sock.recv(1 << 16)


def nothing(sock):
    while sock.recv(1 << 16):
        pass


def come_and_go(sock):
    sock.close()


def subscribe_and_never_read(sock):
    sock.sendall(b'{"request": "subscribe"}\n')
    time.sleep(5)


HOSTILE = [flood, never_read, too_long, nested, noise, half, nothing, come_and_go, subscribe_and_never_read]


def be_hostile(path, how, stop):
    """Again and again, whatever the gateway makes of it."""
    while not stop.is_set():
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect(str(path))
                how(sock)
        except OSError:
            pass
        time.sleep(0.02)


def test_hostile_clients_harm_nothing(penstock, serve):
    """200 of them at once, of every kind, while bytes go through: those arrive whole, and the gateway still answers."""
    served = serve("ssh", settings={"log_level": "info"})
    running = served.gateway
    path = socket_path(penstock, running)
    served.wire.source(MIB)
    before, fds = running.rss_kib(), running.fds()
    stop = threading.Event()
    threads = [
        threading.Thread(target=be_hostile, args=(path, HOSTILE[i % len(HOSTILE)], stop), daemon=True)
        for i in range(200)
    ]
    for thread in threads:
        thread.start()
    try:
        for seed in range(3):
            size = 16 * MIB
            whole = (size, pattern.sha256(size, seed))
            assert served.wire.sink(pattern.chunks(size, seed)) == whole
            assert served.wire.source(size, seed) == whole
            served.wire.tcmd()
        status = status_of(penstock)
        assert status["state"] == "up"
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    eventually(lambda: running.fds() <= fds + 20, 30, lambda: f"{fds} descriptors became {running.fds()}")
    if not penstock.is_sanitized():
        assert running.rss_kib() < before + 32 * 1024
    assert penstock.run("down").returncode == OK
    assert running.wait() == OK
