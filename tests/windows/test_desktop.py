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


def test_a_task_scheduler_that_does_not_run_is_named(windows, lab):
    """Wine's does not start: how a task is registered is by Microsoft's documents, and what is in it is tested in
    tests/unit/test_task.c."""
    for words in (["enable", "lab"], ["disable", "lab"], ["status"]):
        done = windows.run("autostart", *words, *lab.config_words[: 0 if words[0] != "enable" else None])
        assert done.returncode == EXIT_CONFIG and "Task Scheduler" in done.stderr and "sc.exe query schedule" in done.stderr, done
    done = windows.run("autostart", "enable", "nobody", *lab.config_words)
    assert done.returncode == EXIT_CONFIG and "no profile 'nobody'" in done.stderr and "'lab'" in done.stderr, done


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
