# SPDX-License-Identifier: MIT
"""How a row is measured. A kind's sample() is one measurement on one way, as {figure: value}."""

import contextlib
import json
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import usage
from routes import streams_allowed
from support import procs
from support.ports import free_port
from support.wire import Wire

MB = 1_000_000


@dataclass
class Effort:
    """How much is done: `of(full, quick)` chooses."""

    programs: Path
    quick: bool = False
    notes: dict = field(default_factory=dict)  # what the report has to say besides, as keys: each once

    def of(self, full, quick):
        return quick if self.quick else full

    def load(self, verb, port, **options):
        """Runs a client to its end; returns its result."""
        command = load_command(self.programs, verb, port, **options)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[1:])}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def load_command(programs, verb, port, **options):
    command = [str(programs / "penstock_load"), verb, "--port", str(port)]
    for name, value in options.items():
        command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return command


class Kind:
    """figures: what a sample has, the one that matters first."""

    figures = ()
    is_checked = False  # has check() something to do?

    def check(self, way, effort):
        """Before the first round: does what the way carries come over whole?"""

    def sample_all(self, ways, effort):
        return {way.name: self.sample(way, effort) for way in ways}


def spent(way, result, cpu, far_cpu):
    """CPU seconds per GB since the counts `cpu` and `far_cpu`, and the rate."""
    gb = result["bytes"] / 1e9
    return {
        "rate": result["bytes"] / MB / result["seconds"],
        "cpu": (way.cpu() - cpu) / gb,
        "far_cpu": (way.far_cpu() - far_cpu) / gb,
    }


class Bulk(Kind):
    """Random bytes in one direction. They are all compared in a run before the rounds: that would cost time in them."""

    figures = ("rate", "cpu", "far_cpu")
    is_checked = True

    def __init__(self, direction, streams=1, size=400 * MB, quick_size=60 * MB):
        self.direction = direction
        self.streams = streams
        self.sizes = (size, quick_size)

    def size(self, way, effort):
        """Bytes."""
        return effort.of(*self.sizes) // way.part

    def check(self, way, effort):
        size = self.size(way, effort) // 4
        effort.load(self.direction, way.port, size=size, streams=self.streams, check=True)

    def sample(self, way, effort):
        cpu, far_cpu = way.cpu(), way.far_cpu()
        result = effort.load(self.direction, way.port, size=self.size(way, effort), streams=self.streams)
        return spent(way, result, cpu, far_cpu)


class Exchange(Kind):
    """64 bytes there and back: `connect` on a new connection each, `pingpong` on one."""

    figures = ("us", "p99")

    def __init__(self, verb, count=1000, quick_count=200):
        self.verb = verb
        self.counts = (count, quick_count)

    def sample(self, way, effort):
        result = effort.load(self.verb, way.port, count=max(10, effort.of(*self.counts) // way.part))
        return {"us": result["median_us"], "p99": result["p99_us"]}


class Loaded(Kind):
    """Ping-pong on one connection while data go one way on another as fast as they can."""

    figures = ("us", "p99", "rate", "cpu", "far_cpu")

    def __init__(self, direction):
        self.verb = f"loaded-{direction}"

    def sample(self, way, effort):
        cpu, far_cpu = way.cpu(), way.far_cpu()
        result = effort.load(self.verb, way.port, count=100000, time=effort.of(2000, 300))
        return {"us": result["median_us"], "p99": result["p99_us"], **spent(way, result, cpu, far_cpu)}


class Poll(Kind):
    """What Blender does several times a second: a connection, a question to the solver, its answer to the end."""

    figures = ("ms", "p99_ms")

    def __init__(self, pause_ms=100):
        self.pause_ms = pause_ms

    def sample(self, way, effort):
        result = effort.load("poll", way.port, count=effort.of(20, 4), pause=self.pause_ms * 1000)
        return {"ms": result["median_us"] / 1e3, "p99_ms": result["p99_us"] / 1e3}


class Start(Kind):
    """From the start of the program to the first byte that a solver's answer brings through it."""

    figures = ("ms",)

    def sample(self, way, effort):
        return {"ms": statistics.median(self._once(way) for _ in range(effort.of(5, 3)))}

    def _once(self, way):
        port = free_port()
        command, environment = way.make(port)
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return (_first_byte(process, port) - began) * 1e3
        finally:
            procs.end([*procs.descendants(process.pid), process.pid])
            process.wait(10)


def _first_byte(process, port):
    """When it came. The port is tried for again and again: nothing tells that it is open."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with Wire(port).connect() as sock:
                sock.sendall(b"TCMD\x00\x00\x00\x0c--name bench")
                if sock.recv(1) == b"{":
                    return time.monotonic()
            raise RuntimeError("something else answers than the solver")
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise RuntimeError(f"it ended with {process.returncode}") from None
            time.sleep(0.0003)
    raise RuntimeError("the port was never opened")


class Idle(Kind):
    """Memory of streams that have carried a little and then stand idle. Each sample has a forwarder of its own."""

    figures = ("rss", "pss")

    def __init__(self, streams, quick_streams):
        self.streams = (streams, quick_streams)

    def sample(self, way, effort):
        count = self._allowed(effort)
        with contextlib.closing(way.make()) as route:
            effort.load("connect", route.port, count=4)  # what the first stream costs once
            before = usage.memory_kib(route.pid)
            with self._streams(route.port, count, effort):
                after = usage.memory_kib(route.pid)
        rss, pss = ((there - here) / count for here, there in zip(before, after))
        return {"rss": rss, "pss": pss}

    def _allowed(self, effort):
        wanted, most = effort.of(*self.streams), streams_allowed()
        if most < wanted:
            effort.notes[f"{most} idle streams instead of {wanted}: more descriptors are not allowed here"] = 1
        return min(most, wanted)

    @contextlib.contextmanager
    def _streams(self, port, count, effort):
        command = load_command(effort.programs, "idle", port, count=count)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            if not client.stdout.readline():
                raise RuntimeError(f"{' '.join(command[1:])} ended with {client.wait(10)}")
            yield
            client.stdin.close()
            client.wait(60)


class Quiet(Kind):
    """How often a forwarder wakes up that is connected and has nothing to do. All are watched at the same time."""

    SECONDS = 10  # twice the time between two signs of life

    figures = ("wakeups",)

    def sample_all(self, ways, effort):
        began = time.monotonic()
        before = {way.name: usage.wakeups(way.pid) for way in ways}
        time.sleep(self.SECONDS)
        after = {way.name: usage.wakeups(way.pid) for way in ways}
        passed = time.monotonic() - began
        return {name: {"wakeups": (after[name] - count) / passed} for name, count in before.items()}
