# SPDX-License-Identifier: MIT
"""Fixtures of the container tests. An engine is started when the first test needs it, and once for all of them."""

import contextlib
import itertools
import shlex

import pytest

from .build import build_folder
from .compose import Compose
from .container import ROOT
from .docker import Engine
from .podman import Podman


@pytest.fixture(scope="session")
def engine():
    """The Docker engine that the tests of this process share. A test that stops it uses `own_engine`."""
    made = Engine(build_folder())
    yield made
    made.close()


@pytest.fixture
def own_engine():
    """An engine for one test."""
    made = Engine(build_folder())
    yield made
    made.close()


@pytest.fixture(scope="session")
def podman():
    """A podman that the tests of this process share."""
    made = Podman(build_folder())
    yield made
    made.close()


@pytest.fixture
def container():
    """container(engine, *options of docker run, image="tools", command=(), name=None, start=True) makes one."""
    made = []

    def make(engine, *options, **how):
        made.append(engine.run(*options, **how))
        return made[-1]

    yield make
    for each in made:
        with contextlib.suppress(AssertionError):  # a test may have removed it
            each.remove()


@pytest.fixture
def box(engine):
    """A container with the tools, its port published on the loopback. It is not made anew for each test, but cleaned."""
    return engine.plain()


@pytest.fixture
def compose(tmp):
    """compose(engine, image="tools", options={…}) makes a project of docker-compose, which is not up."""
    made = []

    def make(engine, **how):
        made.append(Compose(engine, tmp / f"compose{len(made)}", engine.new_name("project"), **how))
        return made[-1]

    yield make
    for each in made:
        each.down()


class Place:
    """Where the engine's client runs: on this machine, or on one behind SSH. profile() and env make a gateway use it."""

    def __init__(self, transport, sshd, engine_env):
        self.transport = transport
        self.engine_env = dict(engine_env)  # a test changes it before the first profile()
        self.server_config, self.server_options = (), {}  # of sshd; likewise
        self._sshd = sshd
        self.server = None

    @property
    def env(self):
        """The gateway's environment."""
        return self.engine_env if self.transport == "docker" else None

    def profile(self, container=None, **keys):
        """Keys of a profile; the solver's root is in them unless `root` says otherwise."""
        profile = {"transport": self.transport, "container": container, "root": ROOT}
        if self.transport != "docker":
            self.server = self.server or self._start_server()
            profile = {**self._ssh_keys(), **profile}
        return {**profile, **keys}

    def _start_server(self):
        environment = " ".join(f'"{name}={value}"' for name, value in self.engine_env.items())
        return self._sshd(config=[f"SetEnv {environment}", *self.server_config], **self.server_options)

    def _ssh_keys(self):
        keys = self.server.profile()
        if self.transport == "docker-ssh-command":
            words = ["ssh", "-p", keys.pop("port"), "-i", keys.pop("key"), f"{keys.pop('user')}@{keys.pop('host')}"]
            keys["command"] = shlex.join(map(str, words))
        return keys


@pytest.fixture
def place_of(sshd, tmp):
    """place_of(transport, engine) is a Place of one of the three transports."""
    homes = itertools.count()

    def make(transport, engine, *folders):
        home = tmp / f"far-home{next(homes)}"
        home.mkdir()
        environment = engine.environment(*folders)
        return Place(transport, sshd, environment if transport == "docker" else {"HOME": home, **environment})

    return make


@pytest.fixture(params=["docker", "docker-ssh"])
def place(request, engine, place_of):
    """Both of the main transports, with the shared engine."""
    return place_of(request.param, engine)


@pytest.fixture
def here(engine, place_of):
    """Only `docker`: for what has nothing to do with how the engine's machine is reached."""
    return place_of("docker", engine)


@pytest.fixture
def over(container, compose, gateway):
    """over(place, container, settings=None, **keys of the profile) starts a gateway, and waits for nothing.

    It depends on containers so that gateways end before them.
    """

    def start(place, container=None, settings=None, under=(), **keys):
        return gateway(place.profile(container, **keys), settings=settings, env=place.env, under=under)

    return start
