# SPDX-License-Identifier: MIT
"""ProxyCommand, and the keywords of ssh_config that say how a host is dialled."""

import os
import shutil
import signal
import socket
import time

import pytest

from support import pattern, procs
from support.gateway import write_ini
from support.ports import free_port
from support.route import Route
from support.wait import eventually
from support.wire import ended_by, read_exact

MIB = 1 << 20


@pytest.fixture
def route(sshd, tmp):
    """route(2) starts so many servers; the last one is the solver's host."""

    def start(count=1):
        return Route(tmp, [sshd(config=["LogLevel DEBUG1"]) for _ in range(count)])

    return start


@pytest.fixture
def up(gateway, solver):
    """up(route, "ProxyCommand …", **keys) starts a gateway that only forwards, with those lines for its host."""

    def start(way, *lines, env=None, **keys):
        way.more = {**way.more, "gpu": list(lines)}
        way.write()
        keys = {"endpoint": f"127.0.0.1:{start.solver.port}", "launch": "never", "jump": None, **keys}
        return gateway(way.profile(**keys), env=env)

    start.solver = solver()
    return start


def passing_failure(gateway):
    """The error of a failure that the gateway tries again."""
    return gateway.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]


# --- ProxyCommand ----------------------------------------------------------------------------------------


def test_every_byte_arrives_through_a_command(route, up):
    gateway = up(route(), "ProxyCommand socat - TCP:%h:%p")
    gateway.wait_serving(60)
    assert gateway.find_events("leg", leg="tcp", text="by ProxyCommand")
    size = 16 * MIB + 1
    assert gateway.wire.source(size) == (size, pattern.sha256(size))
    assert gateway.wire.sink(pattern.chunks(size)) == (size, pattern.sha256(size))


def test_command_is_sshs_own(route, up):
    """The way of old configurations: ssh -W."""
    way = route(2)
    gateway = up(way, f"ProxyCommand ssh -F {way.config} -W %h:%p hop1")
    gateway.wait_serving(60)
    assert "Accepted publickey" in way.servers[0].log and "Accepted publickey" in way.last.log


def test_command_on_the_way_to_a_hop(route, up):
    way = route(2)
    way.more = {"hop1": ["ProxyCommand socat - TCP:%h:%p"]}
    gateway = up(way, "ProxyJump hop1")
    gateway.wait_serving(60)
    assert gateway.find_events("leg", leg="tcp", text="hop1: by ProxyCommand")


def test_command_is_given_to_the_users_shell(route, up, tmp):
    script = tmp / "shell"
    script.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp}/arguments\nexec /bin/sh \"$@\"\n")
    script.chmod(0o755)
    up(route(), "ProxyCommand socat - TCP:%h:%p", env={"SHELL": str(script)}).wait_serving(60)
    flag, line = (tmp / "arguments").read_text().splitlines()
    assert flag == "-c" and line.startswith("exec socat - TCP:127.0.0.1:")


def test_command_that_ends(route, up):
    error = passing_failure(up(route(), "ProxyCommand echo first >&2; echo no way there >&2; exit 7"))
    assert error["leg"] == "tcp" and error["class"] == "transient"
    assert "the ProxyCommand for gpu ended with code " in error["what"]


def test_what_a_command_says_is_told(route, up, tmp):
    script = tmp / "proxy"
    script.write_text("#!/bin/sh\necho first >&2\necho no way there >&2\nexit 7\n")
    script.chmod(0o755)
    gateway = up(route(), f"ProxyCommand {script}")
    error = passing_failure(gateway)
    assert error["what"].startswith("the ProxyCommand for gpu ended with code 7: ")
    assert error["detail"] == "first\nno way there"
    assert "ProxyCommand for gpu: no way there" in gateway.log


def test_command_that_is_not_there(route, up):
    error = passing_failure(up(route(), "ProxyCommand no-such-program-of-ours %h"))
    assert "ended with code 127" in error["what"]
    assert "no-such-program-of-ours" in error["detail"]


@pytest.mark.parametrize("text", ["hello", "SSH-2.0-x\\\\n" + "A" * 200, "HTTP/1.1 403 Forbidden\\\\r\\\\n\\\\r\\\\n"])
def test_command_that_speaks_something_else(route, up, text):
    error = passing_failure(up(route(), f"ProxyCommand printf '{text}'; sleep 60", "ConnectTimeout 3"))
    assert error["leg"] == "tcp"
    assert "ProxyCommand" in error["what"]


def test_command_that_says_nothing(route, up):
    gateway = up(route(), "ProxyCommand sleep 1000", "ConnectTimeout 2")
    began = time.monotonic()
    error = passing_failure(gateway)
    assert time.monotonic() - began < 6
    assert "in time" in error["what"] and "sleep 1000" in error["what"]
    assert gateway.stop() == 0


def test_command_ends_with_the_link(route, up):
    way = route()
    gateway = up(way, "ProxyCommand socat - TCP:%h:%p", retry_min="50ms")
    gateway.wait_serving(60)

    def proxies():
        return [pid for pid in procs.descendants(gateway.pid) if "socat" in procs.program(pid)]

    [first] = proxies()
    way.last.kill_sessions()
    eventually(lambda: gateway.wire.tcmd()["protocol_version"] == "0.18", 20)
    eventually(lambda: first not in proxies() and len(proxies()) == 1, 10)
    [second] = proxies()
    fds = gateway.fds()
    for _ in range(5):
        way.last.kill_sessions()
        eventually(lambda: gateway.wire.tcmd()["protocol_version"] == "0.18", 20)
    eventually(lambda: gateway.fds() <= fds, 10)
    # None is left as a zombie either.
    eventually(lambda: len(procs.children(gateway.pid)) == 1, 10)
    assert gateway.stop() == 0
    assert not procs.alive(first) and not procs.alive(second)


def test_command_that_will_not_end_is_ended(route, up, tmp):
    script = tmp / "stubborn"
    script.write_text("#!/bin/sh\ntrap '' TERM HUP\nsocat - TCP:$1:$2\nwhile :; do sleep 1; done\n")
    script.chmod(0o755)
    gateway = up(route(), f"ProxyCommand {script} %h %p")
    gateway.wait_serving(60)
    [proxy] = procs.children(gateway.pid)
    assert gateway.stop() == 0
    assert not procs.alive(proxy)


def test_command_that_is_killed_in_the_middle(route, up):
    gateway = up(route(), "ProxyCommand socat - TCP:%h:%p", retry_min="50ms")
    gateway.wait_serving(60)
    sock = gateway.wire.open_source(1 << 40)
    read_exact(sock, MIB)
    for pid in procs.descendants(gateway.pid):
        procs.kill(pid, signal.SIGKILL)
    assert ended_by(sock) == "reset"
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


def test_impostor_behind_a_command_is_refused(route, up):
    way = route()
    way.last.new_host_keys()
    gateway = up(way, "ProxyCommand socat - TCP:%h:%p")
    assert gateway.wait(60) == 6
    assert "userauth" not in way.last.log


def test_trust_through_a_command(route, penstock, tmp):
    way = route()
    way.more = {"gpu": ["ProxyCommand socat - TCP:%h:%p"]}
    way.write()
    way.last.known_hosts.write_text("")
    config = write_ini(tmp / "trust.ini", {"lab": way.profile(endpoint="127.0.0.1:1")})
    done = penstock.run("trust", "lab", "--config", config, "--fingerprint", way.last.fingerprints()[0])
    assert done.returncode == 0, done
    assert way.last.known_hosts.read_text() == way.last.known_hosts_lines()[0]


# --- dialling --------------------------------------------------------------------------------------------


def peer_of(way):
    """From where the last login came, as the server saw it."""
    return [line for line in way.last.log.splitlines() if "Connection from " in line][-1].split("Connection from ")[1]


def test_source_address(route, up):
    way = route()
    up(way, "BindAddress 127.0.0.7").wait_serving(60)
    assert peer_of(way).startswith("127.0.0.7 ")


def test_source_interface(route, up):
    way = route()
    up(way, "BindInterface lo").wait_serving(60)
    assert peer_of(way).startswith("127.0.0.1 ")


@pytest.mark.parametrize("line", ["BindAddress 192.0.2.77", "BindInterface nolan0"])
def test_source_that_this_machine_has_not(route, up, line):
    error = passing_failure(up(route(), line))
    assert error["leg"] == "local"
    assert line.split()[1] in error["what"] and line.split()[0] in error["next"]


def test_address_family(route, up):
    """The server listens on IPv4 alone."""
    way = route()
    error = passing_failure(up(way, "HostName localhost", "AddressFamily inet6", "HostKeyAlias 127.0.0.1"))
    assert error["leg"] in ("dns", "tcp")
    assert "[::1]" in error["what"] or error["leg"] == "dns"
    way.last.known_hosts.write_text("".join(way.last.known_hosts_lines("localhost")))
    up(way, "HostName localhost", "AddressFamily inet").wait_serving(60)


def keepalive_of(gateway, port):
    """Does the kernel keep an eye on the gateway's connection to a port? By its timers, which ss shows."""
    assert shutil.which("ss"), "ss is missing: install the package iproute2"
    text = os.popen(f"ss -tnopH state established dport = :{port}").read()
    mine = [line for line in text.splitlines() if f"pid={gateway.pid}," in line]
    assert mine, text
    return all("keepalive" in line for line in mine)


@pytest.mark.parametrize("value", ["yes", "no"])
def test_tcp_keepalive(route, up, value):
    way = route()
    gateway = up(way, f"TCPKeepAlive {value}", keepalive="1h")
    gateway.wait_serving(60)
    eventually(lambda: keepalive_of(gateway, way.last.port) == (value == "yes"), 10)


def test_connection_attempts(route, up):
    """The server comes while it is being tried."""
    way = route()
    way.last.stop()
    gateway = up(way, "ConnectionAttempts 8", retry_min="30s", connect_timeout="60s")
    eventually(lambda: "attempt 1 of 8" in gateway.log, 10, lambda: gateway.story())
    way.last.start()
    gateway.wait_serving(60)
    assert not gateway.find_events("state", where=lambda event: event["error"])


def test_connect_timeout(route, up):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        way = route()
        way.last.port = silent.getsockname()[1]
        gateway = up(way, "ConnectTimeout 1")
        began = time.monotonic()
        assert "no SSH server answered in time" in passing_failure(gateway)["what"]
        assert time.monotonic() - began < 5
        way.last.port = free_port()
