# SPDX-License-Identifier: MIT
"""Commands where the solver lives, over the control pipe: what goes in and comes out, how they end, and what they leave."""
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest

from conftest import PATIENCE, processes_with, wait_for, windows_path

EXIT_NOT_RUN, EXIT_NO_SUCH = 126, 127


class Lab:
    """One gateway for all tests here, and commands on its machine."""

    def __init__(self, windows, solver):
        self.windows = windows
        self.solver = solver
        tool = windows.build / "tests" / "windows" / "tool.exe"
        for name in ("tool.exe", "nvidia-smi.exe"):
            shutil.copy(tool, solver.folder / "target" / "release" / name)
        (solver.folder / "batch file.cmd").write_text('@"%~dp0target\\release\\tool.exe" words %1 %2\r\n@exit /b 5\r\n')

    def begin(self, *words, **more):
        return subprocess.Popen(
            ["wine", str(self.windows.program), *words],
            env=self.windows.environment,
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more,
        )

    def exec(self, *words, data=b""):
        process = self.begin("exec", "lab", "--", *words)
        out, err = process.communicate(data, timeout=PATIENCE)
        return process.returncode, out, err.decode()

    def tree(self):
        """What `tool tree` has started: by its environment, for its words do not say whose it is."""
        found = {pid for pid, line in processes_with("tool").items() if line.split()[-1] in ("tree", "idle") and "exec lab" not in line}
        return {pid for pid in found if self.is_ours(pid)}

    def is_ours(self, pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:
                return str(self.windows.prefix).encode() in file.read()
        return False


@pytest.fixture(scope="module")
def lab(windows, solver_in_module):
    one = solver_in_module("dev", "sölver 日本")
    made = Lab(windows, one)
    with windows.gateway(one.profile(on_exit="stop", gpu="GPU-7", stop_timeout="1s"), "lab") as gateway:
        gateway.wait_event("serving")
        made.gateway = gateway
        yield made


def test_words_arrive_as_they_are(lab):
    words = ["a b", "", 'q"uo\\"te', "back\\", "100%PATH%", "日本 & | > <", "^!"]
    code, out, err = lab.exec("tool", "words", *words)
    assert (code, err) == (0, "")
    lines = out.decode().splitlines()
    assert lines[: len(words)] == [f"[{word}]" for word in words]
    told = dict(line.split("=", 1) for line in lines[len(words) :])
    assert len(told["token"]) == 32 and told["gpu"] == "GPU-7" and told["window"] == "none"
    assert told["folder"] == windows_path(lab.solver.folder)


def test_how_it_ends_is_told(lab):
    assert lab.exec("tool", "say", "out", "err", "42") == (42, b"out", "err")
    code, out, err = lab.exec("no-such-program")
    assert (code, out) == (EXIT_NO_SUCH, b"") and "There is no program 'no-such-program'" in err
    code, out, err = lab.exec("tool", "crash")
    assert code == 139 and "by an access violation (0xC0000005)" in err
    code, out, err = lab.exec("tool", "much", "4000")
    assert (code, out) == (0, b"done\n")
    assert len(err) == 65536 and err.endswith("line 3999 of what nobody wants to read\n"), "the end of it"
    code, out, err = lab.exec("tool", "leave")
    assert (code, out, err) == (0, b"begun\r\n" if b"\r" in out else b"begun\n", "")
    [left] = wait_for(lab.tree, "what a command leaves goes on")
    os.kill(left, signal.SIGKILL)
    code, out, err = lab.exec("tool", "shout")
    assert code == 0 and "and on" in err and b"and on" in out, "what it leaves does not keep it, however much that writes"


def test_a_batch_file(lab):
    code, out, err = lab.exec(".\\batch file.cmd", "a & b", "日本")
    assert (code, err) == (5, "") and out.decode().splitlines()[:2] == ["[a & b]", "[日本]"]
    code, out, err = lab.exec(".\\batch file.cmd", "%PATH%")
    assert (code, out) == (EXIT_NOT_RUN, b"") and "cannot be given the word '%PATH%'" in err


def test_bytes_through_a_command(lab):
    """More than all buffers hold, both ways at once."""
    data = os.urandom(1 << 20) * 32
    process = lab.begin("exec", "lab", "--", "tool", "cat")

    def feed():
        process.stdin.write(data)
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    got = hashlib.sha256()
    while block := process.stdout.read1(1 << 18):
        got.update(block)
    feeder.join()
    assert process.wait(PATIENCE) == 0
    assert got.hexdigest() == hashlib.sha256(data).hexdigest()


def test_it_ends_with_its_client(lab):
    process = lab.begin("exec", "lab", "--", "tool", "tree")
    assert process.stdout.readline().strip() == b"begun"
    wait_for(lambda: len(lab.tree()) == 2, "two of them")
    process.kill()
    wait_for(lambda: not lab.tree(), lambda: f"left: {lab.tree()}")
    process.communicate(timeout=PATIENCE)
    assert lab.exec("tool", "say", "still there", "", "0")[1] == b"still there"


def test_the_log_is_followed(lab):
    log = lab.solver.folder / "server.log"
    done = lab.windows.run("logs", "--solver", "-n", "1")
    assert done.returncode == 0 and done.stdout.splitlines() == log.read_text().splitlines()[-1:]
    process = lab.begin("logs", "--solver", "-f", "-n", "1", stdin=subprocess.DEVNULL)
    process.stdout.readline()
    with log.open("ab") as file:
        file.write("added: 日本\n".encode())
    assert process.stdout.readline().decode().strip() == "added: 日本"
    (lab.solver.folder / "server.log").rename(lab.solver.folder / "server.log.1")
    log.write_text("a new one\n")
    assert process.stdout.readline().decode().strip() == "a new one"
    process.kill()
    process.communicate(timeout=PATIENCE)


def test_gpus(lab):
    done = lab.windows.run("gpus", "--json")
    assert done.returncode == 0, done.stderr
    assert "Stand-in 3000" in json.dumps(json.loads(done.stdout))


def test_the_end_of_the_gateway_ends_it_with_its_trailer(lab):
    process = lab.begin("exec", "lab", "--", "tool", "tree")
    assert process.stdout.readline().strip() == b"begun"
    assert lab.windows.run("down").returncode == 0
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (143, b"", b"")
    assert lab.gateway.wait_end() == 0
    assert not lab.tree()
    lab.solver.wait_all_gone()
    assert lab.exec("tool", "cat")[0] == 125
