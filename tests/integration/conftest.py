# SPDX-License-Identifier: MIT
"""Fixtures of the integration tests. Each thing that a fixture starts is stopped by pid when the test ends."""

import itertools
import tempfile
from pathlib import Path

import pytest

from support.build import Build
from support.contained import (  # noqa: F401
    box,
    compose,
    container,
    engine,
    here,
    over,
    own_engine,
    place,
    place_of,
    podman,
)
from support.gateway import Gateway, write_ini
from support.login import Agent
from support.ports import free_port
from support.solver import Solver, SolverRoot
from support.sshd import Sshd
from support.wait import eventually
from support.wire import Wire

NEED_ROOT = {"engine", "own_engine", "podman"}


def pytest_collection_modifyitems(items):
    """Marks the tests that start a container engine, which needs root."""
    for item in items:
        if NEED_ROOT & set(item.fixturenames):
            item.add_marker("container")


@pytest.fixture
def tmp():
    """A folder of the test's own, with a short path (sockets have room for 108 bytes)."""
    with tempfile.TemporaryDirectory(prefix="pst-") as name:
        yield Path(name)


@pytest.fixture
def penstock(tmp):
    """The build under test: paths, environment(), run(). A sanitizer's report fails the test."""
    home, reports = tmp / "home", tmp / "reports"
    home.mkdir(mode=0o700)
    reports.mkdir(mode=0o777)
    yield Build(home, reports)
    found = "\n".join(path.read_text(errors="replace") for path in sorted(reports.iterdir()))
    assert not found, f"sanitizer reports:\n{found}"


@pytest.fixture
def solver_root(tmp, penstock):
    """solver_root(name="root") makes a solver's folder below the test's own. Any file name will do."""
    made = []

    def make(name="root"):
        root = SolverRoot(penstock, tmp / name)
        made.append(root)
        return root

    yield make
    for root in made:
        root.close()


@pytest.fixture
def solver(penstock, solver_root):
    """solver(port=0, fault=None, …) runs a demo solver outside any gateway and waits until it is ready."""
    started = []
    names = (f"solver{number}" for number in itertools.count())

    def start(root=None, wait=True, **options):
        made = Solver(penstock, root or solver_root(next(names)), **options)
        started.append(made)
        return made.wait_ready() if wait else made

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def gateway(tmp, penstock, solver_root):
    """gateway({"transport": …}) writes a configuration and starts `penstock up` with it.

    profile   keys of the profile; name its name; settings more keys for [gateway]
    sections  more sections; args more arguments; env more environment; under a command that runs it
    pass_fds  descriptors that it inherits
    It listens on a free port unless `settings` says otherwise. It depends on solver_root so that gateways end
    before the solvers' folders do.
    """
    started = []

    def start(profile, name="lab", settings=None, sections=None, args=(), env=None, under=(), pass_fds=()):
        number = len(started)
        common = {"listen": "127.0.0.1:0", "log_level": "debug", **(settings or {})}
        config = tmp / f"penstock{number}.ini"
        write_ini(config, {"gateway": common, name: profile, **(sections or {})})
        made = Gateway(penstock, config, name, tmp / f"gateway{number}.log", args, env, under, pass_fds)
        made.config = config
        started.append(made)
        return made

    yield start
    for each in started:
        each.close()


@pytest.fixture
def sshd(tmp):
    """sshd(config=["AllowTcpForwarding no"], …) starts an OpenSSH server; see support.sshd.Sshd."""
    started = []

    def start(**options):
        made = Sshd(tmp / f"sshd{len(started)}", **options)
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def up(gateway, solver):
    """up(server, **keys) starts a gateway that only forwards to a demo solver over that server."""
    behind = solver()

    def start(server, env=None, **keys):
        return gateway(server.profile(endpoint=f"127.0.0.1:{behind.port}", launch="never", **keys), env=env)

    return start


@pytest.fixture
def agent(tmp):
    """A real ssh-agent: agent.add(key) loads a key file, agent.env is how to find it."""
    made = Agent(tmp)
    yield made
    made.stop()


@pytest.fixture
def port():
    """port() gives a free loopback port."""
    return free_port


class Served:
    """A gateway in front of a demo solver that it has launched."""

    def __init__(self, transport, gateway, root, endpoint, sshd=None):
        self.transport = transport
        self.gateway = gateway
        self.root = root
        self.endpoint = endpoint
        self.sshd = sshd
        self.wire = gateway.wire
        self.direct = Wire(endpoint)

    def last(self, kind, timeout=10, at_least=0):
        """How the newest connection of a kind ended, as the solver saw it, of those that moved so many bytes.

        The question itself is a JSON connection, of some 30 bytes.
        """
        return eventually(
            lambda: [
                row
                for row in self.direct.stats()["recent"]
                if row["kind"] == kind and row["in"] + row["out"] >= at_least
            ],
            timeout,
            lambda: f"no {kind} has ended\n{self.gateway.story()}",
        )[-1]


@pytest.fixture
def serve(gateway, solver_root, sshd):
    """serve("local", "ssh" or "openssh", **keys of the profile) starts all of it and waits until it serves."""
    names = (f"served{number}" for number in itertools.count())

    def start(transport, root=None, settings=None, gateway_env=None, **keys):
        root = root or solver_root(next(names))
        endpoint = free_port()
        server = None if transport == "local" else sshd()
        profile = {**(server.profile() if server else {}), "transport": transport}
        profile.update({"root": root, "endpoint": f"127.0.0.1:{endpoint}", **keys})
        running = gateway(profile, settings=settings, env=gateway_env)
        running.wait_serving()
        return Served(transport, running, root, endpoint, server)

    return start


@pytest.fixture(params=["local", "ssh", "openssh"])
def served(serve, request):
    """A gateway that serves, once for each transport."""
    return serve(request.param)
