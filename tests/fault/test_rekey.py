# SPDX-License-Identifier: MIT
"""The keys of the SSH session are exchanged anew, again and again, in the middle of transfers."""

import pytest

from support import pattern

MIB = 1 << 20


@pytest.mark.parametrize("clients", [1, 6])
def test_transfers_both_ways_while_keys_are_exchanged(broken, traffic, clients):
    broken = broken(config=["RekeyLimit 1M", "LogLevel DEBUG1"])
    mark = broken.gateway.mark()
    size = 8 * MIB + 7
    running = traffic(broken.wire, seed=f"rekey {clients}", clients=clients)
    assert broken.wire.source(size, seed=3) == (size, pattern.sha256(size, seed=3))
    assert broken.wire.sink(pattern.chunks(size, seed=5)) == (size, pattern.sha256(size, seed=5))
    running.stop()
    assert running.lies == []
    assert running.count("cut") == 0 and running.count("whole") > 0, running.outcomes
    assert not broken.gateway.find_events("state", since=mark)
    rekeyed = broken.sshd.log.count("SSH2_MSG_NEWKEYS received")
    assert rekeyed > 10, f"keys were exchanged {rekeyed} times only"
