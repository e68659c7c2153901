# SPDX-License-Identifier: MIT
"""What `penstock up` tells a person, how it ends, and that nobody who reads it badly can hold it up."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess

import pytest

from support.gateway import write_ini
from support.plugin import build_plugin
from support.ports import free_port, is_listening
from support.wait import eventually

OK, CONFIG, UNREACHABLE, PORT = 0, 3, 4, 7
ESC = "\x1b"


@pytest.fixture
def echo(tmp, penstock):
    """Keys of a profile whose far side is an echo: the null transport, built for this test."""
    return {**build_plugin(penstock, "plugins/examples/null/null.c", tmp / "echo"), "probe": "none"}


@pytest.fixture
def up(tmp, penstock):
    """up(profile, "--verbose", stdout=…) runs `penstock up lab` on a free port, told as for a person."""
    started = []

    def start(profile, *args, listen="127.0.0.1:0", stdout=subprocess.PIPE, stderr=None, env=None):
        config = write_ini(tmp / "up.ini", {"gateway": {"listen": listen}, "lab": profile})
        log = open(tmp / "up.log", "ab")
        process = subprocess.Popen(
            [str(penstock.binary), "up", "lab", "--config", str(config), *map(str, args)],
            env=penstock.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr or log,
            start_new_session=True,
        )
        log.close()
        started.append(process)
        process.log = lambda: (tmp / "up.log").read_text(errors="replace")
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        finally:
            process.kill()
            if process.stdout:
                process.stdout.close()


def read_line(process, pattern):
    """Reads lines until one matches; returns all that were read."""
    lines = []
    for line in process.stdout:
        lines.append(line.decode())
        if re.search(pattern, lines[-1]):
            return lines
    raise AssertionError(f"no line {pattern!r} in {lines}\n{process.log()}")


def end(process, number=signal.SIGINT):
    """Ends it; returns the exit code and the lines that were left."""
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    return process.returncode, rest.decode().splitlines()


def ask_echo(port):
    """One connection through the gateway, there and back."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        data = b""
        while chunk := sock.recv(100):
            data += chunk
    assert data == b"hello"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_told_in_lines(up, echo, number):
    process = up(echo)
    lines = read_line(process, "^Serving")
    port = int(re.search(r"Listening on 127\.0\.0\.1:(\d+) for profile 'lab' \(null\)\.", lines[0]).group(1))
    assert f"Point Blender at localhost:{port} " in lines[-1]
    assert any(re.match(r"  endpoint +[\d.]+ ms  ", line) for line in lines)
    assert ESC not in "".join(lines)
    ask_echo(port)
    code, rest = end(process, number)
    assert code == OK
    assert rest[-1] == "Stopped."
    assert not is_listening(port)


def test_a_taken_port_names_its_holder(up, echo, penstock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = up(echo, listen=f"127.0.0.1:{port}")
        assert process.wait(20) == PORT
        text = process.log()
        assert f"Failed: Port {port} is in use by '" in text
        assert f"(pid {os.getpid()})" in text
        assert "  Next: " in text


def test_listen_on_the_command_line_wins(up, echo):
    port = free_port()
    process = up(echo, "--listen", port, listen="127.0.0.1:1")
    assert f"Listening on 127.0.0.1:{port} " in read_line(process, "^Serving")[0]
    ask_echo(port)
    assert end(process)[0] == OK


def test_other_machines_are_kept_out(up, echo):
    process = up(echo, "--listen", "0.0.0.0:0")
    assert process.wait(20) == 2
    assert "--listen: error: " in process.log() and "expose" in process.log()


def test_a_reader_that_goes_away_does_not_end_it(up, echo):
    process = up(echo, "--verbose")
    lines = read_line(process, "^Serving")
    port = int(re.search(r"localhost:(\d+)", lines[-1]).group(1))
    process.stdout.close()
    process.stdout = None
    ask_echo(port)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == OK


def test_standard_output_that_is_closed_from_the_start(up, echo, tmp, penstock):
    """The listener must not get the number 1, or our lines would go to whoever connects."""
    port = free_port()
    config = write_ini(tmp / "closed.ini", {"lab": {**echo, "listen": f"127.0.0.1:{port}"}})
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" up --config "$1" >&- 2>&- <&-', str(penstock.binary), str(config)],
        env=penstock.environment(),
        start_new_session=True,
    )
    try:
        eventually(lambda: is_listening(port), 20)
        ask_echo(port)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == OK


def test_a_terminal_is_written_in_place(up, echo):
    """Progress goes over itself, and whole lines stay whole."""
    ours, theirs = pty.openpty()
    process = up(echo, stdout=theirs, stderr=theirs, env={"TERM": "xterm", "NO_COLOR": "1"})
    os.close(theirs)
    text = b""
    signalled = False
    with contextlib.suppress(OSError):  # EIO: the other side was closed
        while chunk := os.read(ours, 4096):
            text += chunk
            if b"Serving" in text and not signalled:
                signalled = True
                process.send_signal(signal.SIGINT)
    os.close(ours)
    assert process.wait(20) == OK
    text = text.decode()
    assert ESC not in text
    assert "Connecting ...\r" in text
    assert re.search(r"[\r\n]Serving\. Point Blender at localhost:\d+ \(", text)
    assert "Stopped." in text


def test_self_test_of_something_else(up, echo):
    process = up(echo, "--self-test")
    assert "is no solver" in read_line(process, "^Self-test failed")[-1]
    assert end(process)[0] == OK
