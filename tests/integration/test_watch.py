# SPDX-License-Identifier: MIT
"""`penstock status --watch`: what a terminal shows, what that costs, and that it is given back."""

import json
import select
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from support.ports import free_port
from support.screen import Screen
from support.terminal import Terminal
from support.wait import eventually

OK, USAGE = 0, 2


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


@pytest.fixture
def watch(penstock):
    """watch(*args, env=…, columns=…) runs `penstock status --watch` at a terminal of its own."""
    made = []

    def start(*args, env=None, **size):
        command = [penstock.binary, "status", "--watch", "--interval", "200ms", *args]
        made.append(Screen(command, {**penstock.environment(), **(env or {})}, penstock.home, **size))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def lines(penstock):
    """lines() gives what `penstock status --watch --json` prints, as it comes."""
    made = []

    def start(*args):
        process = subprocess.Popen(
            [str(penstock.binary), "status", "--watch", "--json", "--interval", "100ms", *args],
            env=penstock.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        made.append(process)
        return process

    yield start
    for process in made:
        process.kill()
        process.wait(20)
        process.stdout.close()


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def next_line(process, where):
    while True:
        assert select.select([process.stdout], [], [], 20)[0], "nothing comes"
        line = json.loads(process.stdout.readline())
        if where(line):
            return line


def test_gateways_come_and_go(gateway, watch, forward, solver):
    screen = watch()
    screen.wait_for("^No gateway of yours runs on this machine")
    first = gateway(forward)
    screen.wait_for(rf"^lab \(local\): up for \d s, on {first.address} \(pid {first.pid}\)$")
    screen.wait_for(r"^  Solver     found running at 127.0.0.1:\d+, protocol 0.18, served for \d s$")
    screen.wait_for(r"^  Up .* ▁+ 0 bytes/s, at most 0 bytes/s$")
    screen.wait_for(r"^q ends$")
    assert "No gateway" not in screen.text
    second = gateway({**forward, "endpoint": f"127.0.0.1:{free_port()}"}, name="other")
    screen.wait_for(r"^other \(local\): (down|connecting)")
    screen.wait_for(r"^  Why        .*nothing listens")
    screen.wait_for(r"^  Retries    \d+ since it was last up")
    assert second.stop() == OK
    screen.wait_for(r"^other@\d+: has ended \d s ago$")
    screen.wait_without(r"^other")
    assert f"on {first.address}" in screen.text
    assert first.kill() == -signal.SIGKILL
    screen.wait_for(r"^lab@\d+: has ended")
    screen.press("q")
    assert screen.wait() == OK and screen.is_restored()


def test_states_and_rates_are_followed(gateway, watch, solver):
    port = free_port()
    running = gateway(
        {
            "transport": "local",
            "endpoint": f"127.0.0.1:{port}",
            "launch": "never",
            "probe": "tcmd",
            "retry_min": "100ms",
            "retry_max": "100ms",
        }
    )
    screen = watch("lab")
    screen.wait_for(r"^lab \(local\): (down|connecting)")
    solver(port=port)
    screen.wait_for(r"^lab \(local\): up")
    assert "  Why " not in screen.text
    stop = threading.Event()

    def work():
        while not stop.is_set():
            running.wire.echo(b"x" * 1_000_000)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        screen.wait_for(r"^  Up .*▁[▂-█]+ .*[KM]iB/s, at most .*[KM]iB/s$")
        screen.wait_for(r"^  Down .*[▂-█]+ .*[KM]iB/s, at most .*[KM]iB/s$")
    finally:
        stop.set()
        worker.join(30)
    screen.wait_for(r"^  Up .*[▂-█]▁+ 0 bytes/s, at most .*[KM]iB/s$")


def test_a_slow_link_is_enough(gateway, watch, forward):
    running = gateway(forward)
    running.wait_serving()
    screen = watch()
    screen.wait_for(r"^lab \(local\): up")
    screen.wait_for(r"^  Up +▁{8}")
    # Nothing happens but that time goes on: eight more samples, each of them a refresh.
    before = screen.bytes
    screen.wait_for(r"^  Up +▁{16}")
    assert (screen.bytes - before) / 8 < 60
    # Whatever happens, a refresh is less than the screen.
    stop = threading.Event()

    def work():
        while not stop.is_set():
            running.wire.echo(b"x" * 100_000)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        screen.wait_for(r"^  Up .*[▂-█]{2}")
        before = screen.bytes
        screen.wait_for(r"^  Up .*[▂-█]{10}")
        assert (screen.bytes - before) / 8 < 600
    finally:
        stop.set()
        worker.join(30)


@pytest.mark.parametrize(
    "end, code",
    [
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGHUP, -signal.SIGHUP),
        ("\x1c", -signal.SIGQUIT),
        ("\x03", OK),
        ("q", OK),
        ("\x04", OK),
    ],
)
def test_the_terminal_is_given_back(gateway, watch, forward, end, code):
    gateway(forward).wait_serving()
    screen = watch()
    screen.wait_for(r"^lab \(local\): up")
    assert not screen.is_restored()
    if isinstance(end, str):
        screen.press(end)
    else:
        screen.process.send_signal(end)
    assert screen.wait() == code and screen.is_restored()


def test_it_can_be_stopped_and_continued(gateway, watch, forward):
    gateway(forward).wait_serving()
    screen = watch()
    screen.wait_for(r"^lab \(local\): up")
    screen.process.send_signal(signal.SIGTSTP)
    eventually(lambda: screen.take(0.1) or is_stopped(screen.process.pid))
    eventually(lambda: not screen.take(0.05) and screen.is_restored())
    screen.process.send_signal(signal.SIGCONT)
    screen.wait_for(r"^lab \(local\): up")
    screen.press("q")
    assert screen.wait() == OK and screen.is_restored()


def test_it_fits_the_window(gateway, watch, forward):
    running = gateway(forward)
    running.wait_serving()
    screen = watch(columns=30, rows=12)
    screen.wait_for(r"^lab \(local\): up for \d+ s, .*…$")
    screen.resize(100, 12)
    screen.wait_for(rf"on {running.address} \(pid {running.pid}\)$")
    screen.resize(100, 5)
    screen.wait_for(r"\A(lab.*)\n  Up.*\n  Down.*\nq ends\Z")
    screen.resize(80, 2)
    screen.wait_for(r"\Alab@\d+: up, 0 streams, 0 held, .*\nq ends\Z")


def test_without_utf8(gateway, watch, forward):
    gateway(forward).wait_serving()
    screen = watch(env={"LANG": "C"})
    screen.wait_for(r"^  Up  .*_+ 0 bytes/s")
    assert screen.text.isascii() and screen.raw.isascii()


def test_one_that_hangs_is_said_to(gateway, watch, forward):
    running = gateway(forward)
    running.wait_serving()
    screen = watch()
    screen.wait_for(r"^lab \(local\): up")
    running.send_signal(signal.SIGSTOP)
    try:
        screen.wait_for(r"^lab@\d+: does not answer$")
    finally:
        running.send_signal(signal.SIGCONT)
    screen.wait_for(r"^lab \(local\): up")


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(penstock, gateway, forward):
    running = gateway(forward)
    running.wait_serving()
    environment = penstock.environment({"TERM": "dumb"})
    terminal = Terminal([penstock.binary, "status", "--watch", "--interval", "100ms"], environment, penstock.home)
    try:
        terminal.wait_for(rf"lab@{running.port}: up, 0 streams, 0 held, 0 bytes/s up, 0 bytes/s down")
        running.stop()
        terminal.wait_for(rf"lab@{running.port}: has ended")
        assert "\x1b" not in terminal.shown
        terminal.type("\x03")
        assert terminal.process.wait(20) == OK
    finally:
        terminal.close()


def test_for_programs(gateway, penstock, forward, lines):
    process = lines()
    running = gateway(forward, sections={"other": forward})
    first = next_line(process, lambda line: line["state"] == "up" and line["streams_ended"] is not None)
    assert first["profile"] == "lab" and first["listen"] == running.address and first["pid"] == running.pid
    assert penstock.run("use", "other").returncode == OK
    assert next_line(process, lambda line: line["profile"] == "other")["swap"] is None
    running.stop()
    last = next_line(process, lambda line: line["state"] is None)
    assert last["ended"] is True and last["profile"] == "other" and last["error"] is None


def test_only_changes_are_told_to_programs(gateway, penstock, forward, lines):
    running = gateway({**forward, "prewarm": 0})
    running.wait_serving()
    process = lines("lab")
    next_line(process, lambda line: line["state"] == "up")
    with running.wire.open(b"ECHO"):
        next_line(process, lambda line: line["streams"] == 1)
        seen = next_line(process, lambda line: line["up_rate"] == 0)
    after = next_line(process, lambda line: line["streams"] == 0)
    assert seen["streams_ended"] + 1 == after["streams_ended"] or seen["streams_ended"] == after["streams_ended"]


def test_it_ends_with_its_reader(gateway, forward, lines, penstock):
    running = gateway(forward)
    running.wait_serving()
    process = lines()
    next_line(process, lambda line: line["state"] == "up")
    process.stdout.close()
    running.wire.echo(b"x")
    assert process.wait(20) == OK


@pytest.mark.parametrize(
    "args, word",
    [
        (["--watch"], "--json"),
        (["--interval", "1s"], "--watch"),
        (["--watch", "--json", "--interval", "x"], "duration"),
        (["--watch", "--json", "--interval", "10ms"], "duration"),
        (["--watch", "--json", "--project", "x"], "--project"),
    ],
)
def test_what_makes_no_sense(penstock, args, word):
    done = penstock.run("status", *args)
    assert done.returncode == USAGE and word in done.stderr
