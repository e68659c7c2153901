# SPDX-License-Identifier: MIT
"""The ssh transport with libssh as the system has it (PENSTOCK_SSH_FAST_READ off), which every build of the tests makes
beside the other: what its data path does differently must not show."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern
from support.route import Route

MIB = 1 << 20


@pytest.fixture
def up(gateway, solver, sshd, tmp, penstock):
    """up(hosts=1, config=[…]) starts a gateway that only forwards to a demo solver, over so many servers."""
    plugins = penstock.folder / "plugins-plain"
    assert b"libssh.so." in (plugins / "ssh.so").read_bytes()

    def start(hosts=1, config=()):
        way = Route(tmp, [sshd(config=["LogLevel DEBUG1", *config]) for _ in range(hosts)])
        keys = {"endpoint": f"127.0.0.1:{solver().port}", "launch": "never", "plugin_path": plugins}
        made = gateway(way.profile(**keys)).wait_listening()
        made.wait_serving()
        return made

    return start


@pytest.mark.parametrize("hosts", [1, 2])
def test_every_byte_arrives_while_keys_are_exchanged_anew(up, hosts):
    wire = up(hosts, config=["RekeyLimit 1M"]).wire
    size = 16 * MIB + 3
    assert wire.source(size, seed=3) == (size, pattern.sha256(size, seed=3))
    assert wire.sink(pattern.chunks(size, seed=5)) == (size, pattern.sha256(size, seed=5))


def test_many_connections_at_once(up):
    wire = up().wire
    size = 2 * MIB + 1
    with ThreadPoolExecutor(8) as pool:
        down = [pool.submit(wire.source, size, seed=i) for i in range(8)]
        up_ = [pool.submit(lambda i=i: wire.sink(pattern.chunks(size, seed=i))) for i in range(8)]
        for i in range(8):
            assert down[i].result() == (size, pattern.sha256(size, seed=i))
            assert up_[i].result() == (size, pattern.sha256(size, seed=i))
