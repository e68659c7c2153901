# SPDX-License-Identifier: MIT
"""The program for Windows, under Wine. Effects are looked at from outside: processes in /proc, files, ports, bytes.

PENSTOCK_MINGW names the build folder (build/mingw). Each worker of a run (-n 4) has a Wine prefix of its own, whose server
is ended with it. Servers and clients of the integration tests (support) may be used as they are.
Clients are on Linux, and Wine cannot say whose a connection is, so profiles say `peers = any`.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import prefix as prefixes
from support.ports import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 40
ENDING_SECONDS = 5


def pytest_configure(config):
    """Not in /tmp: everybody may exchange what is in there as Windows sees it, and penstock trusts no such place."""
    if not config.option.basetemp:
        build = pathlib.Path(os.environ.get("PENSTOCK_MINGW", TOP / "build" / "mingw"))
        config.option.basetemp = str(build / "tests" / "tmp")


def wait_for(what, message, seconds=PATIENCE):
    """Polls until `what` gives something; fails with `message` if it does not in time."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, message() if callable(message) else message
        time.sleep(0.05)


def windows_path(path):
    return "Z:" + str(path).replace("/", "\\")


def processes_with(text):
    """Command lines of Linux's processes that hold the text, by pid."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if text in line:
                found[int(entry.name)] = line
    return found


class Gateway:
    """`penstock up --json`, and what it has said."""

    def __init__(self, process):
        self.process = process
        self.events = []
        self.errors = ""
        self.threads = [
            threading.Thread(target=self.read_events, daemon=True),
            threading.Thread(target=self.read_errors, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def read_events(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors += line

    def said(self):
        return "\n".join(map(str, self.events)) + "\n" + self.errors

    def wait_event(self, name, seconds=PATIENCE):
        def look():
            found = [event for event in self.events if event["event"] == name]
            assert found or self.process.poll() is None or self.threads[0].is_alive(), self.said()
            return found

        return wait_for(look, lambda: f"no event {name}:\n" + self.said(), seconds)[-1]

    def wait_end(self, seconds=PATIENCE):
        code = self.process.wait(seconds)
        for thread in self.threads:
            thread.join(seconds)
        return code

    def kill(self):
        """At once, as the Task Manager does it: nothing of it gets a turn any more."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for thread in self.threads:
            thread.join(1)  # what lives on has the pipe, as Linux sees it: there may be no end of it


class Windows:
    def __init__(self, build, prefix):
        self.build = build
        self.program = build / "penstock.exe"
        self.prefix = prefix
        self.runtime = prefix.parent / "run"
        self.environment = prefixes.environment_of(prefix) | {"PENSTOCK_RUNTIME_DIR": windows_path(self.runtime)}

    def is_ours(self, pid):
        """Does a process, by Linux's pid, run in this prefix?"""
        try:
            return f"WINEPREFIX={self.prefix}\0".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def gateways(self):
        """Command lines of all that run in this prefix, in the background too, by Linux's pids."""
        found = processes_with("penstock.exe up") | processes_with("penstockw.exe up")
        return {pid: line for pid, line in found.items() if self.is_ours(pid)}

    def run(self, *words, timeout=PATIENCE, **more):
        return subprocess.run(
            ["wine", str(self.program), *map(str, words)],
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextlib.contextmanager
    def gateway(self, config, profile, *words):
        process = subprocess.Popen(
            ["wine", str(self.program), "up", profile, "--json", "--batch", "--config", windows_path(config), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        gateway = Gateway(process)
        try:
            yield gateway
        finally:
            if process.poll() is None:
                gateway.kill()


def made_once(tmp_path_factory, name, make):
    """A folder that make(folder) has filled, once for all workers of a run; the others wait for the first."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    return prefixes.made_once(root / name, make)


@pytest.fixture(scope="session")
def windows(tmp_path_factory):
    build = pathlib.Path(os.environ.get("PENSTOCK_MINGW", TOP / "build" / "mingw"))
    assert (build / "penstock.exe").exists(), "build it first: cmake --build --preset mingw"
    assert shutil.which("wine"), "this needs wine (Debian's packages wine and wine64)"
    prefix = tmp_path_factory.mktemp("wine") / "prefix"
    prefixes.copy(prefixes.kept(build / "tests" / "wine"), prefix)
    prefixes.start(prefix)
    yield Windows(build, prefix)
    prefixes.stop(prefix)


@pytest.fixture(autouse=True)
def no_gateway_left(request):
    """One that a test leaves is ended, and that test fails for it: those after it on this worker would find it, and what it
    holds. One that a whole module has is there before, and one that was told to end has a while for it."""
    if "windows" not in request.fixturenames:
        yield
        return
    windows = request.getfixturevalue("windows")
    before = windows.gateways()

    def left():
        return {pid: line for pid, line in windows.gateways().items() if pid not in before}

    yield
    end = time.monotonic() + ENDING_SECONDS
    while left() and time.monotonic() < end:
        time.sleep(0.05)
    found = left()
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not left(), lambda: f"cannot be ended: {left()}")
    if not windows.gateways() and windows.runtime.is_dir():  # what one that was killed could not take away
        for entry in windows.runtime.iterdir():
            entry.unlink()
    assert not found, f"{request.node.name} has left gateways: {found}"


class Solver:
    """A solver's folder in one of the layouts, and a profile for it."""

    def __init__(self, windows, folder, layout):
        self.windows = windows
        self.folder = folder
        self.port = free_port()
        self.listen = free_port()
        self.config = folder.parent / "penstock.ini"
        self.standin = windows.build / "tests" / "windows" / "standin.exe"
        places = {
            "dev": ("target/release/ppf-cts-server.exe", "build-win-native/python/python.exe"),
            "bundle": ("bin/ppf-cts-server.exe", "python/python.exe"),
            "root": ("ppf-cts-server.exe", "python/python.exe"),
        }
        for place in places[layout]:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.standin, folder / place)

    def profile(self, **keys):
        settings = {
            "transport": "winnative",
            "root": windows_path(self.folder),
            "endpoint": f"127.0.0.1:{self.port}",
            "listen": f"127.0.0.1:{self.listen}",
            "peers": "any",
        } | keys
        self.config.write_text("[lab]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()), "utf-8")
        self.config.chmod(0o600)
        return self.config

    def notes(self, key):
        text = (self.folder / "standin.txt").read_text("utf-8") if (self.folder / "standin.txt").exists() else ""
        return [line.partition("=")[2] for line in text.splitlines() if line.startswith(key + "=")]

    def alive(self):
        """The solver and its child, by Linux's pids; not what only names the folder, as the gateway does."""
        found = processes_with(windows_path(self.folder))
        return {pid: line for pid, line in found.items() if "--progress-file" in line or "--child" in line}

    def is_heard(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_all_gone(self):
        wait_for(lambda: not self.alive() and not self.is_heard(), lambda: f"left: {self.alive()}, port {self.is_heard()}")


@contextlib.contextmanager
def solvers(windows, folder):
    """Makes solvers in a folder, each in one of its own; what runs of them in the end is killed."""
    folder.chmod(0o700)
    made = []

    def make(layout="dev", name="sölver 日本"):
        one = Solver(windows, folder / str(len(made)) / name, layout)
        made.append(one)
        return one

    yield make
    for one in made:
        for pid in one.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def solver(windows, tmp_path):
    with solvers(windows, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def solver_in_module(windows, tmp_path_factory):
    with solvers(windows, tmp_path_factory.mktemp("module")) as make:
        yield make


def ask(port, timeout=10):
    """The probe of SOLVER.md; the answer, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as client:
            text = b"--name __probe__"
            client.sendall(b"TCMD" + len(text).to_bytes(4, "big") + text)
            answer = b""
            while block := client.recv(65536):
                answer += block
            return json.loads(answer)
    except (OSError, ValueError):
        return None
