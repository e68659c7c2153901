# SPDX-License-Identifier: MIT
"""The transport local on Windows: a program, a batch file or a script, without a Python that it brings; how solvers end;
and much through a gateway of winnative that has adopted one, which is the same code.
"""
import contextlib
import shutil
import socket

import pytest

from conftest import ask, wait_for, windows_path
from far import FarSolver, demo_solver
from transfer import GIB, both_ways


def profile(lab, **keys):
    return lab.profile(transport="local", **keys)


def down(windows, gateway):
    assert windows.run("down").returncode == 0
    assert gateway.wait_end() == 0


def test_a_batch_file_that_starts_the_solver(windows, solver):
    lab = solver("root")
    (lab.folder / "venv" / "Scripts").mkdir(parents=True)
    shutil.copy(lab.standin, lab.folder / "venv" / "Scripts" / "python.exe")
    (lab.folder / "tools").mkdir()
    (lab.folder / "tools" / "run it.cmd").write_text('@"%~dp0..\\ppf-cts-server.exe" %*\r\n')
    shutil.copy(windows.build / "tests" / "windows" / "tool.exe", lab.folder / "tools")
    (lab.folder / "tools" / "say.cmd").write_text('@"%~dp0tool.exe" words %1 %2\r\n@exit /b 7\r\n')
    config = profile(lab, program="tools\\run it.cmd", venv=windows_path(lab.folder / "venv"), args="a & b, 日本", on_exit="stop", gpu="1")
    done = windows.run("check", "lab", "--config", windows_path(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "run it.cmd" in done.stdout and "\\venv" in done.stdout
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_event("serving")
        assert lab.notes("path")[0].startswith(windows_path(lab.folder / "venv" / "Scripts") + ";")
        assert lab.notes("pythonpath") == [""] and lab.notes("gpu") == ["1"] and lab.notes("window") == ["none"]
        assert lab.notes("word")[-2:] == ["a & b", "日本"]
        wait_for(lambda: len([line for line in lab.alive().values() if "cmd.exe" not in line]) == 3, "its tree is not three")
        done = windows.run("exec", "lab", "--", ".\\tools\\say.cmd", "a & b", "日本")
        told = done.stdout.splitlines()
        assert (done.returncode, told[:2], done.stderr) == (7, ["[a & b]", "[日本]"], ""), done
        assert "gpu=1" in told and f"folder={windows_path(lab.folder)}" in told
        down(windows, gateway)
    lab.wait_all_gone()


def say(port, word):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(word)
        client.recv(1)


def test_how_a_solver_ended_decides_and_is_told(windows, solver):
    """`restart = on-failure` starts one again that has crashed, and leaves one alone that has ended well."""
    lab = solver("root")
    config = profile(lab, on_exit="stop", restart="on-failure")
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_event("serving")
        say(lab.port, b"CRSH")
        wait_for(lambda: ask(lab.listen, 30), gateway.said)
        assert len(lab.notes("pid")) == 2
        assert "by an access violation (0xC0000005)" in gateway.said()
        say(lab.port, b"QUIT")
        wait_for(lambda: not lab.alive(), gateway.said)
        assert ask(lab.listen, 5) is None
        assert len(lab.notes("pid")) == 2, "it has ended well"
        assert windows.run("down").returncode == 0
        gateway.wait_end()


@pytest.mark.timeout(300)
def test_much_both_ways(windows, solver, tmp_path):
    """The solver is Linux's: what it hashes has come through the gateway."""
    lab = solver("root")
    other = FarSolver(demo_solver(windows.build), tmp_path / "far").start()
    try:
        lab.port = other.port
        with windows.gateway(lab.profile(launch="never"), "lab") as gateway:
            assert gateway.wait_event("serving")["adopted"] is True
            assert both_ways(lab.listen, GIB)
            down(windows, gateway)
    finally:
        other.close()
