# SPDX-License-Identifier: MIT
"""The scripts that run a command and end it, by themselves, in each shell that a far side may have as /bin/sh. What the
gateway makes of them is in test_exec.py."""

import os
import secrets
import shlex
import subprocess

import pytest

from support import procs
from support.build import CHECKOUT
from support.wait import eventually

FOLDER = CHECKOUT / "transports/common/sh"
ALL_SHELLS = {"dash": ["/bin/dash"], "bash": ["/bin/bash"], "busybox": ["/bin/busybox", "sh"]}
SHELLS = [name for name, words in ALL_SHELLS.items() if os.path.exists(words[0])]


@pytest.fixture(params=SHELLS)
def shell(request):
    return ALL_SHELLS[request.param]


def text_of(*names):
    return "".join((FOLDER / f"{name}.sh").read_text() for name in names)


def script(*command, merge=0, token="0" * 32):
    words = " ".join(map(shlex.quote, command))
    values = f"ps_trailer=MARK\nps_token={token}\nps_merge={merge}\n"
    return f'{values}ps_command() {{ "$@" {words}; }}\n' + text_of("exec_family", "exec")


def run(shell, *command, input=b"", env=None, **values):
    """What follows the line that says that the stream is open."""
    done = subprocess.run(
        [*shell, "-c", script(*command, **values)],
        input=input,
        capture_output=True,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )
    assert done.returncode == 0 and done.stdout.startswith(b"penstock-stream: open\n"), done
    return done.stdout.removeprefix(b"penstock-stream: open\n"), done.stderr


def test_outputs_and_status(shell):
    command = ["sh", "-c", 'cat; printf "e\\n\\n" >&2; exit 3']
    assert run(shell, *command, input=b"in\0\xff") == (b"in\0\xffMARK 3 3\ne\n\n", b"")
    assert run(shell, *command, input=b"in", merge=1) == (b"ine\n\nMARK 3 0\n", b"")


def test_size_is_in_bytes_whatever_the_locale(shell):
    out, _ = run(shell, "printf", "", env={"LC_ALL": "C.UTF-8"})
    assert out == b"MARK 0 0\n"
    out, _ = run(shell, "sh", "-c", "printf 'ä€' >&2", env={"LC_ALL": "C.UTF-8"})
    assert out == "MARK 0 5\nä€".encode()


def test_what_a_shell_cannot_keep(shell):
    """NUL is left out; all other bytes stay."""
    out, err = run(shell, "sh", "-c", "printf 'a\\000b\\377' >&2")
    assert (out, err) == (b"MARK 0 3\nab\xff", b"")


@pytest.mark.parametrize("merge", [0, 1])
def test_no_command(shell, merge):
    assert b"MARK 127 " in run(shell, "no-such-program", merge=merge)[0]
    assert b"MARK 126 " in run(shell, "/etc/passwd", merge=merge)[0]


@pytest.mark.parametrize("merge", [0, 1])
def test_signal(shell, merge):
    assert b"MARK 137 " in run(shell, "sh", "-c", "kill -9 $$", merge=merge)[0]


def test_options_of_the_shell_change_nothing(shell):
    out, _ = run(shell, "sh", "-c", "false; echo on", env={"SHELLOPTS": "errexit:nounset:noglob"})
    assert out == b"on\nMARK 0 0\n"


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM HUP; "])
def test_command_is_ended_however_far_it_has_gone(shell, stubborn, tmp):
    """By its token, in a session of its own and without its parent; nobody else's is touched."""
    token, other = secrets.token_hex(16), secrets.token_hex(16)
    command = ["sh", "-c", f"{stubborn}setsid sh -c '{stubborn}sleep 7777; :' & echo $! >{tmp}/pid; sleep 7778; :"]
    text = {name: script(*command, token=name) for name in (token, other)}
    started = [
        subprocess.Popen([*shell, "-c", text[name]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        for name in (other, token)
    ]
    try:
        sleepers = lambda name: [pid for pid in family(name) if procs.program(pid)]  # noqa: E731
        eventually(lambda: len(sleepers(token)) >= 4 and len(sleepers(other)) >= 4)
        end = f"ps_token={token}\n" + text_of("exec_family", "exec_end")
        done = subprocess.run([*shell, "-c", end], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        eventually(lambda: not sleepers(token), what=lambda: [procs.program(pid) for pid in sleepers(token)])
        assert len(sleepers(other)) >= 4
    finally:
        procs.end(family(token) + family(other))
        for process in started:
            process.communicate()


def test_nothing_that_has_the_token_begins_after_the_command(shell, tmp):
    """Else it may begin when whoever ended the command has just seen that nothing is left."""
    token = secrets.token_hex(16)
    late = tmp / "tail"  # the last that the script waits for
    late.write_text('#!/bin/sh\n/usr/bin/tail "$@"\nsleep 1\n')
    late.chmod(0o755)
    process = subprocess.Popen(
        [*shell, "-c", script("sleep", "7779", token=token)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PATH": f"{tmp}:{os.environ['PATH']}"},
        start_new_session=True,
    )
    try:
        assert process.stdout.readline() == b"penstock-stream: open\n"
        eventually(lambda: any(procs.program(pid) for pid in family(token)))
        end = f"ps_token={token}\n" + text_of("exec_family", "exec_end")
        assert subprocess.run([*shell, "-c", end], timeout=60, check=False).returncode == 0
        assert process.stdout.readline().startswith(b"MARK 143 ")
        eventually(lambda: procs.children(process.pid))  # waits for the end of its input
        assert family(token) == []
    finally:
        procs.end(family(token))
        process.communicate()


def family(token):
    """Pids of all that have the token."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if f"PENSTOCK_EXEC={token}".encode() in environ.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found
