# SPDX-License-Identifier: MIT
"""Much data both ways through a gateway, by a client on Linux that hashes while it streams and holds none of it.

What is at the other end speaks the demo solver's SRCE and SINK (tests/solver).
"""
import time

from far import Wire, pattern

MIB = 1 << 20
GIB = 1 << 30


def both_ways(port, size):
    """`size` bytes down, then up; every byte is checked by its hash at the far end. Returns MB/s down and up."""
    wire = Wire(port, timeout=60)
    expected = [(size, pattern.sha256(size, seed)) for seed in (3, 5)]
    began = time.monotonic()
    down = wire.source(size, seed=3)
    turned = time.monotonic()
    up = wire.sink(pattern.chunks(size, seed=5))
    ended = time.monotonic()
    assert [down, up] == expected
    rates = size / 1e6 / (turned - began), size / 1e6 / (ended - turned)
    print(f"{size // MIB} MiB: {rates[0]:.0f} MB/s down, {rates[1]:.0f} MB/s up")
    return rates
