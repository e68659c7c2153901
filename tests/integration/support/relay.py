# SPDX-License-Identifier: MIT
"""A TCP relay that does to connections what networks do: it cuts them, delays them, swallows them."""

import collections
import ctypes
import selectors
import socket
import struct
import threading
import time

from .ports import free_port

CHUNK = 256 * 1024
QUEUE_LIMIT = 4 << 20
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]


# One instruction of classic BPF: `return 0`, keep no byte of the packet.
_DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)


def _set_deaf(sock, deaf):
    """The kernel drops every packet that comes for the socket, unacknowledged (for a listener: SYNs), or not any more."""
    if deaf:
        program = _Filter(1, ctypes.addressof(_DROP_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(program))
    else:
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


class _Way:
    """One direction of a connection: what was read and is not written yet."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.queue = collections.deque()  # of [time when it may go on, bytes]
        self.size = 0
        self.is_ended = False  # the source has sent its end
        self.is_shut = False  # which was passed on


class _Pair:
    """A connection from the client and the one to the target."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.ways = (_Way(near, far), _Way(far, near))


class Relay:
    """Listens on `port` and relays to a target on loopback, on a thread of its own.

    drop(how)        ends all present connections: "reset" (RST both ways) or "close" (FIN)
    kill_at(n, how)  ends the connection over which the n-th byte goes from now on
    black_hole()     from now on every packet is lost, those of new connections too, until resume()
    mute = True      new connections are accepted, and nothing else ever happens to them (a balancer with a dead host)
    delay            seconds that each piece of data takes each way
    """

    def __init__(self, target, host="127.0.0.1", port=None, listen=None):
        """listen(host, port): makes the listening socket, if not in the usual way."""
        self.target = (host, target)
        self.host, self.port = host, port or free_port()
        self._make_listener = listen or _listen
        self.delay = 0.0
        self.mute = False
        self._muted = []
        self.accepted = 0  # connections so far
        self.moved = 0  # bytes so far, both ways
        self.kills = 0  # connections that kill_at has ended
        self._kill_at = None
        self._is_deaf = False
        self._pairs = {}  # by either socket
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._listener = None
        self._is_running = True
        self._listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # -- what a test does ---------------------------------------------------------------------------

    def drop(self, how="reset"):
        with self._lock:
            pairs = set(self._pairs.values())
            for pair in pairs:
                self._end(pair, how)
        self._wake()
        return len(pairs)

    def kill_at(self, count, how="reset"):
        with self._lock:
            self._kill_at = (self.moved + count, how)

    def black_hole(self):
        with self._lock:
            self._is_deaf = True
            for sock in (self._listener, *self._pairs):
                _set_deaf(sock, True)
        self._wake()

    def resume(self, forget=False):
        """The way is there again. forget: as after a NAT's restart, what was connected gets a reset."""
        with self._lock:
            self._is_deaf = False
            _set_deaf(self._listener, False)
            for pair in set(self._pairs.values()):
                for sock in (pair.near, pair.far):
                    _set_deaf(sock, False)
                if forget:
                    self._end(pair, "reset")
        self._wake()

    def refuse(self):
        """New connections are refused until accept()."""
        with self._lock:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        self._wake()

    def accept(self):
        with self._lock:
            self._listen()
        self._wake()

    def connections(self):
        with self._lock:
            return len(self._pairs) // 2

    def close(self):
        self._is_running = False
        self._wake()
        self._thread.join(10)
        with self._lock:
            for sock in (*self._pairs, *self._muted, self._listener, self._wake_in, self._wake_out):
                if sock:
                    sock.close()
            self._pairs.clear()
            self._selector.close()

    # -- its thread ---------------------------------------------------------------------------------

    def _listen(self):
        self._listener = self._make_listener(self.host, self.port)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _wake(self):
        self._wake_in.send(b"x")

    def _run(self):
        while self._is_running:
            ready = self._selector.select(self._next_due())
            with self._lock:
                for key, events in ready:
                    self._on_ready(key.fileobj, events)
                if self.delay:
                    for pair in set(self._pairs.values()):
                        self._move(pair)

    def _next_due(self):
        if not self.delay:
            return None
        with self._lock:
            due = [way.queue[0][0] for pair in self._pairs.values() for way in pair.ways if way.queue]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _on_ready(self, sock, events):
        if sock is self._wake_out:
            sock.recv(4096)
            for pair in set(self._pairs.values()):
                self._watch(pair)
        elif sock is self._listener:
            self._on_connection()
        elif sock in self._pairs:
            pair = self._pairs[sock]
            if events & selectors.EVENT_READ:
                self._read(pair, pair.ways[0] if sock is pair.near else pair.ways[1])
            if sock in self._pairs:
                self._move(pair)

    def _on_connection(self):
        try:
            near, _ = self._listener.accept()
        except OSError:
            return
        self.accepted += 1
        if self.mute:
            self._muted.append(near)
            return
        try:
            far = socket.create_connection(self.target, 5)
        except OSError:
            _abort(near)
            return
        pair = _Pair(near, far)
        for sock in (near, far):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs[sock] = pair
            if self._is_deaf:
                _set_deaf(sock, True)
            self._selector.register(sock, selectors.EVENT_READ)
        self._watch(pair)

    def _read(self, pair, way):
        try:
            data = way.source.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._end(pair, "reset")
            return
        if data:
            way.queue.append([time.monotonic() + self.delay, memoryview(data)])
            way.size += len(data)
        else:
            way.is_ended = True

    def _move(self, pair):
        if self._is_deaf:
            return
        now = time.monotonic()
        for way in pair.ways:
            while way.queue and way.queue[0][0] <= now:
                data = way.queue[0][1]
                if self._kill_at and self.moved + len(data) >= self._kill_at[0]:
                    data = data[: self._kill_at[0] - self.moved]
                try:
                    count = way.sink.send(data) if data else 0
                except BlockingIOError:
                    break
                except OSError:
                    self._end(pair, "reset")
                    return
                self.moved += count
                way.size -= count
                if self._kill_at and self.moved >= self._kill_at[0]:
                    how, self._kill_at = self._kill_at[1], None
                    self._end(pair, how)
                    self.kills += 1
                    return
                way.queue[0][1] = way.queue[0][1][count:]
                if not way.queue[0][1]:
                    way.queue.popleft()
            if way.is_ended and not way.queue and not way.is_shut:
                way.is_shut = True
                try:
                    way.sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        if all(way.is_shut for way in pair.ways):
            self._end(pair, "close")
        else:
            self._watch(pair)

    def _watch(self, pair):
        if pair.near not in self._pairs:
            return
        now = time.monotonic()
        for sock in (pair.near, pair.far):
            reads = pair.ways[0] if sock is pair.near else pair.ways[1]
            writes = pair.ways[1] if sock is pair.near else pair.ways[0]
            events = 0
            if not self._is_deaf and not reads.is_ended and reads.size < QUEUE_LIMIT:
                events |= selectors.EVENT_READ
            if not self._is_deaf and writes.queue and writes.queue[0][0] <= now:
                events |= selectors.EVENT_WRITE
            self._select(sock, events)

    def _select(self, sock, events):
        key = self._selector.get_map().get(sock)
        if events and key:
            if key.events != events:
                self._selector.modify(sock, events)
        elif events:
            self._selector.register(sock, events)
        elif key:
            self._selector.unregister(sock)

    def _end(self, pair, how):
        for sock in (pair.near, pair.far):
            if self._pairs.pop(sock, None):
                self._select(sock, 0)
                if how == "reset":
                    _abort(sock)
                else:
                    sock.close()


def _listen(host, port):
    return socket.create_server((host, port), backlog=256)


def _abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
