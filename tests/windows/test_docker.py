# SPDX-License-Identifier: MIT
"""The transports docker, docker-ssh and docker-ssh-command on Windows, against a real engine on Linux.

Under Wine there is neither WSL nor Git for Windows: relay.exe stands in for their shells, and Linux's runs what they get.
An engine needs root: tests/run runs these as root, whoever runs it.
"""
import copy
import json
import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import wait_for, windows_path
from far import Sshd, TOP, Wire, ended_by, free_port, pattern, procs
from relay import Relay, wsl
from support.container import ROOT
from support.docker import Engine
from transfer import MIB

OK, CONFIG, CONTAINER = 0, 3, 7
pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def engine(windows, tmp_path_factory):
    assert os.geteuid() == 0, "a container engine needs root: tests/run windows runs these with it, or leave them out (-m 'not container')"
    folder = tmp_path_factory.mktemp("linux")
    static_solver(folder / "ppf-cts-server-static")
    made = Engine(folder)
    yield made
    made.close()


def static_solver(place):
    """The demo solver for an image, which has no libraries: of the Linux build if there is one, else it is compiled here."""
    made = TOP / "build" / "ci" / "ppf-cts-server-static"
    if made.is_file():
        shutil.copy(made, place)
        return
    sources = sorted(map(str, (TOP / "tests" / "solver").glob("*.c")))
    flags = subprocess.run(
        ["pkg-config", "--static", "--cflags", "--libs", "jansson", "libcrypto"], check=True, capture_output=True, text=True
    ).stdout.split()
    subprocess.run(
        ["cc", "-std=c11", "-O1", "-D_GNU_SOURCE", *sources, "-static", "-o", str(place), *flags, "-pthread"], check=True
    )


@pytest.fixture(scope="module")
def box(engine):
    """A container whose port is published, in which no solver runs yet."""
    made = engine.run("--publish", "127.0.0.1::9090")
    yield made
    made.remove()


@pytest.fixture
def here(windows, engine, tmp_path):
    """Windows with the stand-ins of shells, and profiles for them; `here.relay` knows what they were asked to run."""
    tmp_path.chmod(0o700)
    environment = {"HOME": str(engine.folder), "LANG": "C.UTF-8", **engine.environment()}
    folder = tmp_path / "prögrams"
    folder.mkdir()

    class Here:
        def __init__(self, relay):
            self.relay = relay
            self.listen = free_port()
            self.config = tmp_path / "penstock.ini"
            self.folder = folder
            self.windows = copy.copy(windows)
            self.windows.environment = windows.environment | relay.environment | {"WINEPATH": windows_path(folder)}

        def write(self, **keys):
            known = {
                "root": ROOT,
                "endpoint": "127.0.0.1:9090",
                "listen": f"127.0.0.1:{self.listen}",
                "peers": "any",
            }
            lines = [f"{key} = {value}\n" for key, value in (known | keys).items() if value is not None]
            self.config.write_text("[lab]\n" + "".join(lines), "utf-8")
            self.config.chmod(0o600)

        def up(self, **keys):
            self.write(**keys)
            return self.windows.gateway(self.config, "lab")

        def check(self, *words, **more):
            return self.windows.run("check", "lab", "--config", windows_path(self.config), *words, **more)

        @property
        def wire(self):
            return Wire(self.listen)

    shells = {"wsl.exe": wsl(environment), "sh.exe": lambda words: (["/bin/sh", *words], environment)}
    with Relay(shells) as relay:
        relay.install(windows, folder, "wsl.exe")
        (folder / "msys").mkdir()
        relay.install(windows, folder / "msys", "sh.exe")
        yield Here(relay)
        wait_for(lambda: not relay.processes, lambda: f"what the shells ran is left: {relay.processes}")


def legs(gateway):
    return {event["leg"]: event["text"] for event in gateway.events if event["event"] == "leg" and not event["error"]}


def refusal(here, **keys):
    """Runs a gateway to its end; returns its exit code, and the error that it ended with."""
    with here.up(**keys) as gateway:
        code = gateway.wait_end()
        return code, gateway.wait_event("stopped")["error"]


def exchange(here, size):
    """Streams both ways at once, and every byte is looked at; then each kind of end."""
    with ThreadPoolExecutor(4) as pool:
        down = [pool.submit(here.wire.source, size, seed) for seed in range(2)]
        sent = [pool.submit(here.wire.sink, pattern.chunks(size, seed)) for seed in range(2)]
        for seed in range(2):
            assert down[seed].result(90) == sent[seed].result(90) == (size, pattern.sha256(size, seed))
    assert here.wire.echo(b"half closed") == b"half closed"
    with here.wire.open_source(100_000) as sock:
        assert ended_by(sock) == "clean"


# --- by a shell of this machine ----------------------------------------------------------------------------


def test_by_wsl_and_then_by_another_shell(here, box):
    """A solver is launched in the container through its published port, outlives a gateway that is killed, and is then
    reached by a command of the engine's and ended."""
    with here.up(transport="docker", container=box, shell="wsl:Debian") as gateway:
        serving = gateway.wait_event("serving", 90)
        assert serving["adopted"] is False and serving["protocol_version"] == "0.18"
        assert "wsl.exe -d Debian --exec /bin/sh" in legs(gateway)["local"]
        assert legs(gateway)["container"].startswith("docker ")
        exchange(here, 8 * MIB)
        gateway.kill()
    pid = box.solver()
    assert {(name, tuple(words)) for name, words in here.relay.calls} == {
        ("wsl.exe", ("-d", "Debian", "--exec", "/bin/sh", "-s"))
    }
    wait_for(lambda: not here.relay.processes, lambda: f"left: {here.relay.processes}")
    del here.relay.calls[:]
    shell = windows_path(here.folder / "msys" / "sh.exe")
    with here.up(transport="docker", container=box, shell=shell, reach="exec", on_exit="stop") as gateway:
        assert gateway.wait_event("serving", 90)["adopted"] is True
        assert "msys\\sh.exe" in legs(gateway)["local"]
        exchange(here, 4 * MIB)
        # A stream that breaks off is told from one that ends, also where a command carries it.
        with here.wire.open(b"HOLD") as held:
            here.wire.wait_for("HOLD")
            for each in list(here.relay.processes):
                here.relay.end(each)
            assert ended_by(held) == "reset"
        assert here.windows.run("down", "lab").returncode == OK
        assert gateway.wait_end() == OK
    assert {name for name, _ in here.relay.calls} == {"sh.exe"}
    wait_for(lambda: not procs.alive(pid), "the solver still runs")
    assert box.solvers() == [] and box.state["Running"]


def test_by_the_containers_own_address(here, engine):
    unpublished = engine.run()
    try:
        with here.up(transport="docker", container=unpublished, shell="wsl", reach="bridge", on_exit="stop") as gateway:
            gateway.wait_event("serving", 90)
            exchange(here, MIB)
            assert here.windows.run("down", "lab").returncode == OK
        wait_for(lambda: not unpublished.solvers(), "the solver still runs")
    finally:
        unpublished.remove()


def test_what_is_missing_is_named(here, engine, box):
    """No shell, a wrong one, no engine, no container: in words, and what to do."""
    here.write(transport="docker", container=box)
    done = here.check()
    said = done.stdout + done.stderr
    assert done.returncode == CONFIG and "no POSIX shell on this machine" in said, said
    assert "Git for Windows" in said and "wsl --install" in said
    here.write(transport="docker", container=box, shell="C:\\no\\sh.exe")
    done = here.check("--json")
    [problem] = [json.loads(line) for line in done.stdout.splitlines() if '"problem"' in line]
    assert done.returncode == CONFIG and "shell = C:\\no\\sh.exe: there is no such program" in problem["text"], problem
    here.write(transport="docker", container=box, shell="wsl")
    done = here.check("--json")
    found = {each.get("name"): each["text"] for each in map(json.loads, done.stdout.splitlines()) if "name" in each}
    assert done.returncode == OK and found["shell"].endswith("wsl.exe --exec /bin/sh"), done.stdout
    code, error = refusal(here, transport="docker", container="nobody", shell="wsl", start_container="no")
    assert code != OK and error["leg"] == "container" and "nobody" in error["what"], error
    code, error = refusal(here, transport="docker", container=box, shell="wsl", engine="no-such-engine")
    assert code != OK and error["leg"] == "container" and "no-such-engine" in error["what"], error


# --- over SSH ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["docker-ssh", "docker-ssh-command"])
def test_over_ssh(here, engine, box, tmp_path, transport):
    home = tmp_path / "home"
    home.mkdir()
    variables = " ".join(f'"{name}={value}"' for name, value in ({"HOME": home} | engine.environment()).items())
    server = Sshd(tmp_path / "sshd", config=[f"SetEnv {variables}"])
    keys = {"known_hosts": windows_path(server.known_hosts), "agent": "no", "ssh_config": "none"}
    if transport == "docker-ssh":
        keys |= {"host": server.host, "port": server.port, "user": server.user, "key": windows_path(server.client_key)}
    else:
        key = windows_path(server.client_key).replace("\\", "/")
        keys["command"] = shlex.join(["ssh", "-p", str(server.port), "-i", key, f"{server.user}@{server.host}"])
    reach = "published" if transport == "docker-ssh" else "exec"
    try:
        with here.up(transport=transport, container=box, on_exit="stop", reach=reach, **keys) as gateway:
            gateway.wait_event("serving", 90)
            exchange(here, 4 * MIB)
            pid = box.solver()
            assert here.windows.run("down", "lab").returncode == OK
            assert gateway.wait_end() == OK
        wait_for(lambda: not procs.alive(pid), "the solver still runs")
        wait_for(lambda: not server.sessions(), lambda: f"left: {server.sessions()}")
    finally:
        server.stop()
