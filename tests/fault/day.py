# SPDX-License-Identifier: MIT
"""What befalls a gateway in an hour, one thing after the other as fast as it goes; and a look at it after that."""

import collections
import contextlib
import random
import socket
import threading
import time
from pathlib import Path

from network import one_more_address
from support import procs
from support.wait import eventually
from support.wire import abort, read_exact
from traffic import EARLY_ENDS, Traffic

# An hour: what happens while the profile "far" (over SSH) is in use, and then while "near" (on this machine) is.
FAR = {"drop": 4, "server": 1, "outage": 1, "reconnect": 1, "network": 2, "crash": 1, "abort": 8, "idle": 8}
NEAR = {"network": 1, "crash": 1, "abort": 4, "idle": 4}
POLLS = 3600
# What they transfer is not a solver's own: there are two, and each has a folder of its own.
KINDS = ("source", "sink", "echo", "tcmd")
PROBE = b"x" * 1000

Sample = collections.namedtuple("Sample", "rss fds threads children")


def shares(seed, parts, of_parts):
    """What happens in `parts` parts of hours that are cut into `of_parts` each: pairs, "far" and "near"."""
    rng = random.Random(seed)
    found = []
    while len(found) < parts:
        cut = [([], []) for _ in range(of_parts)]
        for side, events in enumerate((FAR, NEAR)):
            names = [name for name, count in events.items() for _ in range(count)]
            rng.shuffle(names)
            for at, name in enumerate(names):
                cut[at % of_parts][side].append(name)
        found += cut
    return found[:parts]


class Day:
    """gateway: serves "far", which leads over `relay` to `server`. roots: of each profile's solver, by its name.

    It is told what happens, and fails at what must not: a wrong byte or a transfer that looks whole and is not, and a
    connection that is lost though nothing has happened to its way.
    """

    def __init__(self, seed, gateway, wire, control, relay, server, roots):
        self.seed, self.rng = seed, random.Random(seed)
        self.gateway, self.wire, self.control = gateway, wire, control
        self.relay, self.server, self.roots = relay, server, roots
        self.profile = "far"
        self.counts = collections.Counter()
        self.load = None

    # -- an hour ------------------------------------------------------------------------------------

    def pass_by(self, far, near, polls, clients=4):
        """All of it, then as many polls; returns a sample once all is quiet."""
        self.load = Traffic(self.wire, self.rng.randrange(1 << 30), clients=clients, largest=1 << 20, kinds=KINDS)
        for name in far:
            self._happen(name)
        self._happen("swap")
        for name in near:
            self._happen(name)
        self._happen("swap")
        self.load.stop()
        assert self.load.lies == [], f"{self.load.lies}\n{self.gateway.story()}"
        self.counts.update(whole=self.load.count("whole"), cut=self.load.count("cut"))
        self._poll(polls)
        return self._look()

    def _happen(self, name):
        getattr(self, f"_{name}")()
        status = self.control.result("status")
        assert (status["profile"], status["state"]) == (self.profile, "up"), f"after {name}: {status}"
        self.counts[name] += 1

    def is_answered(self):
        assert self.wire.tcmd(timeout=25)["protocol_version"] == "0.18", self.gateway.story()
        return True

    def _is_answered_in_the_end(self):
        """Of the streams that were opened ahead, each costs a client a reset whose request crosses with their end."""
        for _ in range(4):
            with contextlib.suppress(ConnectionResetError):
                return self.is_answered()
            self.counts["crossed"] += 1
        raise AssertionError(f"reset again and again\n{self.gateway.story()}")

    @contextlib.contextmanager
    def _nobody_is_cut(self, what):
        """Transfers that are under way go on, whatever happens."""
        self.load.settle()
        before = self.load.count("cut")
        yield
        self.load.settle()
        cut = self.load.count("cut") - before
        assert cut == 0, f"{cut} transfers were cut by {what} (seed {self.seed}): {self.load.outcomes}"

    # -- what happens to the way --------------------------------------------------------------------

    def _lose(self, cut):
        """Returns once the gateway has noticed, and serves again."""
        mark = self.gateway.mark()
        cut()
        self.gateway.wait_state("down", since=mark)
        assert self.is_answered()

    def _drop(self):
        way = self.rng.choice(("reset", "close", "byte", "byte", "session", "hole"))
        if way == "byte":
            self._lose(self._kill_in_mid_transfer)
        elif way == "session":
            self._lose(self.server.kill_sessions)
        elif way == "hole":
            self._lose(self._lose_packets)
        else:
            self._lose(lambda: self.relay.drop(way))

    def _kill_in_mid_transfer(self):
        before = self.relay.kills
        self.relay.kill_at(self.rng.randrange(1, 1 << 20), self.rng.choice(("reset", "close")))
        eventually(lambda: self.relay.kills > before, 30, "the traffic has stopped")

    def _lose_packets(self):
        self.relay.black_hole()
        time.sleep(self.rng.uniform(0.01, 0.2))  # for so long
        self.relay.resume(forget=True)

    def _server(self):
        self._lose(self.server.restart)

    def _outage(self):
        """Those who come meanwhile are held, and then served."""
        mark = self.gateway.mark()
        self.relay.refuse()
        self.relay.drop()
        self.gateway.wait_state("down", since=mark)
        errors = []
        waiting = [threading.Thread(target=_try, args=(self.is_answered, errors), daemon=True) for _ in range(8)]
        for each in waiting:
            each.start()
        eventually(lambda: self.control.result("status")["held"] >= len(waiting), 20, "they are not held")
        self.relay.accept()
        for each in waiting:
            each.join(60)
        assert not any(each.is_alive() for each in waiting) and errors == [], f"{errors}\n{self.gateway.story()}"
        self.counts["held"] += len(waiting)

    def _reconnect(self):
        self.control.result("reconnect")
        self._is_answered_in_the_end()

    def _network(self):
        """Another address on this machine; the way is as good as before."""
        with self._nobody_is_cut("a change of the network"), one_more_address(self.gateway.pid):
            assert self.is_answered()

    # -- what happens to the solver -----------------------------------------------------------------

    def _crash(self):
        """The system ends a dead process's connections cleanly; while there are such, an early end is a cut."""
        root = self.roots[self.profile]
        self.load.early_ends = EARLY_ENDS
        dead = root.pid()
        root.kill()
        self._is_answered_in_the_end()
        assert root.pid() != dead
        self.load.settle()
        self.load.early_ends = ()

    # -- what clients do ----------------------------------------------------------------------------

    def _abort(self):
        """In the middle of a download, and of an upload."""
        down = self.wire.open_source(1 << 40)
        assert down.recv(1 << 16)
        abort(down)
        up = self.wire.open(b"SINK")
        up.sendall(bytes(1 << 18))
        abort(up)

    def _idle(self):
        """Connects, says nothing, goes away."""
        self.wire.connect().close()

    def _poll(self, count, threads=4):
        errors = []

        def poll():
            for _ in range(count // threads):
                self.is_answered()

        running = [threading.Thread(target=_try, args=(poll, errors), daemon=True) for _ in range(threads)]
        for each in running:
            each.start()
        for each in running:
            each.join(600)
        assert errors == [], f"{errors[:3]}\n{self.gateway.story()}"
        self.counts["polls"] += count // threads * threads

    # -- another profile ----------------------------------------------------------------------------

    def _swap(self):
        """Nobody loses a connection: those of the load, and some that are open from before until after it."""
        other = "near" if self.profile == "far" else "far"
        with contextlib.ExitStack() as stack:
            kept = [stack.enter_context(self.wire.open(b"ECHO")) for _ in range(3)]
            _echo(kept)
            with self._nobody_is_cut("a swap"):
                self.control.result("use", profile=other)
            self.profile = other
            _echo(kept)
            for sock in kept:
                sock.shutdown(socket.SHUT_WR)
                assert sock.recv(1) == b""
        eventually(lambda: self.control.result("status")["draining"] == [], 60, "the one that was left does not end")
        self.counts["kept"] += len(kept)

    # -- the end of an hour -------------------------------------------------------------------------

    def _look(self):
        eventually(lambda: self.control.result("status")["streams"] == 0, 20, "streams are left")
        pid = self.gateway.pid
        children = eventually(lambda: [procs.children(pid)] if not _zombies(pid) else 0, 20, "zombies are left")[0]
        return Sample(self.gateway.rss_kib(), _steady(self.gateway.fds), _threads(pid), len(children))


def _try(call, errors):
    try:
        call()
    except BaseException as error:
        errors.append(error)


def _echo(sockets):
    for sock in sockets:
        sock.sendall(PROBE)
    for sock in sockets:
        assert read_exact(sock, len(PROBE)) == PROBE


def _steady(value, seconds=0.3):
    """The value once it stays the same: streams that were opened ahead come and go for a moment."""
    seen = [value(), time.monotonic()]

    def is_steady():
        now = value()
        if now != seen[0]:
            seen[:] = [now, time.monotonic()]
        return time.monotonic() - seen[1] > seconds

    eventually(is_steady, 20)
    return seen[0]


def _threads(pid):
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _zombies(pid):
    return [child for child in procs.children(pid) if not procs.alive(child)]
