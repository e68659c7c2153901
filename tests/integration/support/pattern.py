# SPDX-License-Identifier: MIT
"""The demo solver's deterministic stream (SRCE): one random block over and over, numbered in its first word."""

import hashlib
import struct

BLOCK = 65536
_MASK = (1 << 64) - 1


def _block(seed):
    words = []
    for _ in range(BLOCK // 8):
        seed = (seed + 0x9E3779B97F4A7C15) & _MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        words.append(z ^ (z >> 31))
    return bytearray(struct.pack(f">{len(words)}Q", *words))


def chunks(size, seed=0):
    """The first `size` bytes of the stream for `seed`, a block at a time. Each is only valid until the next."""
    block = _block(seed)
    for number in range((size + BLOCK - 1) // BLOCK):
        struct.pack_into(">Q", block, 0, number)
        yield memoryview(block)[: min(BLOCK, size - number * BLOCK)]


def data(size, seed=0):
    """The same as bytes, for sizes that fit in memory."""
    return b"".join(bytes(chunk) for chunk in chunks(size, seed))


def sha256(size, seed=0):
    """Hash of the same."""
    digest = hashlib.sha256()
    for chunk in chunks(size, seed):
        digest.update(chunk)
    return digest.hexdigest()
