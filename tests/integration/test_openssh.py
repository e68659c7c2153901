# SPDX-License-Identifier: MIT
"""The transport openssh: the system's ssh as the carrier, over its multiplexing protocol."""

import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import pattern, procs
from support.dropbear import Dropbear
from support.gateway import write_ini
from support.ports import free_port
from support.sshd import fingerprint, make_key
from support.wait import eventually
from support.wire import ended_by, read_exact

CONFIG, AUTH, IDENTITY = 3, 5, 6
MIB = 1 << 20


def profile(server, **keys):
    """A profile for a server whose only difference to one of ssh is the transport."""
    return server.profile(**{"transport": "openssh", **keys})


@pytest.fixture
def up(gateway, solver):
    """up(server, **keys) starts a gateway that only forwards to a demo solver (`up.solver`) over that server."""

    def start(server, **keys):
        keys = {"endpoint": f"127.0.0.1:{start.solver.port}", "launch": "never", **keys}
        return gateway(profile(server, **keys))

    start.solver = solver()
    return start


def masters(gateway):
    """Pids of the ssh processes of a gateway."""
    return [pid for pid in procs.descendants(gateway.pid) if procs.program(pid).endswith("/ssh")]


# --- the solver's life -----------------------------------------------------------------------------------


def test_solver_is_launched_outlives_the_gateway_and_is_adopted(sshd, gateway, solver_root, tmp):
    server = sshd()
    root = solver_root("a b'c$(touch x);")
    keys = profile(server, endpoint=f"127.0.0.1:{free_port()}", root=root)
    first = gateway(keys)
    serving = first.wait_serving(60)
    assert serving["adopted"] is False
    assert not list(tmp.rglob("x"))
    legs = [event["leg"] for event in first.find_events("leg")]
    assert [leg for leg in legs if leg in ("tcp", "host-key", "auth")] == ["tcp", "host-key", "auth"]
    pid = root.pid()
    first.kill()
    server.kill_sessions()
    assert procs.alive(pid)
    second = gateway(keys)
    assert second.wait_serving()["adopted"] is True
    assert second.wire.tcmd()["protocol_version"] == "0.18"


def test_every_byte_arrives_both_ways(sshd, up):
    gateway = up(sshd())
    gateway.wait_serving()
    size = 64 * MIB + 3
    assert gateway.wire.source(size, seed=3) == (size, pattern.sha256(size, seed=3))
    assert gateway.wire.sink(pattern.chunks(size, seed=5)) == (size, pattern.sha256(size, seed=5))


def test_every_byte_arrives_while_keys_are_exchanged_anew(sshd, up):
    wire = up(sshd(config=["RekeyLimit 1M"])).wait_listening().wire
    size = 6 * MIB
    with ThreadPoolExecutor() as pool:
        down = [pool.submit(wire.source, size, seed) for seed in range(2)]
        sent = [pool.submit(wire.sink, pattern.chunks(size, seed)) for seed in range(2)]
        for seed in range(2):
            assert down[seed].result(120) == (size, pattern.sha256(size, seed))
            assert sent[seed].result(120) == (size, pattern.sha256(size, seed))


def test_dropbear(up, tmp):
    server = Dropbear(tmp / "dropbear")
    try:
        gateway = up(server)
        gateway.wait_serving()
        size = 16 * MIB
        assert gateway.wire.source(size) == (size, pattern.sha256(size))
        assert gateway.wire.sink(pattern.chunks(size)) == (size, pattern.sha256(size))
    finally:
        server.stop()


# --- what libssh cannot do -------------------------------------------------------------------------------


def certify_host(server, ca, *options):
    """Gives the server a host certificate."""
    key = server.host_keys[0]
    command = ["ssh-keygen", "-q", "-s", str(ca), "-I", "host", "-h", "-n", server.host, *options, f"{key}.pub"]
    subprocess.run(command, check=True)
    server.extra.append(f"HostCertificate {key}-cert.pub")
    server.restart()


def trust_authority(server, ca, marker="@cert-authority"):
    kind, key = Path(f"{ca}.pub").read_text().split()[:2]
    server.known_hosts.write_text(f"{marker} [{server.host}]:{server.port} {kind} {key}\n")


def test_host_certificate(sshd, up, tmp):
    server, ca = sshd(), make_key(tmp / "ca")
    certify_host(server, ca)
    trust_authority(server, ca)
    gateway = up(server)
    gateway.wait_serving()
    assert gateway.wait_event("leg", leg="host-key")["text"].startswith("known_hosts:1 ssh-ed25519-cert-v01@openssh.com")


def test_host_certificate_of_another_authority(sshd, up, tmp):
    server = sshd()
    certify_host(server, make_key(tmp / "other"))
    trust_authority(server, make_key(tmp / "ca"))
    refused(up(server))


# --- who the host is -------------------------------------------------------------------------------------


def failed(gateway, code):
    """Waits until the gateway gives up; returns the error."""
    assert gateway.wait(30) == code, gateway.story()
    return gateway.find_events("stopped")[0]["error"]


def refused(gateway):
    """Waits until the gateway gives up for the host's identity; returns the error."""
    error = failed(gateway, IDENTITY)
    assert (error["leg"], error["class"]) == ("host-key", "peer-identity")
    return error


def test_unknown_host_is_refused_before_any_authentication(sshd, up):
    server = sshd(config=["LogLevel DEBUG1"])
    server.known_hosts.write_text("")
    error = refused(up(server))
    assert server.fingerprints()[0] in error["what"]
    assert "penstock trust lab" in error["next"]
    assert "userauth-request" not in server.log
    assert server.known_hosts.read_text() == ""


def test_changed_key_is_refused(sshd, up):
    server = sshd(config=["LogLevel DEBUG1"])
    server.new_host_keys()
    for policy in (None, "accept-new"):
        error = refused(up(server, host_key=policy, ssh_options="StrictHostKeyChecking=no"))
        assert server.fingerprints()[0] in error["what"] and f"{server.known_hosts}:1" in error["what"]
    assert "userauth-request" not in server.log


def test_revoked_key_is_refused(sshd, up):
    server = sshd()
    server.known_hosts.write_text(server.known_hosts.read_text() + "@revoked " + server.known_hosts.read_text())
    assert "revoked" in refused(up(server))["what"]


def test_new_host_is_remembered_if_the_profile_says_so(sshd, up):
    server = sshd()
    server.known_hosts.write_text("")
    gateway = up(server, host_key="accept-new")
    gateway.wait_serving()
    assert server.known_hosts.read_text().strip() == server.known_hosts_lines()[0].strip()
    assert "Permanently added" in gateway.log


def test_pinned_key(sshd, up):
    server = sshd()
    server.known_hosts.write_text("")
    up(server, host_key_fingerprint=server.fingerprints()[0]).wait_serving()
    server.trust()
    pin = "SHA256:" + "A" * 43
    error = refused(up(server, host_key_fingerprint=pin))
    assert pin in error["what"] and server.fingerprints()[0] in error["what"]


def test_pinned_key_that_is_revoked(sshd, up):
    server = sshd()
    line = server.known_hosts_lines()[0]
    server.known_hosts.write_text(f"@revoked {line}")
    error = refused(up(server, host_key_fingerprint=server.fingerprints()[0]))
    assert "revoked" in error["what"] and f"{server.known_hosts}:1" in error["what"]


def test_key_of_localhost_is_checked_whatever_ssh_config_says(sshd, up, tmp):
    server = sshd()
    config = tmp / "config"
    config.write_text("Host *\n NoHostAuthenticationForLocalhost yes\n")
    pinned = fingerprint(f"{make_key(tmp / 'other')}.pub")
    error = refused(up(server, ssh_config=config, host_key_fingerprint=pinned))
    assert pinned in error["what"]
    server.known_hosts.write_text("")
    refused(up(server, ssh_config=config))
    assert "userauth-request" not in server.log


def test_trust_adds_the_key(sshd, penstock, tmp, up):
    server = sshd()
    server.known_hosts.write_text("")
    config = write_ini(tmp / "trust.ini", {"lab": profile(server, endpoint="127.0.0.1:1")})
    done = penstock.run("trust", "lab", "--config", config, "--fingerprint", server.fingerprints()[0])
    assert done.returncode == 0, done.stderr
    up(server).wait_serving()


# --- who we are ------------------------------------------------------------------------------------------


def test_wrong_key_is_refused_and_told(sshd, up, tmp):
    error = failed(up(sshd(), key=make_key(tmp / "wrong")), AUTH)
    assert (error["leg"], error["class"]) == ("auth", "auth")
    assert "publickey" in error["what"]
    assert "authorized_keys" in error["next"]


def test_key_that_others_can_read(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "open")
    server.authorize(key)
    key.chmod(0o644)
    error = failed(up(server, key=key), AUTH)
    assert str(key) in error["what"] and "chmod 600" in error["next"]


def test_passphrase_from_a_secret_reference(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="a 'b\"c\\$(x)")
    server.authorize(key)
    secret = tmp / "secret"
    secret.touch(mode=0o600)
    secret.write_text("a 'b\"c\\$(x)\n")
    gateway = up(server, key=key, passphrase=f"file:{secret}")
    gateway.wait_serving()
    assert "a 'b" not in gateway.log
    secret.write_text("wrong\n")
    error = failed(up(server, key=key, passphrase=f"file:{secret}"), AUTH)
    assert "publickey" in error["what"]


def test_passphrase_is_asked_once_and_kept_for_a_reconnect(sshd, gateway, solver, tmp):
    server, behind = sshd(), solver()
    key = make_key(tmp / "locked", passphrase="sesame")
    server.authorize(key)
    asked = tmp / "asked"
    script = tmp / "askpass"
    script.write_text(f'#!/bin/sh\necho "$1" >>"{asked}"\necho sesame\n')
    script.chmod(0o700)
    env = {"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force"}
    endpoint = f"127.0.0.1:{behind.port}"
    running = gateway(profile(server, key=key, endpoint=endpoint, launch="never", retry_min="50ms"), env=env)
    running.wait_serving()
    mark = running.mark()
    server.kill_sessions()
    running.wait_serving(since=mark)
    assert asked.read_text().count("passphrase for key") == 1 and str(key) in asked.read_text()


def test_nobody_to_ask(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="sesame")
    server.authorize(key)
    gateway = up(server, key=key)
    failed(gateway, AUTH)
    assert "no SSH_ASKPASS" in gateway.log


def test_password_is_never_sent(sshd, up):
    error = failed(up(sshd(), auth="password"), CONFIG)
    assert "password" in error["what"]
    server = sshd(config=["PasswordAuthentication yes"])
    gateway = up(server, key="/nowhere", ssh_options='"PasswordAuthentication=yes", "BatchMode=no"')
    failed(gateway, AUTH)
    assert "password:" not in gateway.log


def test_methods_of_the_systems_ssh(sshd, up):
    """They are offered, where the transport ssh has none of them; this server takes none."""
    server = sshd()
    error = failed(up(server, auth="gssapi-with-mic, hostbased"), AUTH)
    assert "publickey" in error["what"]
    error = failed(up(server, transport="ssh", auth="gssapi-with-mic"), CONFIG)
    assert "transport = openssh" in error["next"]


# --- the way there ---------------------------------------------------------------------------------------


def test_host_that_is_an_alias_of_ssh_config(sshd, up, tmp):
    server = sshd()
    config = tmp / "config"
    config.write_text(
        f"Host gpu\n HostName {server.host}\n Port {server.port}\n User {server.user}\n"
        f" IdentityFile {server.client_key}\n UserKnownHostsFile {server.known_hosts}\n"
    )
    keys = {"host": "gpu", "port": None, "user": None, "key": None, "known_hosts": None, "ssh_config": config}
    up(server, **keys).wait_serving()
    config.write_text("Host gpu\n Colour blue\n")
    error = failed(up(server, **keys), CONFIG)
    assert "colour" in error["what"].lower() and f"{config}: line 2" in error["what"] + error["detail"]


def test_hops(sshd, up, tmp):
    """What a profile says of known hosts holds for hops too; their keys come from ssh_config."""
    first, second, last = sshd(), sshd(), sshd()
    known = tmp / "known"
    known.write_text("".join(line for server in (first, second, last) for line in server.known_hosts_lines()))
    config = tmp / "config"
    for server in (first, second):
        server.authorize(last.client_key)
    config.write_text(f"Host *\n IdentityFile {last.client_key}\n")
    jump = f"{first.user}@127.0.0.1:{first.port},{second.user}@127.0.0.1:{second.port}"
    gateway = up(last, jump=jump, known_hosts=known, ssh_config=config)
    gateway.wait_serving()
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"
    known.write_text("".join(line for server in (first, last) for line in server.known_hosts_lines()))
    error = refused(up(last, jump=jump, known_hosts=known, ssh_config=config))
    assert "hop" in error["what"]
    assert second.port and "userauth-request" not in second.log.split("Connection from")[-1]


def state_error(gateway):
    return gateway.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]


@pytest.mark.parametrize("name", ["plain", 'odd "*%h'])
def test_hops_of_a_file_with_any_name(sshd, up, tmp, penstock, name):
    """Where the path counts from the current folder, too."""
    hop, last = sshd(), sshd()
    hop.authorize(last.client_key)
    known = tmp / "known"
    known.write_text("".join(line for server in (hop, last) for line in server.known_hosts_lines()))
    config = tmp / name
    config.write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {hop.port}\n User {hop.user}\n"
        f"Host *\n IdentityFile {last.client_key}\n"
    )
    for path in (config, os.path.relpath(config, penstock.home)):
        up(last, jump="gate", known_hosts=known, ssh_config=path).wait_serving()


def test_hop_whose_key_has_changed_is_refused_whatever_ssh_config_says(sshd, up, tmp):
    hop, last = sshd(), sshd()
    hop.authorize(last.client_key)
    known = tmp / "known"
    known.write_text("".join(line for server in (hop, last) for line in server.known_hosts_lines()))
    config = tmp / "config"
    config.write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {hop.port}\n User {hop.user}\n StrictHostKeyChecking no\n"
        f"Host *\n IdentityFile {last.client_key}\n"
    )
    up(last, jump="gate", known_hosts=known, ssh_config=config).wait_serving()
    hop.new_host_keys()
    error = refused(up(last, jump="gate", known_hosts=known, ssh_config=config))
    assert "hop" in error["what"]
    assert "userauth-request" not in hop.log.split("Connection from")[-1]
    known.write_text("".join(last.known_hosts_lines()))
    up(last, jump="gate", known_hosts=known, ssh_config=config).wait_serving()
    assert f"[127.0.0.1]:{hop.port}" in known.read_text()


def test_name_that_does_not_resolve(sshd, up):
    error = state_error(up(sshd(), host="no-such-host.invalid"))
    assert (error["leg"], error["class"]) == ("dns", "transient")


def test_port_where_nothing_listens(sshd, up):
    error = state_error(up(sshd(), port=free_port()))
    assert error["leg"] == "tcp" and "refused" in error["what"]


def test_port_of_something_that_is_no_ssh_server(sshd, up):
    error = state_error(up(sshd(), port=up.solver.port, connect_timeout="2s"))
    assert error["class"] == "transient" and error["leg"] in ("tcp", "host-key")


def test_machine_without_ssh(sshd, gateway, tmp):
    empty = tmp / "empty"
    empty.mkdir()
    error = failed(gateway(profile(sshd(), endpoint="127.0.0.1:1", launch="never"), env={"PATH": empty}), CONFIG)
    assert "no ssh" in error["what"] and "openssh-client" in error["next"]


# --- servers that allow less -----------------------------------------------------------------------------


def test_forwarding_that_is_not_allowed(sshd, up):
    error = state_error(up(sshd(config=["AllowTcpForwarding no"])))
    assert error["leg"] == "endpoint" and error["class"] == "config"
    assert "AllowTcpForwarding" in error["next"]


@pytest.mark.parametrize("config", ["ForceCommand echo 'not available'", "ForceCommand exit 0", "MaxSessions 0"])
def test_account_that_runs_no_commands(sshd, gateway, solver_root, config):
    keys = profile(sshd(config=[config]), endpoint=f"127.0.0.1:{free_port()}", root=solver_root())
    running = gateway(keys)
    error = running.wait_event("state", where=lambda event: event["error"], timeout=60)["error"]
    assert error["leg"] == "exec"
    assert "launch = never" in error["next"]


# --- breakage --------------------------------------------------------------------------------------------


def test_ssh_that_is_killed_resets_streams_and_is_started_anew(sshd, up):
    gateway = up(sshd(), retry_min="50ms")
    gateway.wait_serving()
    with gateway.wire.open_source(1 << 40) as sock:
        read_exact(sock, MIB)
        mark = gateway.mark()
        killed = masters(gateway)
        assert len(killed) == 1
        procs.kill(killed[0])
        assert ended_by(sock) == "reset"
    gateway.wait_serving(since=mark)
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"
    assert masters(gateway) != killed


def test_session_that_is_cut_resets_streams(sshd, up):
    server = sshd()
    gateway = up(server, retry_min="50ms")
    gateway.wait_serving()
    with gateway.wire.open_source(1 << 40) as sock:
        read_exact(sock, MIB)
        mark = gateway.mark()
        server.kill_sessions()
        assert ended_by(sock) == "reset"
    error = gateway.wait_event("state", since=mark, where=lambda event: event["error"])["error"]
    assert error["leg"] == "tcp" and "127.0.0.1" in error["what"]
    gateway.wait_serving(since=mark)


def test_server_that_falls_silent_is_given_up_in_time(sshd, up):
    server = sshd()
    gateway = up(server, keepalive="1s", retry_min="50ms", connect_timeout="2s")
    gateway.wait_serving()
    with gateway.wire.open_source(1 << 40) as sock:
        read_exact(sock, MIB)
        stopped = server.sessions()
        for pid in stopped:
            procs.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert ended_by(sock) == "reset"
        assert time.monotonic() - began < 5
    for pid in stopped:
        procs.kill(pid)
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(sshd, gateway, solver, tmp, number):
    """Not even of a gateway that is killed: a guard beside ssh ends it and removes its folder."""
    behind = solver()
    spot = tmp / "spot"
    spot.mkdir(mode=0o700)
    keys = profile(sshd(), endpoint=f"127.0.0.1:{behind.port}", launch="never")
    running = gateway(keys, env={"TMPDIR": spot})
    running.wait_serving()
    assert len(list(spot.iterdir())) == 1
    left = procs.descendants(running.pid)
    assert len([pid for pid in left if procs.program(pid).endswith("/ssh")]) == 1
    running.stop(number)
    eventually(lambda: not any(procs.alive(pid) for pid in left), what="ssh or its guard is left behind")
    eventually(lambda: not list(spot.iterdir()), what="the folder is left behind")


def test_stop_while_it_connects(sshd, up):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        gateway = up(sshd(), port=silent.getsockname()[1])
        gateway.wait_event("leg", leg="tcp")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 3


# --- check -----------------------------------------------------------------------------------------------


def test_check_shows_what_ssh_is_started_with(sshd, penstock, tmp):
    server = sshd()
    config = write_ini(tmp / "check.ini", {"lab": profile(server, endpoint="127.0.0.1:1", keepalive="7s")})
    done = penstock.run("check", "lab", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"127.0.0.1, port {server.port}, user {server.user}" in done.stdout
    assert "ServerAliveInterval=7" in done.stdout and "PasswordAuthentication=no" in done.stdout
    config = write_ini(tmp / "wrong.ini", {"lab": profile(server, endpoint="127.0.0.1:1", auth="password")})
    done = penstock.run("check", "lab", "--config", config)
    assert done.returncode == 3 and "password" in done.stdout + done.stderr


def test_check_connects_and_tells_each_leg(sshd, solver, penstock, tmp):
    keys = {"endpoint": f"127.0.0.1:{solver().port}", "launch": "never"}
    config = write_ini(tmp / "connect.ini", {"gateway": {"listen": "127.0.0.1:0"}, "lab": profile(sshd(), **keys)})
    done = penstock.run("check", "--connect", "lab", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    for leg in ("tcp", "host-key", "auth"):
        assert f"{leg} " in done.stdout
