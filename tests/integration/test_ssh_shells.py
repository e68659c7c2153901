# SPDX-License-Identifier: MIT
"""Login shells as users have them, in front of the scripts that check, launch, await and stop the solver. The server
runs with a user database of its own (see support.sshd), so each of these is the account's real login shell."""

import os
import re
import shutil
import socket
import time

import pytest

from support import procs
from support.ports import free_port
from support.wait import eventually

# What a start-up file of each shell is called; the first five read one even for a command.
START_UP = {
    "bash": ".bashrc",
    "zsh": ".zshenv",
    "fish": ".config/fish/config.fish",
    "tcsh": ".tcshrc",
    "csh": ".cshrc",
    "dash": None,
}
if shutil.which("busybox"):  # no package of its own in the list: two of them exclude each other
    START_UP["busybox"] = None


@pytest.fixture
def account(sshd, tmp):
    """account("bash", "echo hello") gives a server whose user has that login shell, with that start-up file."""

    def make(shell, start_up="", config=()):
        path = shutil.which(shell) or shell
        if shell == "busybox":  # which shell it is goes by the name it is called by
            path = tmp / "ash"
            path.symlink_to(shutil.which(shell))
        server = sshd(config=config, shell=path)
        name = START_UP.get(shell)
        if name:
            file = server.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(start_up + "\n")
        return server

    return make


@pytest.fixture
def up(gateway, solver_root):
    """up(server, **keys) starts a gateway that launches a solver (in `up.root`) if none answers."""

    def start(server, **keys):
        start.root = solver_root("a b'c$(touch x);!")
        keys = {"endpoint": f"127.0.0.1:{free_port()}", "root": start.root, "on_exit": "stop", **keys}
        return gateway(server.profile(**keys))

    return start


def whole_life(up, server, **keys):
    """Launched, used, and stopped; how many sessions with a command that took."""
    made = up(server, **keys)
    assert made.wait_serving(60)["adopted"] is False
    assert up.root.pid()
    assert made.wire.tcmd()["protocol_version"] == "0.18"
    assert made.stop() == 0
    eventually(lambda: not up.root.pids(), what="the solver goes on")
    return server.log.count("Starting session: command")


def failure(up, server, **keys):
    """The error of a launch that fails."""
    made = up(server, **keys)
    return made.wait_event("state", where=lambda event: event["error"], timeout=40)["error"]


@pytest.mark.parametrize("shell", START_UP)
def test_whole_life_in_one_session(account, up, shell):
    """A login shell may be slow to start, so it is started once."""
    assert whole_life(up, account(shell)) == 1


NOISE = {
    "bash": "echo welcome; echo penstock-here-0; printf 'no newline'; echo to stderr >&2",
    "zsh": "echo welcome; echo penstock-begin-0; printf 'no newline'; echo to stderr >&2",
    "fish": "echo welcome; echo penstock-begin-0; printf 'no newline'; echo to stderr >&2",
    "tcsh": "echo welcome; echo penstock-begin-0; printf 'no newline'",
}


@pytest.mark.parametrize("shell", NOISE)
def test_noisy_start_up_file(account, up, shell):
    whole_life(up, account(shell, NOISE[shell]))


ODD = {
    "set -e": "set -e",
    "set -eu, exported": "set -o errexit -o nounset; export SHELLOPTS",
    "aliases": "alias cd='echo no' printf='echo no' grep='echo no'; shopt -s expand_aliases",
    "TMOUT": "export TMOUT=1",
    "IFS": "export IFS=/:0",
    "CDPATH": "export CDPATH=/:/tmp",
    "ENV": "echo 'echo from ENV; exit 3' >~/env; export ENV=~/env BASH_ENV=~/env",
    "LANG": "export LANG=de_DE.UTF-8 LANGUAGE=de LC_MESSAGES=de_DE.UTF-8",
    "invalid locale": "export LC_ALL=xx_YY.UTF-8 LANG=none",
    "reads a line": "read -r answer",
    "reads two lines with an external program": "head -n 1 >/dev/null; head -n 1 >/dev/null",
    "something left running": "sleep 3 &",
    "a job that prints": "(while sleep 0.05; do echo tick; done) &\n trap 'kill $!' EXIT",
    "another shell": "exec dash",
    "a zsh": "exec zsh",
    "umask": "umask 077",
    "cd": "cd /",
}


@pytest.mark.parametrize("start_up", ODD.values(), ids=ODD)
def test_odd_start_up_file(account, up, start_up):
    whole_life(up, account("bash", start_up))


def test_slow_start_up_file(account, up):
    server = account("bash", "sleep 2.5")
    made = up(server)
    assert made.wait_serving(60)["adopted"] is False
    assert re.search(r"the login shell of 127\.0\.0\.1 took \d+\.\d s: its start-up files are slow", made.log)
    assert server.log.count("Starting session: command") == 1


def test_stranger_at_the_endpoint_is_named(account, up):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        made = up(account("fish"), endpoint=f"127.0.0.1:{port}")
        error = made.wait_event("state", where=lambda event: event["error"], timeout=40)["error"]
        assert f"(pid {os.getpid()}" in error["what"]


# --- accounts that run nothing -------------------------------------------------------------------------


def test_nologin(account, up):
    error = failure(up, account(shutil.which("nologin", path="/usr/sbin:/sbin")))
    assert (error["leg"], error["class"]) == ("exec", "config")
    assert "This account is currently not available." in error["what"]
    assert "nologin" in error["next"] and "launch = never" in error["next"]


def test_shell_that_is_false(account, up):
    error = failure(up, account("/bin/false"))
    assert (error["leg"], error["class"]) == ("exec", "config")
    assert "ended our command without running it (status 1)" in error["what"]
    assert "nologin" in error["next"]


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false"])
def test_account_without_a_shell_still_forwards(account, gateway, solver, shell):
    made = gateway(account(shell).profile(endpoint=f"127.0.0.1:{solver().port}"))
    assert made.wait_serving()["adopted"] is True
    assert made.wire.tcmd()["protocol_version"] == "0.18"


def test_shell_that_is_missing(account, up):
    """sshd itself turns such an account away, as if no key were right."""
    made = up(account("/no/such/shell"))
    assert made.wait(60) == 5
    error = made.find_events("stopped")[0]["error"]
    assert error["leg"] == "auth"
    assert "login shell does not exist" in error["next"]


# --- start-up files that are in the way ----------------------------------------------------------------


def test_start_up_file_that_reads_everything(account, up):
    error = failure(up, account("bash", "echo 'Password for the portal:'; cat >/dev/null"))
    assert (error["leg"], error["class"]) == ("exec", "transient")
    assert "did not come to our command" in error["what"]
    assert "Password for the portal:" in error["what"]
    assert "interactive shells only" in error["next"]
    assert not up.root.pids()


def test_start_up_file_that_hangs(account, up):
    server = account("bash", "echo $$ >~/pid; exec sleep 1000")
    error = failure(up, server)
    assert error["leg"] == "exec"
    assert "did not come to our command" in error["what"]
    pid = int((server.home / "pid").read_text())
    # It is told to end; for root there is no sshd that could pass that on.
    told = "session signalling requires privilege separation"
    eventually(lambda: not procs.alive(pid) or told in server.log, what=lambda: f"it goes on\n{server.log}")
    procs.kill(pid)


@pytest.mark.parametrize("where", ["", ">&2"])
def test_start_up_file_that_prints_for_ever(account, up, where):
    began = time.monotonic()
    error = failure(up, account("bash", f"yes {where}"))
    assert time.monotonic() - began < 13  # else it was the time limit that ended it
    assert (error["leg"], error["class"]) == ("exec", "config")
    assert "prints without end" in error["what"]


def test_start_up_file_that_becomes_a_fish(account, up):
    """It reads our script as its own language: nothing of that may run."""
    error = failure(up, account("bash", "exec fish"))
    assert error["leg"] == "exec"
    assert "fish" in error["what"]
    assert not up.root.pids()


def test_start_up_file_that_becomes_a_csh(account, up):
    error = failure(up, account("bash", "exec tcsh"))
    assert error["leg"] == "exec"
    assert not up.root.pids()


def test_start_up_file_that_ends_the_shell(account, up):
    error = failure(up, account("bash", "echo 'Please use the login node.'; exit 1"))
    assert "Please use the login node." in error["what"]
