# SPDX-License-Identifier: MIT
"""SSH servers that allow less than they could: what still works, and which words the user gets for what does not."""

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import pattern, procs
from support.dropbear import Dropbear
from support.ports import free_port
from support.sshd import find_sshd
from support.tinysshd import Tinysshd
from support.wait import eventually

MIB = 1 << 20


@pytest.fixture
def launching(gateway, solver_root):
    """launching(server, **keys) starts a gateway that launches a solver (in `launching.root`) if none answers."""

    def start(server, **keys):
        start.root = solver_root()
        keys = {"endpoint": f"127.0.0.1:{free_port()}", "root": start.root, "on_exit": "stop", **keys}
        return gateway(server.profile(**keys))

    return start


@pytest.fixture
def behind(solver):
    """A demo solver that runs already."""
    return solver()


def error_of(gateway, timeout=40):
    return gateway.wait_event("state", where=lambda event: event["error"], timeout=timeout)["error"]


def is_usable(wire):
    """Streams go through, several at once."""
    with ThreadPoolExecutor(8) as pool:
        for seed, result in enumerate(pool.map(lambda seed: wire.source(100_000, seed), range(8))):
            assert result == (100_000, pattern.sha256(100_000, seed))
    assert wire.sink(pattern.chunks(MIB)) == (MIB, pattern.sha256(MIB))


# --- MaxSessions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sessions", [1, 2])
def test_few_sessions_are_enough(sshd, launching, sessions):
    made = launching(sshd(config=[f"MaxSessions {sessions}"]))
    assert made.wait_serving(60)["adopted"] is False
    is_usable(made.wire)
    assert launching.root.pid()
    assert made.stop() == 0
    eventually(lambda: not launching.root.pids(), what="the solver goes on")


def test_one_session_that_is_held_is_waited_for(sshd, launching, tmp):
    """A script that was given up goes on over there, and takes the only session until it ends."""
    program = tmp / "solver"
    program.write_text("#!/bin/sh\nrm -f progress.log && mkfifo progress.log && exec sleep 60\n")  # who reads it hangs
    program.chmod(0o755)
    made = launching(sshd(config=["MaxSessions 1"]), program=program, ready_timeout="1s")
    made.wait_listening()
    error = error_of(made)
    assert "Server startup timed out" in error["what"], error
    assert "allows few sessions (MaxSessions)" in made.log


def test_no_sessions_and_a_solver_that_runs(sshd, gateway, behind):
    made = gateway(sshd(config=["MaxSessions 0"]).profile(endpoint=f"127.0.0.1:{behind.port}"))
    assert made.wait_serving()["adopted"] is True
    is_usable(made.wire)


def test_no_sessions_and_no_solver(sshd, launching):
    made = launching(sshd(config=["MaxSessions 0"]))
    assert made.wait(30) == 3
    error = made.find_events("stopped")[0]["error"]
    assert (error["leg"], error["class"]) == ("exec", "config")
    assert "MaxSessions" in error["next"] and "launch = never" in error["next"]


def test_stranger_that_nobody_can_be_asked_about(sshd, gateway):
    """The stranger is what is wrong, not the server that lets nobody look."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        made = gateway(sshd(config=["MaxSessions 0"]).profile(endpoint=f"127.0.0.1:{port}", root="/nowhere"))
        error = error_of(made)
    assert (error["leg"], error["class"]) == ("endpoint", "refused")
    assert f"Port {port}" in error["what"] and "refuses to open a session" in error["what"]
    assert "`endpoint`" in error["next"]


# --- commands that are forced --------------------------------------------------------------------------

FORCED = ["ForceCommand echo only backups here", "ForceCommand /bin/false", "ForceCommand internal-sftp"]


@pytest.mark.parametrize("line", FORCED)
def test_forced_command_and_a_solver_that_runs(sshd, gateway, behind, line):
    made = gateway(sshd(config=[line]).profile(endpoint=f"127.0.0.1:{behind.port}", on_exit="stop"))
    assert made.wait_serving()["adopted"] is True
    is_usable(made.wire)


@pytest.mark.parametrize("line", FORCED)
def test_forced_command_and_no_solver(sshd, launching, line):
    error = error_of(launching(sshd(config=[line])))
    assert (error["leg"], error["class"]) == ("exec", "config")
    assert "ForceCommand" in error["next"] and "launch = never" in error["next"]
    assert ("only backups here" in error["what"]) is ("echo" in line)


@pytest.fixture
def restricted(sshd):
    """restricted("restrict,port-forwarding") gives a server whose key has these options in authorized_keys."""

    def make(options):
        server = sshd()
        server.authorized_keys.write_text("")
        server.authorize(server.client_key, options)
        return server

    return make


def test_key_with_a_command_of_its_own(restricted, gateway, launching, behind):
    server = restricted('command="echo this key is for backups"')
    made = gateway(server.profile(endpoint=f"127.0.0.1:{behind.port}"))
    assert made.wait_serving()["adopted"] is True
    error = error_of(launching(server))
    assert error["leg"] == "exec"
    assert "this key is for backups" in error["what"] and "command=" in error["next"]


@pytest.mark.parametrize("command", ["$SSH_ORIGINAL_COMMAND", "exec $SSH_ORIGINAL_COMMAND"])
def test_key_with_a_command_that_runs_ours(restricted, launching, command):
    made = launching(restricted(f'command="{command}"'))
    assert made.wait_serving(60)["adopted"] is False


# --- forwarding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, named",
    [
        ("AllowTcpForwarding no", "AllowTcpForwarding"),
        ("AllowTcpForwarding remote", "AllowTcpForwarding"),
        ("DisableForwarding yes", "DisableForwarding"),
        ("PermitOpen none", "PermitOpen"),
        ("PermitOpen 127.0.0.1:1", "PermitOpen"),
    ],
)
def test_forwarding_that_the_server_refuses(sshd, gateway, behind, line, named):
    made = gateway(sshd(config=[line]).profile(endpoint=f"127.0.0.1:{behind.port}", root="/nowhere"))
    assert made.wait(30) == 3
    error = made.find_events("stopped")[0]["error"]
    assert (error["leg"], error["class"]) == ("endpoint", "config")
    assert named in error["next"] and f"127.0.0.1:{behind.port}" in error["what"]


@pytest.mark.parametrize("options", ["restrict", "no-port-forwarding", 'permitopen="127.0.0.1:1"'])
def test_forwarding_that_the_key_does_not_have(restricted, gateway, behind, options):
    error = error_of(gateway(restricted(options).profile(endpoint=f"127.0.0.1:{behind.port}", launch="never")))
    assert (error["leg"], error["class"]) == ("endpoint", "config")
    assert "authorized_keys" in error["next"] and options.split("=")[0] in error["next"]


def test_key_that_is_restricted_to_what_is_needed(restricted, launching):
    port = free_port()
    server = restricted(f'restrict,port-forwarding,permitopen="127.0.0.1:{port}"')
    made = launching(server, endpoint=f"127.0.0.1:{port}")
    assert made.wait_serving(60)["adopted"] is False
    is_usable(made.wire)


def test_permitted_endpoint(sshd, gateway, behind):
    config = [f"PermitOpen 127.0.0.1:1 127.0.0.1:{behind.port}", "AllowTcpForwarding local"]
    made = gateway(sshd(config=config).profile(endpoint=f"127.0.0.1:{behind.port}"))
    made.wait_serving()
    is_usable(made.wire)


# --- MaxStartups ---------------------------------------------------------------------------------------


def test_login_that_is_turned_away_is_tried_again(sshd, gateway, behind):
    server = sshd(config=["MaxStartups 1"])

    def begin_login():
        sock = socket.create_connection((server.host, server.port))
        if sock.recv(4) == b"SSH-":
            return sock
        sock.close()
        return None

    with eventually(begin_login):  # one that never ends
        made = gateway(
            server.profile(endpoint=f"127.0.0.1:{behind.port}", retry_min="100ms", retry_max="500ms"),
        )
        error = error_of(made)
        assert (error["leg"], error["class"]) == ("tcp", "transient")
        assert "MaxStartups" in error["what"] and "MaxStartups" in error["next"]
    assert made.wait_serving()["adopted"] is True


def test_server_that_hangs_up_without_a_word_is_tried_again(sshd, gateway, behind):
    """As an older sshd does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        profile = sshd().profile(endpoint=f"127.0.0.1:{behind.port}", port=listener.getsockname()[1])
        made = gateway({**profile, "retry_min": "100ms", "retry_max": "500ms"})
        for _ in range(2):
            listener.accept()[0].close()
    error = error_of(made)
    assert (error["leg"], error["class"]) == ("tcp", "transient")
    assert "MaxStartups" in error["next"]


# --- what a server says --------------------------------------------------------------------------------


def test_banner_is_logged_once_and_harmless(sshd, gateway, behind, tmp):
    banner = tmp / "banner"
    banner.write_bytes("Welcome to Zürich\n\n\x1b[31mRed\x07 \r\n\xff".encode("latin1") + "\nlast line".encode())
    server = sshd(config=[f"Banner {banner}"])
    profile = server.profile(endpoint=f"127.0.0.1:{behind.port}", retry_min="50ms")
    made = gateway(profile)
    made.wait_serving()
    server.kill_sessions()
    made.wait_state("down")
    assert made.wire.tcmd()["protocol_version"] == "0.18"
    assert not [c for c in made.log if ord(c) < 32 and c != "\n"]
    said = [line.split("says: ")[1] for line in made.log.splitlines() if " info " in line and "says: " in line]
    assert said[0].startswith("Welcome to Z") and "Red" in said[1] and said[-1] == "last line"
    assert sum("last line" in line for line in said) == 1


def test_motd_is_no_matter(sshd, launching):
    made = launching(sshd(config=["PrintMotd yes", "PrintLastLog yes"]))
    assert made.wait_serving(60)["adopted"] is False


# --- a server that reads nothing -----------------------------------------------------------------------


def test_server_that_answers_nothing_is_not_asked_for_ever(sshd, gateway, behind):
    """Each question to it would stay in memory."""
    server = sshd()
    made = gateway(server.profile(endpoint=f"127.0.0.1:{behind.port}", keepalive="10m", peers="any", hold="2s"))
    made.wait_serving()
    stopped = [pid for pid in server.sessions() if procs.program(pid) == find_sshd()]
    for pid in stopped:
        procs.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(300):
            made.wire.open(b"ECHO").close()
        eventually(lambda: "connections unanswered" in made.log or poke(made), 60, made.story)
    finally:
        for pid in stopped:
            procs.kill(pid)
    assert made.wire.tcmd()["protocol_version"] == "0.18"


def poke(made):
    """One more connection, which is answered or held."""
    made.wire.open(b"ECHO").close()
    return False


# --- SetEnv and SendEnv --------------------------------------------------------------------------------


def environment(root):
    pid = root.pid()
    return Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")


def test_environment_is_sent_as_ssh_does(sshd, launching):
    made = launching(
        sshd(config=["AcceptEnv SIM_* LANG"]),
        ssh_options='"SetEnv=SIM_MODE=fast SIM_SEED=7 OTHER=no"',
    )
    assert made.wait_serving(60)["adopted"] is False
    variables = environment(launching.root)
    assert "SIM_MODE=fast" in variables and "SIM_SEED=7" in variables
    assert not [text for text in variables if text.startswith("OTHER=")]
    told = [line for line in made.log.splitlines() if "AcceptEnv OTHER" in line]
    assert len(told) == 1 and " debug " in told[0]


# --- other servers -------------------------------------------------------------------------------------


@pytest.fixture
def tinysshd(tmp):
    server = Tinysshd(tmp / "tinysshd")
    yield server
    server.stop()


def test_server_that_cannot_forward(tinysshd, gateway, behind):
    made = gateway(tinysshd.profile(endpoint=f"127.0.0.1:{behind.port}"))
    assert made.wait(30) == 3, made.story()
    error = made.find_events("stopped")[0]["error"]
    assert (error["leg"], error["class"]) == ("endpoint", "config")
    assert "cannot pass on connections" in error["what"]
    assert "tinyssh" in error["next"]


def test_dropbear_whole_life_and_a_key_that_may_not_forward(tmp, launching, gateway, behind):
    server = Dropbear(tmp / "dropbear")
    try:
        made = launching(server)
        assert made.wait_serving(60)["adopted"] is False
        assert made.stop() == 0
        eventually(lambda: not launching.root.pids(), what="the solver goes on")
        keys = tmp / "dropbear" / "home" / ".ssh" / "authorized_keys"
        keys.write_text("no-port-forwarding " + keys.read_text())
        error = error_of(gateway(server.profile(endpoint=f"127.0.0.1:{behind.port}", launch="never")))
        assert (error["leg"], error["class"]) == ("endpoint", "config"), error
    finally:
        server.stop()
