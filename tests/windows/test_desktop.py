# SPDX-License-Identifier: MIT
"""What penstock is to the desktop that it runs on: the console, the event log, the Task Scheduler, a gateway without a window."""
import json
import re
import subprocess

import pytest

from conftest import PATIENCE, TOP, ask, wait_for, windows_path
from test_console import Console

EXIT_OK, EXIT_CONFIG = 0, 3


@pytest.fixture
def lab(solver):
    made = solver()
    made.config_words = ["--config", windows_path(made.profile(on_exit="stop"))]
    return made


def test_the_console_is_left_as_it_was(windows, lab):
    """Its code page, and names that are not of it are shown whole all the same, in the output and in errors."""
    penstock = windows_path(windows.program)
    lab.config.write_text(lab.config.read_text("utf-8").replace("[lab]", "[Müller 日本]"), "utf-8")
    config = " ".join(lab.config_words)
    line = f"chcp 437 & {penstock} profiles {config} & {penstock} up łódź {config} & chcp & echo end"
    console = Console(windows, "/c", line, program="cmd.exe")
    try:
        console.process.wait(PATIENCE)
        console.wait_drawn(b"end")
        drawn = console.drawn.decode()
        assert "Müller 日本" in drawn and "łódź" in drawn, drawn
        assert drawn.count("437") == 2, drawn  # as it was set, and as it is left
    finally:
        console.close()


def pid_of(windows):
    [status] = json.loads(windows.run("status", "--json").stdout)["gateways"]
    return status["pid"]


def test_without_a_window_and_again_after_a_crash(windows, lab, tmp_path):
    log = tmp_path / "log ü.txt"
    words = ["up", "lab", "--batch", *lab.config_words, "--log-file", windows_path(log)]
    program = windows.build / "penstockw.exe"
    quiet = {"env": windows.environment, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    runner = subprocess.Popen(["wine", str(program), *words], **quiet)
    try:
        wait_for(lambda: ask(lab.listen), "it does not serve")
        first = pid_of(windows)
        crash = windows.build / "tests" / "windows" / "crash.exe"
        subprocess.run(["wine", str(crash), str(first)], timeout=PATIENCE, check=True, **quiet)
        wait_for(lambda: log.read_text("utf-8").count("listening on") == 2, "it was not started again")
        wait_for(lambda: ask(lab.listen), "it does not serve again")
        assert pid_of(windows) != first
        assert runner.poll() is None
        assert windows.run("down").returncode == EXIT_OK
        assert runner.wait(PATIENCE) == EXIT_OK, "it ends with the gateway that was told to end"
    finally:
        if runner.poll() is None:
            runner.kill()
            runner.wait(PATIENCE)
    lab.wait_all_gone()
    wrong = subprocess.run(["wine", str(program), "up", "nobody", *lab.config_words], timeout=PATIENCE, check=False, **quiet)
    assert wrong.returncode == EXIT_CONFIG, "that is for the user to mend"


def start_scheduler(windows):
    """Wine's own, which it lets nobody start before all the services that start with Windows have done so, for a minute or so."""

    def started():
        for words in (["net", "start", "schedule"], ["sc", "query", "schedule"]):
            done = subprocess.run(["wine", *words], capture_output=True, timeout=PATIENCE, check=False, env=windows.environment)
        return b"RUNNING" in done.stdout

    wait_for(started, "Wine's Task Scheduler does not start", 100)


@pytest.mark.nightly
@pytest.mark.timeout(200)
def test_the_task_of_a_logon(windows, lab):
    """Wine keeps tasks as files of their names; what is in them is tested in tests/unit/test_task.c."""
    start_scheduler(windows)
    tasks = windows.prefix / "drive_c" / "windows" / "system32" / "tasks"
    lab.config.write_text(lab.config.read_text("utf-8").replace("[lab]", "[Müller: 日本]"), "utf-8")
    done = windows.run("autostart", "enable", *lab.config_words)
    assert done.returncode == EXIT_OK and "Müller: 日本" in done.stdout, done
    [task] = [entry for entry in tasks.iterdir() if entry.name.startswith("penstock-")]
    assert re.fullmatch(r"penstock-Müller%3A 日本-[0-9a-f]{8}", task.name)
    assert windows.run("autostart", "enable", "Müller: 日本", *lab.config_words).returncode == EXIT_OK
    done = windows.run("autostart", "disable", "Müller: 日本")
    assert done.returncode == EXIT_OK and not task.exists(), done
    done = windows.run("autostart", "disable", "Müller: 日本")
    assert done.returncode == EXIT_OK and "No gateway" in done.stdout, done
    done = windows.run("autostart", "enable", "nobody", *lab.config_words)
    assert done.returncode == EXIT_CONFIG and "nobody" in done.stderr, done


def test_events(windows, lab):
    """Wine keeps none, but says what it was given."""
    kept = windows.environment
    windows.environment = kept | {"WINEDEBUG": "+eventlog"}
    try:
        with windows.gateway(lab.config, "lab", "--no-launch", "--log-format", "eventlog") as gateway:
            wait_for(lambda: gateway.errors.count("ReportEventW L") >= 2, gateway.said)
            windows.environment = kept
            assert windows.run("down").returncode == EXIT_OK
            assert gateway.wait_end() == EXIT_OK
            assert f"listening on 127.0.0.1:{lab.listen}\\nProfile: lab (winnative)" in gateway.errors
            assert re.search(r"warn:eventlog:ReportEventW L\"lab: \[endpoint, transient\] .*\\n    next: start", gateway.errors)
            assert re.search(r"ReportEventW L\"lab: ended", gateway.errors)
            done = windows.run("up", "lab", *lab.config_words, "--log-format", "journal")
            assert done.returncode == EXIT_CONFIG and "eventlog, text or json" in done.stderr, done
    finally:
        windows.environment = kept


def test_completion_for_powershell(windows):
    done = windows.run("completion", "powershell")
    script = TOP / "core" / "cli" / "shells" / "penstock_powershell.ps1"
    assert done.returncode == EXIT_OK and done.stdout == script.read_text("utf-8")
