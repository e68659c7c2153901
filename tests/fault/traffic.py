# SPDX-License-Identifier: MIT
"""Clients that transfer both ways all the time, and know for each connection what became of it."""

import collections
import errno
import hashlib
import json
import random
import socket
import threading
from pathlib import Path

from support import pattern
from support.wait import eventually
from support.wire import CHUNK, WireError, read_all, read_line, split

KIB = 1024
MIB = 1024 * KIB
BROKEN = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)


class EarlyEnd(WireError):
    """A clean end before the last byte."""


# What a client sees of a transfer that ends cleanly and too early.
EARLY_ENDS = (EarlyEnd, json.JSONDecodeError)


class Traffic:
    """So many clients, each on a thread, each with connections of random kinds and sizes, one after the other.

    outcomes   Counter of (kind, "whole") and (kind, "cut")
    lies       what must never be: a clean end before the last byte, a wrong byte, an answer for an upload that is
               not all there. Descriptions, with the seed.

    solver_dies: the system ends a dead process's connections cleanly, and nobody on the way can tell. So an end that is
    clean and comes too early counts as "cut": the client sees by what was announced that something is missing.
    """

    KINDS = ("source", "receive", "sink", "send", "echo", "tcmd")

    def __init__(self, wire, seed, clients=6, largest=4 * MIB, kinds=KINDS, solver_dies=False):
        self.wire, self.seed, self.largest, self.kinds = wire, seed, largest, kinds
        self.early_ends = EARLY_ENDS if solver_dies else ()
        self.folder = Path(wire.tcmd()["root"])  # where the solver keeps this project's files
        self.outcomes = collections.Counter()
        self.lies = []
        self._finished = [0] * clients
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        if "receive" in kinds:
            self._offered = [self._offer(number, size) for number, size in enumerate((100 * KIB + 1, largest))]
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Lets each client finish what it does; returns self."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), f"a client hangs (seed {self.seed}): {self.outcomes}"
        return self

    def settle(self):
        """Waits until each client has finished what it does now, so that nothing from before is still to be counted."""
        before = list(self._finished)
        eventually(
            lambda: all(now > then for now, then in zip(self._finished, before)),
            60,
            lambda: f"a client hangs (seed {self.seed}): {self.outcomes}",
        )

    def count(self, what):
        """How many connections were "whole", or "cut"."""
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome == what)

    def _client(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        while not self._is_over.is_set():
            kind = rng.choice(self.kinds)
            size = rng.choice((rng.randrange(64 * KIB), rng.randrange(self.largest)))
            try:
                getattr(self, f"_{kind}")(size, rng.randrange(1 << 30), number)
                outcome = "whole"
            except Exception as error:  # what is no broken connection, a time-out too, is a finding
                outcome = "cut" if self._is_cut(error) else "lie"
                if outcome == "lie":
                    self.lies.append(f"{kind} of {size} bytes: {type(error).__name__} {error} (seed {self.seed})")
            with self._lock:
                self.outcomes[kind, outcome] += 1
                self._finished[number] += 1

    def _is_cut(self, error):
        return getattr(error, "errno", None) in BROKEN or isinstance(error, self.early_ends)

    # Each returns if all went well, raises an error of BROKEN if the connection was cut, any other if it lied.

    def _source(self, size, seed, _):
        with self.wire.open_source(size, seed) as sock:
            for expected in pattern.chunks(size, seed):
                got = _read(sock, len(expected))
                if got != expected[: len(got)]:
                    raise WireError("wrong bytes")
                if len(got) < len(expected):
                    raise EarlyEnd("a clean end with bytes missing")
            if sock.recv(1):
                raise WireError("more bytes than were sent")

    def _offer(self, number, size):
        path = self.folder / f"offered{number}"
        self.wire.data_send(path, pattern.data(size, number))
        return path, size, pattern.sha256(size, number)

    def _receive(self, _, seed, __):
        path, size, digest = self._offered[seed % len(self._offered)]
        request = {"request": "data_receive", "path": str(path), "name": "demo"}
        with self.wire.connect() as sock:
            sock.sendall(b"JSON" + json.dumps(request).encode() + b"\n")
            announced = json.loads(_read_line(sock))["size"]
            data = read_all(sock)
        if len(data) < announced:
            raise EarlyEnd(f"{announced} bytes were announced, a clean end came after {len(data)}")
        if announced != size or len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            raise WireError(f"not the file: {announced} bytes were announced, {len(data)} came")

    def _sink(self, size, seed, _):
        if self.wire.sink(pattern.chunks(size, seed)) != (size, pattern.sha256(size, seed)):
            raise WireError("another upload was confirmed")

    def _send(self, size, seed, number):
        path = self.folder / f"sent{number}"
        self.wire.data_send(path, pattern.chunks(size, seed), size=size)
        if hashlib.sha256(path.read_bytes()).hexdigest() != pattern.sha256(size, seed):
            raise WireError("confirmed, and not there")

    def _echo(self, size, seed, _):
        data = pattern.data(min(size, MIB), seed)
        with self.wire.open(b"ECHO") as sock:
            back = []
            reader = threading.Thread(target=_collect, args=(sock, back))
            reader.start()
            try:
                for part in split(data, CHUNK):
                    sock.sendall(part)
                sock.shutdown(socket.SHUT_WR)
            finally:
                reader.join(60)
            if isinstance(back[-1], Exception):
                raise back[-1]
            back = b"".join(back)
            if len(back) < len(data) and data.startswith(back):
                raise EarlyEnd(f"{len(back)} of {len(data)} bytes came back before a clean end")
            if back != data:
                raise WireError("not what was sent")

    def _tcmd(self, *_):
        if self.wire.tcmd()["protocol_version"] != "0.18":
            raise WireError("not the answer")


def _read_line(sock):
    try:
        return read_line(sock)
    except WireError as error:
        raise EarlyEnd(str(error)) from None


def _read(sock, size):
    """`size` bytes, or fewer if a clean end comes first."""
    buffer = bytearray(size)
    count = 0
    while count < size:
        got = sock.recv_into(memoryview(buffer)[count:])
        if not got:
            break
        count += got
    return buffer[:count]


def _collect(sock, parts):
    try:
        while part := sock.recv(CHUNK):
            parts.append(part)
        parts.append(b"")
    except OSError as error:
        parts.append(error)
