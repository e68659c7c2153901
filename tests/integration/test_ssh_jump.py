# SPDX-License-Identifier: MIT
"""Hosts on the way (ProxyJump): real servers, one behind the other."""

import json
import random
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern, procs
from support.gateway import write_ini
from support.ports import free_port
from support.route import Route
from support.sshd import find_sshd, make_key
from support.wait import eventually
from support.wire import ended_by, read_exact

MIB = 1 << 20
OK, CONFIG, UNREACHABLE, AUTH, IDENTITY = 0, 3, 4, 5, 6


@pytest.fixture
def route(sshd, tmp):
    """route(3, configs={0: ["AllowTcpForwarding no"]}) starts so many servers; the last one is the solver's host."""

    def start(count, configs=None):
        return Route(tmp, [sshd(config=["LogLevel DEBUG1", *(configs or {}).get(i, [])]) for i in range(count)])

    return start


@pytest.fixture
def up(gateway, solver):
    """up(route, **keys) starts a gateway that only forwards to a demo solver (`up.solver`) over that route."""

    def start(way, **keys):
        keys = {"endpoint": f"127.0.0.1:{start.solver.port}", "launch": "never", "connect_timeout": "20s", **keys}
        return gateway(way.profile(**keys))

    start.solver = solver()
    return start


def failure(gateway, code):
    """Waits for the gateway's end with an exit code; returns its error."""
    assert gateway.wait(60) == code, gateway.story()
    return gateway.find_events("stopped")[0]["error"]


def passing_failure(gateway):
    """The error of a failure that the gateway tries again."""
    return gateway.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]


def logins(server):
    """Lines that say that somebody tried to log in."""
    return [line for line in server.log.splitlines() if "userauth" in line or "Accepted " in line or "Failed " in line]


# --- all the way -----------------------------------------------------------------------------------------


def test_solver_is_launched_behind_two_hosts_outlives_the_gateway_and_is_adopted(route, gateway, solver_root):
    way = route(3)
    root = solver_root()
    keys = way.profile(endpoint=f"127.0.0.1:{free_port()}", root=root)
    first = gateway(keys)
    assert first.wait_serving(60)["adopted"] is False
    pid = root.pid()
    assert first.stop() == OK
    assert procs.alive(pid)
    second = gateway(keys)
    assert second.wait_serving(60)["adopted"] is True
    assert second.wire.tcmd()["protocol_version"] == "0.18"


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_leg_is_told_with_its_host(route, up, count):
    way = route(count)
    gateway = up(way)
    gateway.wait_serving(60)
    legs = [(leg["leg"], leg["text"]) for leg in gateway.find_events("leg")]
    for name in way.names[:-1]:
        assert [leg for leg, text in legs if text.startswith(f"{name}: ")][-3:] == ["tcp", "host-key", "auth"]
    assert ("tcp", f"through {way.names[-2]}") in legs
    # Each host is logged in to once, from the one before.
    for server in way.servers:
        assert server.log.count("Accepted publickey") == 1


def test_each_host_has_its_own_user_and_port_in_the_profile(route, up):
    """Without aliases: everything stands in the item, and known_hosts in the profile."""
    way = route(3)
    known = way.config.parent / "known"
    known.write_text("".join("".join(server.known_hosts_lines()) for server in way.servers))
    for server in way.servers:
        server.authorize(way.last.client_key)
    way.config.write_text(f"IdentityFile {way.last.client_key}\nIdentityAgent none\n")
    user = way.last.user
    jump = f"{user}@127.0.0.1:{way.servers[0].port},ssh://{user}@127.0.0.1:{way.servers[1].port}"
    gateway = up(way, host="127.0.0.1", port=way.last.port, user=user, jump=jump, known_hosts=known)
    gateway.wait_serving(60)


def test_jump_of_ssh_config_and_of_the_hop_itself(route, up):
    """gpu goes through hop2, and hop2 through hop1, as ssh_config says; a profile may say otherwise."""
    way = route(3)
    way.more = {"gpu": ["ProxyJump hop2"], "hop2": ["ProxyJump hop1"]}
    way.write()
    gateway = up(way, jump=None)
    gateway.wait_serving(60)
    assert all("Accepted publickey" in server.log for server in way.servers)
    straight = up(way, jump="none")
    straight.wait_serving(60)
    assert not [leg for leg in straight.find_events("leg") if "hop" in leg["text"]]


def test_list_wins_over_the_jump_of_a_host_in_it(route, up):
    way = route(3)
    way.more = {"hop2": ["ProxyJump nowhere.invalid"]}
    way.write()
    up(way).wait_serving(60)


# --- bytes -----------------------------------------------------------------------------------------------


def test_every_byte_arrives_through_two_hosts(route, up):
    wire = up(route(3)).wait_listening().wire
    size = 64 * MIB + 3
    with ThreadPoolExecutor() as pool:
        down = pool.submit(wire.source, size, 3)
        sent = pool.submit(wire.sink, pattern.chunks(size, seed=5))
        assert down.result(280) == (size, pattern.sha256(size, seed=3))
        assert sent.result(280) == (size, pattern.sha256(size, seed=5))


def test_every_byte_arrives_while_keys_are_exchanged_anew(route, up):
    wire = up(route(2, {0: ["RekeyLimit 1M"], 1: ["RekeyLimit 1M"]})).wait_listening().wire
    size = 6 * MIB
    with ThreadPoolExecutor() as pool:
        down = pool.submit(wire.source, size, 1)
        sent = pool.submit(wire.sink, pattern.chunks(size, seed=2))
        assert down.result(120) == (size, pattern.sha256(size, seed=1))
        assert sent.result(120) == (size, pattern.sha256(size, seed=2))


def test_many_connections_through_a_host(route, up):
    gateway = up(route(2))
    gateway.wait_serving(60)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gateway.wire.tcmd()["protocol_version"], range(200)))
    assert answers == ["0.18"] * 200


def test_client_that_does_not_read_costs_no_memory(route, up, penstock):
    gateway = up(route(2))
    gateway.wait_serving(60)
    before = gateway.rss_kib()
    with gateway.wire.open_source(1 << 30, receive_buffer=65536) as sock:
        read_exact(sock, MIB)
        time.sleep(2)  # what could pile up does so meanwhile
        # The windows of both sessions; AddressSanitizer keeps what was freed, too.
        assert gateway.rss_kib() - before < (256 if penstock.is_sanitized() else 64) * 1024
        assert gateway.wire.tcmd()["protocol_version"] == "0.18"


# --- who it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1, 2])
def test_impostor_is_refused_before_anybody_logs_in(route, up, at):
    way = route(3)
    way.servers[at].new_host_keys()
    error = failure(up(way), IDENTITY)
    assert error["leg"] == "host-key" and error["class"] == "peer-identity"
    assert "has changed" in error["what"]
    assert error["what"].startswith(f"hop{at + 1} (hop {at + 1} of 2): ") == (at < 2)
    assert not logins(way.servers[at])
    for server in way.servers[at + 1 :]:
        assert not logins(server)


@pytest.mark.parametrize("at", [0, 1])
def test_hop_that_is_not_known_is_refused(route, up, at):
    way = route(3)
    way.servers[at].known_hosts.write_text("")
    error = failure(up(way), IDENTITY)
    assert error["what"].startswith(f"hop{at + 1} (hop {at + 1} of 2): the host key of ")
    assert way.servers[at].fingerprints()[0] in error["what"]
    assert "penstock trust lab" in error["next"]
    assert not logins(way.servers[at])


def test_pin_is_about_the_last_host_alone(route, up):
    way = route(2)
    way.last.known_hosts.write_text("")
    up(way, host_key_fingerprint=way.last.fingerprints()[0]).wait_serving(60)


@pytest.fixture
def trust(penstock, tmp):
    """trust(route, "--yes") runs `penstock trust` on a profile of it."""

    def run(way, *args):
        config = write_ini(tmp / "trust.ini", {"lab": way.profile(endpoint="127.0.0.1:1")})
        return penstock.run("trust", "lab", "--config", config, *args)

    return run


def forget(way):
    for server in way.servers:
        server.known_hosts.write_text("")


def test_trust_goes_from_host_to_host(route, up, trust):
    way = route(3)
    forget(way)
    for number, server in enumerate(way.servers):
        # One fingerprint is one host: trust stops at the next one.
        answer = trust(way, "--fingerprint", server.fingerprints()[0])
        assert answer.returncode == (OK if number == 2 else IDENTITY), answer
        assert server.known_hosts.read_text() == server.known_hosts_lines()[0]
        assert not [other for other in way.servers[number + 1 :] if other.known_hosts.read_text()]
    assert not logins(way.last)
    up(way).wait_serving(60)


def test_trust_of_all_hosts_at_once(route, trust):
    way = route(3)
    forget(way)
    answer = trust(way, "--json", "--fingerprint", ",".join(server.fingerprints()[0] for server in way.servers))
    assert answer.returncode == OK, answer
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row["fingerprint"] for row in told] == [server.fingerprints()[0] for server in way.servers]
    assert [(row["trusted"], row["remaining"]) for row in told] == [(True, 2), (True, 1), (True, 0)]
    again = trust(way)
    assert again.returncode == OK and "known already" in again.stdout


def test_trust_stops_at_an_impostor(route, trust):
    way = route(3)
    way.servers[1].new_host_keys()
    way.last.known_hosts.write_text("")
    answer = trust(way, "--yes")
    assert answer.returncode == IDENTITY
    assert "CHANGED" in answer.stderr
    assert way.last.known_hosts.read_text() == ""
    assert not logins(way.servers[1])


# --- what goes wrong -------------------------------------------------------------------------------------


def test_key_that_a_hop_does_not_know(route, up, tmp):
    way = route(3)
    way.servers[1].client_key = make_key(tmp / "stranger")
    way.write()
    error = failure(up(way), AUTH)
    assert error["leg"] == "auth"
    assert error["what"].startswith("hop2 (hop 2 of 2): ")
    assert "Connection from" in way.servers[1].log and not logins(way.last)


def test_hop_that_does_not_forward(route, up):
    error = passing_failure(up(route(3, {1: ["AllowTcpForwarding no"]})))
    assert error["leg"] == "tcp"
    assert error["what"].startswith("hop2 (hop 2 of 2): ")
    assert "AllowTcpForwarding" in error["next"]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_server_that_is_not_there(route, up, at):
    way = route(3)
    way.servers[at].stop()
    error = passing_failure(up(way))
    assert error["leg"] == "tcp" and error["class"] == "transient"
    assert "refused" in error["what"] and str(way.servers[at].port) in error["what"]
    # What is behind a hop is refused by the hop.
    assert error["what"].startswith(f"hop{max(at, 1)} (hop {max(at, 1)} of 2): ")


def test_hop_that_knows_no_such_name(route, up):
    way = route(2)
    way.more = {"gpu": ["HostName no-such-host.invalid"]}
    way.write()
    error = passing_failure(up(way))
    assert error["what"].startswith("hop1 (hop 1 of 1): ") and "no-such-host.invalid" in error["what"]
    assert "HostName" in error["next"]


def test_route_that_goes_in_a_circle(route, up):
    way = route(3)
    way.more = {"gpu": ["ProxyJump hop2"], "hop2": ["ProxyJump hop1"], "hop1": ["ProxyJump hop2"]}
    way.write()
    error = failure(up(way, jump=None), CONFIG)
    assert "hop2 -> hop1 -> hop2 -> gpu" in error["what"]


def test_item_that_is_none(route, up):
    error = failure(up(route(2), jump="hop1:99999"), CONFIG)
    assert "hop1:99999" in error["what"]


def test_step_that_is_stopped_while_a_hop_is_silent(route, up):
    """A hop that takes connections and says nothing must not hold up the end."""
    way = route(2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        way.servers[0].port = silent.getsockname()[1]
        way.write()
        gateway = up(way)
        gateway.wait_event("leg", leg="tcp")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 3


# --- breakage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1, 2])
def test_connections_that_are_cut_in_the_middle(route, up, at):
    way = route(3)
    gateway = up(way, retry_min="50ms")
    gateway.wait_serving(60)
    for _ in range(2):
        sock = gateway.wire.open_source(1 << 40)
        read_exact(sock, MIB)
        mark = gateway.mark()
        way.servers[at].kill_sessions()
        assert ended_by(sock) == "reset"
        assert gateway.wire.tcmd()["protocol_version"] == "0.18"
        error = gateway.wait_event("state", since=mark, where=lambda event: event["error"])["error"]
        assert error["what"].startswith(f"hop{at + 1} (hop {at + 1} of 2): ") == (at < 2)


def test_hop_that_falls_silent_is_given_up_in_time(route, up):
    way = route(2)
    gateway = up(way, keepalive="1s", retry_min="50ms", connect_timeout="1s")
    gateway.wait_serving(60)
    sock = gateway.wire.open_source(1 << 40)
    read_exact(sock, MIB)
    stopped = way.servers[0].sessions()
    for pid in stopped:
        procs.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert ended_by(sock) == "reset"
    assert time.monotonic() - began < 4
    for pid in stopped:
        procs.kill(pid)
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


def test_hosts_that_are_cut_at_any_moment(route, up):
    """Also in the middle of a handshake or a login: whatever it was, the next attempt goes all the way."""
    way = route(3)
    gateway = up(way, retry_min="10ms", retry_max="50ms")
    gateway.wait_serving(60)
    moments = random.Random(7)
    for _ in range(60):
        moments.choice(way.servers).kill_sessions()
        time.sleep(moments.uniform(0, 0.4))
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"
    assert gateway.stop() == OK


def test_nothing_is_left_of_links_that_broke(route, up):
    way = route(3)
    gateway = up(way, retry_min="50ms")
    gateway.wait_serving(60)

    def break_and_heal(number):
        way.servers[number % 3].kill_sessions()
        eventually(lambda: gateway.wire.tcmd()["protocol_version"] == "0.18", 20)

    for number in range(3):
        break_and_heal(number)
    fds = gateway.fds()
    for number in range(9):
        break_and_heal(number)
    eventually(lambda: gateway.fds() <= fds, 10, lambda: f"{fds} descriptors have become {gateway.fds()}")
    assert gateway.stop() == OK
    for server in way.servers:
        eventually(lambda: not [pid for pid in server.sessions() if procs.program(pid) == find_sshd()], 10)
