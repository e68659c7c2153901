# SPDX-License-Identifier: MIT
"""Gateways that go on without their console, several at once, and their end when the user logs off."""
import json
import subprocess
import tempfile

import pytest

from conftest import PATIENCE, ask, processes_with, wait_for, windows_path
from test_console import BACK, OTHER_SCREEN, Console

EXIT_OK, EXIT_PORT, EXIT_LAUNCH = 0, 7, 8


@pytest.fixture
def two(windows, solver):
    """Profiles `lab` and `farm`, each with a solver and a port of its own."""
    lab, farm = solver(), solver("bundle", "farm & Söhne")
    config = lab.profile(on_exit="stop")
    farm.profile(on_exit="stop")
    text = farm.config.read_text("utf-8").replace("[lab]", "[farm]")
    with config.open("a", encoding="utf-8") as file:
        file.write(text)
    return windows, lab, farm, ["--config", windows_path(config)]


def captured(windows, *words):
    """As a program of Windows runs it that reads its output to the end: a gateway that held the pipe would hold it up. What
    that passes on goes to a file, since a pipe of Linux is held, unseen by Windows, by whatever Wine starts."""
    tool = windows.build / "tests" / "windows" / "capture.exe"
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(
            ["wine", str(tool), windows_path(windows.program), *words],
            env=windows.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait(2 * PATIENCE)
        except subprocess.TimeoutExpired:
            seen = processes_with(str(windows.build))
            process.kill()
            out.seek(0)
            logs = [path.read_text("utf-8") for path in (windows.prefix / "drive_c" / "users").glob("*/AppData/Local/penstock/log/*.log")]
            pytest.fail("\n".join([f"{words} does not end. It said:", out.read(), *logs, "There are:", *map(str, seen.items())]))
        out.seek(0)
        return subprocess.CompletedProcess(words, code, out.read())


def find_log(windows, name):
    [found] = (windows.prefix / "drive_c" / "users").glob(f"*/AppData/Local/penstock/log/{name}.log")
    return found.read_text("utf-8")


def statuses(windows, *names):
    return json.loads(windows.run("status", "--json", *names).stdout)["gateways"]


def test_it_outlives_its_console(two):
    windows, lab, farm, config = two
    penstock = windows_path(windows.program)
    line = f"{penstock} up -d lab {' '.join(config)} && {penstock} status --watch --interval 200ms"
    console = Console(windows, "/c", line, program="cmd.exe")
    try:
        console.wait_drawn(b"It goes on in the background")
        console.wait_drawn(OTHER_SCREEN)
        console.press(b"\x03")  # for whoever is at this console
        console.wait_drawn(BACK)
    finally:
        console.close()
    [status] = statuses(windows)
    assert status["state"] == "up" and status["profile"] == "lab"
    assert ask(lab.listen)["protocol_version"] == "0.18"
    again = captured(windows, "up", "-d", "lab", *config)
    assert again.returncode == EXIT_PORT and f"(pid {status['pid']})" in again.stdout, again
    # What ends the command, and with which words, is the same as in the foreground.
    (farm.folder / "bin" / "ppf-cts-server.exe").write_bytes(b"no program")
    failed = captured(windows, "up", "-d", "farm", *config)
    assert failed.returncode == EXIT_LAUNCH and "could not be started" in failed.stdout, failed
    assert windows.run("down").returncode == EXIT_OK
    lab.wait_all_gone()
    assert "serving: launched the solver" in find_log(windows, "lab")
    wait_for(lambda: find_log(windows, "lab").rstrip().endswith("ended"), "its last line, which comes after its pipe has gone")


def test_several_in_the_background(two):
    windows, lab, farm, config = two
    done = captured(windows, "up", "-d", "lab", "farm", "--json", *config)
    assert done.returncode == EXIT_OK, done
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["gateway"] for each in told if each["event"] == "background"] == ["lab", "farm"], done.stdout
    found = statuses(windows)
    assert {each["profile"]: each["state"] for each in found} == {"lab": "up", "farm": "up"}
    assert ask(lab.listen) and ask(farm.listen)
    assert windows.run("down", "--all").returncode == EXIT_OK
    lab.wait_all_gone()
    farm.wait_all_gone()
    wait_for(lambda: not statuses(windows), "still there")


def test_ctrl_c_ends_several(two):
    windows, lab, farm, config = two
    console = Console(windows, "up", "lab", "farm", *config)
    try:
        wait_for(lambda: console.drawn.count(b"Serving.") == 2, lambda: console.drawn)
        assert b"lab: " in console.drawn and b"farm: " in console.drawn
        assert ask(lab.listen) and ask(farm.listen)
        console.press(b"\x03")
        assert console.process.wait(PATIENCE) == EXIT_OK, console.drawn
        assert console.drawn.count(b"Stopped, and the solver with it") == 2, console.drawn
    finally:
        console.close()
    lab.wait_all_gone()
    farm.wait_all_gone()


def test_several_end_in_order_with_their_parent(two):
    windows, lab, farm, config = two
    parent = subprocess.Popen(
        ["wine", str(windows.program), "up", "lab", "farm", *config],
        env=windows.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: ask(farm.listen), "farm does not serve")
    parent.kill()
    said, _ = parent.communicate(timeout=PATIENCE)  # ends with the last of them
    assert said.count("Stopped, and the solver with it") == 2, said
    lab.wait_all_gone()
    farm.wait_all_gone()


def test_a_logoff_ends_it_in_order(two):
    windows, lab, _, config = two
    tool = ["wine", str(windows.build / "tests" / "windows" / "endsession.exe")]
    quiet = {"env": windows.environment, "timeout": PATIENCE, "capture_output": True, "text": True}
    assert captured(windows, "up", "-d", "lab", *config).returncode == EXIT_OK
    [status] = statuses(windows)
    asked = subprocess.run([*tool, str(status["pid"]), "cancel"], check=False, **quiet)
    assert asked.returncode == 0, asked.stderr
    assert ask(lab.listen), "it has ended though somebody has said no"
    told = subprocess.run([*tool, str(status["pid"])], check=False, **quiet)
    assert told.returncode == 0, told.stderr
    lab.wait_all_gone()
    log = find_log(windows, "lab")
    assert "the user logs off" in log and log.rstrip().endswith("ended"), log
