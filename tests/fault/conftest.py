# SPDX-License-Identifier: MIT
"""Fixtures of the fault tests: those of the integration tests, and a relay that breaks connections."""

import importlib.util
from pathlib import Path

import pytest

import network
from support.ports import free_port
from support.relay import Relay
from traffic import Traffic
from wreckage import Wreck


def _shared():
    path = Path(__file__).resolve().parents[1] / "integration" / "conftest.py"
    spec = importlib.util.spec_from_file_location("integration_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


globals().update(_shared())


class Broken:
    """A gateway that reaches a demo solver over an SSH server behind a relay. What is broken, is broken there."""

    def __init__(self, sshd, relay, solver, gateway):
        self.sshd, self.relay, self.solver, self.gateway = sshd, relay, solver, gateway
        self.wire = gateway.wire

    def is_answered(self, timeout=25):
        """Makes a new connection and waits for a whole answer."""
        return self.wire.tcmd(timeout=timeout)["protocol_version"] == "0.18"

    def lose(self, cut):
        """Calls `cut`, and returns once the gateway has noticed."""
        mark = self.gateway.mark()
        cut()
        self.gateway.wait_state("down", since=mark)


@pytest.fixture
def broken(tmp, gateway, solver, sshd):
    """broken(config=[lines of sshd_config], **keys of the profile) starts all of it and waits until it serves.

    own_network: the gateway runs in a network that the test can change, where no other client reaches it.
    """
    relays = []

    def start(config=(), env=None, own_network=False, **keys):
        server, target, port = sshd(config=config), solver(), free_port()
        known_hosts = tmp / f"known_hosts{len(relays)}"
        known_hosts.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{port} "))
        profile = server.profile(port=port, known_hosts=known_hosts, endpoint=f"127.0.0.1:{target.port}")
        profile.update({"launch": "never", "probe": "tcmd", **keys})
        if own_network:
            running = gateway(profile, env=env, under=network.UNDER).wait_listening()
            relay = Relay(server.port, port=port, listen=network.listener_of(running.pid))
            relays.append(relay)
        else:
            relay = Relay(server.port, port=port)
            relays.append(relay)
            running = gateway(profile, env=env)
        running.wait_serving()
        return Broken(server, relay, target, running)

    yield start
    for each in relays:
        each.close()


@pytest.fixture
def traffic():
    """traffic(wire, seed) starts clients that transfer both ways until stop(); see traffic.Traffic."""
    started = []

    def start(*args, **options):
        made = Traffic(*args, **options)
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def wreck(over, container):
    """wreck(place, engine, way="published", image="tools", options=(), **keys of the profile) starts all of it, and
    waits until it serves; see wreckage.Wreck."""

    def start(place, engine, way="published", image="tools", options=(), **keys):
        return Wreck(engine, container, lambda box, **all_keys: over(place, box, **all_keys), way, image, options, keys)

    return start
