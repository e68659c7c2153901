# SPDX-License-Identifier: MIT
"""The transport openssh on Windows: each channel is an ssh.exe of its own. Here that is relay.exe, which runs Linux's ssh."""
import re

import pytest

from conftest import wait_for, windows_path
from far import FarSolver, Sshd, Wire, demo_solver, ended_by, free_port, make_key
from relay import Relay
from transfer import MIB, both_ways

OK = 0


def to_linux(word):
    return re.sub(r'Z:([\\/][^"]*)', lambda found: found.group(1).replace("\\\\", "/").replace("\\", "/"), word)


@pytest.fixture
def ssh_exe(windows, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    folder = tmp_path / "bin"
    folder.mkdir()
    # The program that asks is one of Windows.
    script = folder / "askpass"
    script.write_text('#!/bin/sh\nexec wine "$PROGRAM_THAT_ASKS" "$1"\n')
    script.chmod(0o700)

    def run_ssh(words, variables):
        asks = {
            "PENSTOCK_ASKPASS": variables.get("PENSTOCK_ASKPASS", ""),
            "PROGRAM_THAT_ASKS": variables.get("SSH_ASKPASS", ""),
            "SSH_ASKPASS": str(script),
            "SSH_ASKPASS_REQUIRE": "force",
        }
        return ["ssh", *map(to_linux, words)], {**windows.environment, **asks}

    run_ssh.wants_variables = True
    with Relay({"ssh.exe": run_ssh}) as relay:
        relay.install(windows, folder, "ssh.exe")
        for name, value in (relay.environment | {"WINEPATH": windows_path(folder)}).items():
            monkeypatch.setitem(windows.environment, name, value)
        yield relay


@pytest.fixture
def far(windows, tmp_path):
    server = Sshd(tmp_path / "sshd")
    solver = FarSolver(demo_solver(windows.build), tmp_path / "far" / "sölver")
    yield server, solver
    server.stop()
    solver.close()


def write(path, server, listen, **keys):
    known = {
        "transport": "openssh",
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "key": windows_path(server.client_key),
        "known_hosts": windows_path(server.known_hosts),
        "agent": "no",
        "ssh_config": "none",
        "listen": f"127.0.0.1:{listen}",
        "peers": "any",
    } | keys
    path.write_text("[lab]\n" + "".join(f"{key} = {value}\n" for key, value in known.items()), "utf-8")
    path.chmod(0o600)
    return path


def test_a_solver_over_programs(ssh_exe, far, windows, tmp_path):
    """One gateway's life: a launch by script, streams and their ends, a link that is lost, the end that leaves nothing."""
    server, solver = far
    listen = free_port()
    config = write(
        tmp_path / "penstock.ini",
        server,
        listen,
        root=solver.folder,
        endpoint=f"127.0.0.1:{solver.port}",
        on_exit="stop",
        retry_min="100ms",
    )
    wire = Wire(listen)
    with windows.gateway(config, "lab") as gateway:
        assert gateway.wait_event("serving", 90)["adopted"] is False
        legs = {event["leg"]: event["text"] for event in gateway.events if event["event"] == "leg"}
        assert "known_hosts" in legs["host-key"] and "publickey" in legs["auth"]
        assert both_ways(listen, 4 * MIB)
        with wire.open_source(100_000) as sock:
            assert ended_by(sock) == "clean"
        # The sessions are killed: who was served is told by a reset, and the next is served by new ones.
        with wire.open(b"HOLD") as held:
            wire.wait_for("HOLD")
            before = len(gateway.events)
            server.kill_sessions()
            assert ended_by(held) == "reset"
        wait_for(
            lambda: any(event["event"] == "serving" for event in gateway.events[before:]),
            lambda: "it does not come back:\n" + gateway.said(),
            90,
        )
        assert wire.echo(b"again") == b"again"
        assert windows.run("down", "lab", timeout=90).returncode == OK
        assert gateway.wait_end(90) == OK
    wait_for(lambda: not solver.alive(), lambda: f"left: {solver.alive()}")
    wait_for(lambda: not server.sessions(), lambda: f"left: {server.sessions()}")
    assert all(name == "ssh.exe" for name, _ in ssh_exe.calls)


def test_errors_in_its_words(ssh_exe, far, windows, tmp_path):
    server, _ = far
    stranger = make_key(tmp_path / "stranger")
    keys = {"key": windows_path(stranger), "launch": "never", "endpoint": "127.0.0.1:1"}
    config = write(tmp_path / "penstock.ini", server, free_port(), **keys)
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_end(90)
        error = gateway.wait_event("stopped")["error"]
    assert error["leg"] == "auth" and "Permission denied (publickey" in error["what"], error
    checked = windows.run("check", "lab", "--json", "--config", windows_path(config), timeout=90)
    assert checked.returncode == OK
    assert "each connection is an ssh.exe of its own" in checked.stdout


def test_a_passphrase_is_asked_for_by_each_program(ssh_exe, far, windows, tmp_path):
    server, solver = far
    solver.start()
    listen = free_port()
    locked = make_key(tmp_path / "locked", passphrase="open sesame")
    server.authorize(locked)
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    keys = {"key": windows_path(locked), "launch": "never", "endpoint": f"127.0.0.1:{solver.port}"}
    config = write(tmp_path / "penstock.ini", server, listen, passphrase=f"file:{windows_path(secret)}", **keys)
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_event("serving", 90)
        assert Wire(listen).echo(b"asked again") == b"asked again"
        assert "open sesame" not in gateway.said()
        gateway.kill()
    wait_for(lambda: not server.sessions(), lambda: f"left: {server.sessions()}")
    secret.write_text("shut sesame\n")
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_end(90)
        error = gateway.wait_event("stopped")["error"]
    assert (error["leg"], error["class"]) == ("auth", "auth"), error
