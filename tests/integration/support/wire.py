# SPDX-License-Identifier: MIT
"""The solver's clients: what an add-on does (TCMD, JSON, BDAT), and the demo solver's test headers.

Nothing here holds a whole payload in memory, except where a caller hands one over as bytes.
"""

import hashlib
import json
import socket
import struct

from .wait import eventually

CHUNK = 256 * 1024


class WireError(AssertionError):
    """The solver answered, and not as it should."""


class Wire:
    """Opens connections to one address; a fresh one for each request, as the add-on does."""

    def __init__(self, port, host="127.0.0.1", timeout=30.0):
        self.address = (host, port)
        self.timeout = timeout

    def connect(self, timeout=None, receive_buffer=None):
        """A connected socket with a time-out for every operation (in seconds)."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout or self.timeout)
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    # -- what an add-on does ------------------------------------------------------------------------

    def tcmd(self, text="--name demo", legacy=False, timeout=None):
        """Sends a command, in the form with a length or the old one; returns the answer as a dict."""
        data = text.encode()
        with self.connect(timeout) as sock:
            if legacy:
                sock.sendall(b"TCMD" + data)
                sock.shutdown(socket.SHUT_WR)
            else:
                sock.sendall(b"TCMD" + struct.pack(">I", len(data)) + data)
            return json.loads(read_all(sock))

    def json(self, request, payloads=(), chunk=CHUNK):
        """Sends a JSON request and its payloads (bytes, or iterables of them); returns the raw answer.

        A solver that refuses early may reset the connection while we still send: what it said first counts.
        """
        with self.connect() as sock:
            sock.sendall(b"JSON" + json.dumps(request).encode() + b"\n")
            for payload in payloads:
                for part in split(payload, chunk):
                    sock.sendall(part)
            return read_all(sock)

    def data_send(self, path, payload, name="demo", size=None, chunk=CHUNK):
        """Uploads bytes, or `size` bytes from an iterable, to `path`."""
        size = len(payload) if size is None else size
        request = {"request": "data_send", "path": str(path), "name": name, "size": size}
        confirm(self.json(request, [payload], chunk))

    def data_receive(self, path, name="demo"):
        """Downloads `path`: returns (size, sha256)."""
        with self.connect() as sock:
            request = {"request": "data_receive", "path": str(path), "name": name}
            sock.sendall(b"JSON" + json.dumps(request).encode() + b"\n")
            head = json.loads(read_line(sock))
            if "error" in head:
                raise WireError(head["error"])
            count, digest = hash_all(sock)
            if count != head["size"]:
                raise WireError(f"{head['size']} bytes were announced, {count} came")
            return count, digest

    def upload_atomic(self, path, data, param, name="demo", data_hash=None, param_hash=None, upload_id="1"):
        """Uploads a project's data and parameters as one."""
        request = {
            "request": "upload_atomic",
            "path": str(path),
            "name": name,
            "upload_id": upload_id,
            "data_size": len(data),
            "param_size": len(param),
            "data_hash": data_hash or hashlib.sha256(data).hexdigest(),
            "param_hash": param_hash or hashlib.sha256(param).hexdigest(),
        }
        confirm(self.json(request, [data, param]))

    def upload_notify(self, name="demo", upload_id="1", has_data=True, has_param=True, data_hash="", param_hash=""):
        """Announces files that are already in the project's folder."""
        request = {
            "request": "upload_notify",
            "name": name,
            "upload_id": upload_id,
            "has_data": has_data,
            "has_param": has_param,
            "data_hash": data_hash,
            "param_hash": param_hash,
        }
        confirm(self.json(request))

    def bdat(self, payload):
        """Sends bytes up to a half-close; returns the answer."""
        return self._send_to_end(b"BDAT", payload)

    # -- the demo solver's test headers -------------------------------------------------------------

    def stats(self):
        """The demo solver's counters: connections, open, bytes_in, bytes_out, ends, serving, recent."""
        return json.loads(self.json({"request": "demo_stats"}))

    def wait_for(self, kind, count=1):
        """Waits until so many connections of a kind ("HOLD") have reached the solver, which serves them now."""
        eventually(
            lambda: self.stats()["serving"].get(kind, 0) >= count, what=f"the solver does not see {count} x {kind}"
        )

    def echo(self, payload):
        """Sends bytes, half-closes, returns what came back. For payloads under the kernel's buffers; see echo_stream."""
        return self._send_to_end(b"ECHO", payload)

    def sink(self, payload):
        """Sends bytes (or an iterable) up to a half-close; returns (count, sha256) as the solver saw them."""
        answer = json.loads(self._send_to_end(b"SINK", payload))
        return answer["count"], answer["sha256"]

    def source(self, size, seed=0):
        """Receives `size` bytes of pattern.data(size, seed); returns (count, sha256)."""
        with self.open_source(size, seed) as sock:
            return hash_all(sock)

    def open_source(self, size, seed=0, receive_buffer=None):
        """As source, but returns the socket."""
        sock = self.connect(receive_buffer=receive_buffer)
        sock.sendall(b"SRCE" + struct.pack(">QQ", size, seed))
        return sock

    def open_abort(self, size):
        """The solver sends `size` bytes and then resets the connection; returns the socket."""
        sock = self.connect()
        sock.sendall(b"ABRT" + struct.pack(">Q", size))
        return sock

    def open(self, header):
        """A connection that has sent a header (b"ECHO", b"SINK", b"HALF", b"HOLD" …)."""
        sock = self.connect()
        sock.sendall(header)
        return sock

    def _send_to_end(self, header, payload):
        with self.open(header) as sock:
            for part in split(payload, CHUNK):
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock)


def split(payload, chunk):
    """Bytes in pieces of `chunk`; any other iterable as it is."""
    if isinstance(payload, (bytes, bytearray, memoryview)):
        view = memoryview(payload)
        return (view[at : at + chunk] for at in range(0, len(view), chunk))
    return payload


def read_all(sock):
    """Everything up to the peer's clean end. A reset raises ConnectionResetError."""
    parts = []
    while part := sock.recv(CHUNK):
        parts.append(part)
    return b"".join(parts)


def read_exact(sock, size):
    """Exactly `size` bytes."""
    parts = []
    while size > 0:
        part = sock.recv(min(size, CHUNK))
        if not part:
            raise WireError(f"the connection ended {size} bytes early")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_line(sock):
    """One line, byte by byte, so that nothing of what follows is taken."""
    line = b""
    while not line.endswith(b"\n"):
        line += read_exact(sock, 1)
    return line


def hash_all(sock):
    """Reads to the clean end; returns (count, sha256)."""
    buffer = bytearray(CHUNK)
    digest = hashlib.sha256()
    total = 0
    while count := sock.recv_into(buffer):
        digest.update(memoryview(buffer)[:count])
        total += count
    return total, digest.hexdigest()


def abort(sock):
    """Closes with a reset (RST) instead of a clean end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ended_by(sock):
    """How the peer ends the connection from here on: "clean" or "reset"; everything before is read and dropped."""
    try:
        while sock.recv(CHUNK):
            pass
        return "clean"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"


def confirm(answer):
    """Raises unless the answer is the solver's OK."""
    if answer != b"OK\n":
        try:
            raise WireError(json.loads(answer)["error"])
        except (ValueError, KeyError):
            raise WireError(f"no OK but {answer[:200]!r}") from None
