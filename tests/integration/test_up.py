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

OK, UNREACHABLE, PORT, LAUNCH = 0, 4, 7, 8
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


# -- with a solver ------------------------------------------------------------------------------------------


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


def test_a_solver_is_served_and_tested(up, forward):
    process = up(forward, "--self-test")
    lines = read_line(process, "^Self-test")
    served = next(line for line in lines if line.startswith("Serving."))
    assert "running solver adopted, protocol 0.18" in served
    assert re.match(r"Self-test: a solver answers through localhost:\d+ in [\d.]+ ms, protocol 0\.18\.", lines[-1])
    code, rest = end(process)
    assert code == OK
    assert rest[-1] == "Stopped. The solver was not ended; 'penstock up lab' finds it again as long as it runs."


def test_self_test_as_json(gateway, forward):
    running = gateway(forward, args=["--self-test"])
    event = running.wait_event("self_test")
    assert event["ok"] is True and event["protocol_version"] == "0.18" and event["ms"] > 0 and event["error"] is None
    assert running.stop() == OK
    assert running.events[-1] == {"event": "stopped", "error": None, "exit_code": 0}


def test_nobody_there_is_told_once_and_retried(up, forward):
    keys = {**forward, "endpoint": f"127.0.0.1:{free_port()}", "retry_min": "50ms", "retry_max": "100ms"}
    process = up(keys)
    lines = read_line(process, "^Still down after 4 tries; next try in .*, sooner if a connection waits")
    assert sum("Down: " in line for line in lines) == 1
    assert any(line.startswith("  Next: ") for line in lines)
    assert any(line.startswith("  Next try in ") for line in lines)
    assert end(process)[0] == OK


def test_check_tries_the_way(penstock, tmp, forward, echo):
    sections = {
        "lab": forward,
        "away": {**forward, "endpoint": f"127.0.0.1:{free_port()}"},
        "echo": {**echo, "probe": "tcmd"},
    }
    config = write_ini(tmp / "check.ini", {"gateway": {"listen": "127.0.0.1:0"}, **sections})
    done = penstock.run("check", "lab", "--connect", "--config", config)
    assert done.returncode == OK, done.stdout + done.stderr
    assert re.search(r"^  endpoint +[\d.]+ ms  ", done.stdout, re.M)
    assert "ok: a solver runs, protocol 0.18" in done.stdout
    done = penstock.run("check", "away", "--connect", "--config", config)
    assert done.returncode == UNREACHABLE
    assert re.search(r"^  endpoint +[\d. ms]* failed$", done.stdout, re.M) and "  Next: " in done.stdout
    done = penstock.run("check", "echo", "--connect", "--config", config)
    assert done.returncode == PORT
    # All of them: each is tried, and the first failure is the exit code.
    done = penstock.run("check", "--connect", "--config", config)
    assert done.returncode == UNREACHABLE
    for name in sections:
        assert re.search(rf"^{name} \(", done.stdout, re.M)


# -- launching ----------------------------------------------------------------------------------------------


@pytest.fixture
def launch(solver_root):
    """launch(key=value…) gives a root and the keys of a profile that launches the demo solver from it."""

    def make(**keys):
        root = solver_root()
        return root, {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", **keys}

    return make


@pytest.mark.parametrize("on_exit", ["keep", "stop"])
def test_the_end_says_what_becomes_of_the_solver(up, launch, on_exit):
    root, keys = launch(on_exit=on_exit)
    process = up(keys)
    lines = read_line(process, "^Serving")
    assert any(line.startswith("No solver runs there: starting one.") for line in lines)
    assert "(solver launched, protocol 0.18, after " in lines[-1]
    assert [line.split()[0] for line in lines if re.match(r"  (launch|ready|endpoint) ", line)][:2] == ["launch", "ready"]
    code, rest = end(process)
    assert code == OK
    if on_exit == "keep":
        assert rest[-1].startswith("Stopped. The solver was not ended;") and len(root.pids()) == 1
    else:
        assert rest[-1] == "Stopped, and the solver with it (on_exit = stop)." and root.pids() == []


def test_a_container_that_is_the_solver_is_not_said_to_be_stopped(engine, here, container, up):
    box = container(engine, image="solver")
    process = up(here.profile(box, root=None, on_exit="stop"), env=here.env)
    read_line(process, "^Serving")
    code, rest = end(process)
    assert code == OK and box.solver()
    assert "stopping the solver" not in rest and rest[-2:] == [
        f"Stopped. The solver goes on: without `root`, it is the own command of container '{box}'.",
        f"  Next: Run `docker stop {box}` on this machine to end both.",
    ]


def test_a_container_that_is_gone_has_no_solver_to_be_launched_or_found(engine, here, container, up):
    box = container(engine, image="solver")
    process = up(here.profile(box, root=None), env=here.env)
    address = re.search(r"Listening on (\S+):(\d+)", "".join(read_line(process, "^Serving"))).groups()
    box.remove()
    with socket.create_connection(address, 10):
        lines = read_line(process, f"Container '{box}' does not exist")
    code, rest = end(process)
    assert code == OK and not [line for line in lines + rest if "No solver runs there" in line]
    assert rest[-1] == "Stopped. The solver was out of reach by then; 'penstock up lab' looks for it again."


def test_a_failed_start_shows_the_log(up, launch):
    root, keys = launch(env="DEMO_FAULT=fail-start")
    process = up(keys)
    assert process.wait(30) == LAUNCH
    text = process.log()
    assert re.search(r"^Failed: .+\n  Leg:  (launch|ready) \(\w+\)\n  Next: .+", text, re.M)
    assert "  Details:\n    " in text
    assert root.pids() == []


def test_a_check_leaves_no_solver_behind(penstock, tmp, launch):
    root, keys = launch()
    config = write_ini(tmp / "check.ini", {"gateway": {"listen": "127.0.0.1:0"}, "lab": keys})
    done = penstock.run("check", "--connect", "--no-launch", "--config", config)
    assert done.returncode == UNREACHABLE and not root.log.exists()
    done = penstock.run("check", "--connect", "--config", config)
    assert done.returncode == OK, done.stdout + done.stderr
    assert "ok: a solver can be launched, protocol 0.18" in done.stdout
    assert root.log.exists() and root.pids() == []
