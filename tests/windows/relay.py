# SPDX-License-Identifier: MIT
"""The Linux side of relay.c: programs of Windows that are really Linux's. See there for how they speak.

    with Relay({"wsl.exe": lambda words: ["/bin/sh", "-s"]}) as relay:
        relay.install(windows, folder, "wsl.exe")     # folder/wsl.exe
        windows.run(..., **relay.environment)         # it finds us by that

A program is given its words (and SSH_ASKPASS and the like, if it has an attribute wants_variables) and returns the command to run: a list, or a pair of that and its whole environment. Each runs
in a session of its own, which is ended with the relay.exe that asked for it. `relay.calls` has the names and words of all.
"""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading

CHUNK = 65536


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        block = connection.recv(size - len(data))
        if not block:
            return None
        data += block
    return data


def read_frame(connection):
    head = read_exactly(connection, 5)
    if head is None:
        return None, b""
    return head[:1], read_exactly(connection, struct.unpack(">I", head[1:])[0])


class Relay:
    def __init__(self, programs):
        self.programs = programs
        self.calls = []
        self.waiting = {}  # by key, those whose second connection is still to come
        self.processes = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.environment = {"PENSTOCK_RELAY": str(self.listener.getsockname()[1])}
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for process in list(self.processes):
            self.end(process)

    @staticmethod
    def install(windows, folder, *names):
        """Copies of relay.exe by these names."""
        for name in names:
            shutil.copy(windows.build / "tests" / "windows" / "relay.exe", folder / name)

    @staticmethod
    def end(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ValueError):
            letter, body = read_frame(connection)
            if letter == b"K":
                with self.lock:
                    event_and_place = self.waiting.pop(body)
                event_and_place[1].append(connection)
                event_and_place[0].set()
                return
            variables = {}
            while letter == b"V":
                name, value, _ = body.decode().split("\0")
                variables[name] = value
                letter, body = read_frame(connection)
            if letter == b"N":
                name, *words = body.decode().split("\0")[:-1]
                self.serve_program(connection, name, words, variables)
        with contextlib.suppress(OSError):
            connection.close()

    def serve_program(self, control, name, words, variables):
        send_lock = threading.Lock()

        def send(letter, data=b""):
            with send_lock:
                control.sendall(letter + struct.pack(">I", len(data)) + data)

        self.calls.append((name, words))
        key = os.urandom(8)
        place = (threading.Event(), [])
        with self.lock:
            self.waiting[key] = place
        send(b"K", key)
        if not place[0].wait(20):
            return
        data = place[1][0]
        try:
            program = self.programs[name]
            answer = program(words, variables) if getattr(program, "wants_variables", False) else program(words)
            command, environment = answer if isinstance(answer, tuple) else (answer, None)
            process = subprocess.Popen(
                command, env=environment, stdin=data, stdout=data, stderr=subprocess.PIPE, start_new_session=True
            )
        except (OSError, KeyError) as error:
            data.shutdown(socket.SHUT_WR)
            send(b"E", f"relay: {name}: {error!r}\n".encode())
            send(b"X", b"127")
            return
        self.processes.add(process)
        threading.Thread(target=self.watch_relay, args=(control, process), daemon=True).start()
        with contextlib.suppress(OSError):
            while block := os.read(process.stderr.fileno(), CHUNK):
                send(b"E", block)
        status = process.wait()
        self.processes.discard(process)
        process.stderr.close()
        # What it left unread would have the connection reset as it is closed, and the end of its output lost.
        with contextlib.suppress(OSError):
            data.setblocking(False)
            while data.recv(CHUNK):
                pass
        with contextlib.suppress(OSError):
            data.shutdown(socket.SHUT_WR)
        send(b"X", str(status if status >= 0 else 128 - status).encode())
        with contextlib.suppress(OSError):
            data.setblocking(True)
            while data.recv(CHUNK):  # until relay.exe has ended
                pass
        data.close()

    def watch_relay(self, control, process):
        """The relay says nothing more: what comes is its end."""
        with contextlib.suppress(OSError):
            while control.recv(CHUNK):
                pass
        if process.poll() is None:
            self.end(process)


def wsl(environment=None):
    """wsl.exe as penstock calls it: [-d DISTRIBUTION] --exec COMMAND..."""

    def run(words):
        words = list(words)
        if words[:1] == ["-d"]:
            words = words[2:]
        assert words[0] == "--exec", words
        return (words[1:], environment) if environment is not None else words[1:]

    return run
