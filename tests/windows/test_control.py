# SPDX-License-Identifier: MIT
"""The control pipe on Windows: what it answers, and that nobody who talks nonsense there harms a gateway."""
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import threading

import pytest

from conftest import PATIENCE, ask, wait_for, windows_path


class Two:
    """A gateway with two profiles, each with a solver of its own; `lab` is in use."""

    def __init__(self, windows, solver):
        self.windows = windows
        self.lab, self.farm = solver(), solver("bundle", "farm")
        self.config = self.lab.profile(on_exit="stop")
        with self.config.open("a", encoding="utf-8") as file:
            file.write(f"[farm]\ntransport = winnative\nroot = {windows_path(self.farm.folder)}\npeers = any\n")
            file.write(f"endpoint = 127.0.0.1:{self.farm.port}\nlisten = 127.0.0.1:{self.lab.listen}\non_exit = stop\n")

    def pipe(self):
        [entry] = self.windows.runtime.iterdir()
        return "\\\\.\\pipe\\" + entry.name

    def begin(self, lines):
        """A client that waits for so many lines."""
        return subprocess.Popen(
            ["wine", str(self.windows.build / "tests" / "windows" / "pipe.exe"), self.pipe(), str(lines)],
            env=self.windows.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def talk(self, data, lines):
        """Sends bytes; the lines that came, as JSON."""
        client = self.begin(lines)
        out, err = client.communicate(data, timeout=PATIENCE)
        assert client.returncode == 0, (client.returncode, out, err)
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def two(windows, solver):
    return Two(windows, solver)


def request(number, name, **fields):
    return json.dumps({"id": number, "request": name} | fields).encode() + b"\n"


def test_a_client_that_knows_only_lines(two):
    with two.windows.gateway(two.config, "lab") as gateway:
        gateway.wait_event("serving")
        greeting, *answers = two.talk(request(1, "status") + request(2, "nothing"), 3)
        assert greeting["gateway"]["profile"] == "lab"
        by_id = {answer["id"]: answer for answer in answers}
        assert by_id[1]["result"]["state"] == "up"
        assert by_id[2]["error"]["code"] == "unknown-request"


def test_nonsense_harms_nobody(two):
    with two.windows.gateway(two.config, "lab") as gateway:
        gateway.wait_event("serving")
        _, *answers = two.talk(b'{"id": 1, "req\n' + request(2, "status"), 3)
        by_id = {answer["id"]: answer for answer in answers}
        assert by_id[None]["error"]["code"] == "malformed"
        assert by_id[2]["result"]["state"] == "up"
        _, fault = two.talk(b"x" * (1 << 20), 2)
        assert fault["error"]["code"] == "too-long"
        half = two.begin(2)  # it says half a request, and goes on holding its connection
        half.stdin.write(b'{"id": 1')
        half.stdin.flush()
        silent = two.begin(9)
        try:
            assert two.windows.run("status").returncode == 0
        finally:
            for client in (half, silent):
                client.kill()
                client.communicate(timeout=PATIENCE)
        assert two.windows.run("status").returncode == 0
        assert ask(two.lab.listen)


def test_its_own_log_comes_as_answers(two):
    with two.windows.gateway(two.config, "lab") as gateway:
        gateway.wait_event("serving")
        done = two.windows.run("logs")
        assert done.returncode == 0 and "lab" in done.stdout


def test_changes_are_told(two):
    with two.windows.gateway(two.config, "lab") as gateway:
        gateway.wait_event("serving")
        watch = subprocess.Popen(
            ["wine", str(two.windows.program), "status", "--watch", "--json", "--interval", "200ms"],
            env=two.windows.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(map(json.loads, watch.stdout)), daemon=True)
        reader.start()
        try:
            wait_for(lambda: any(line["state"] == "up" for line in lines), lambda: f"not seen: {lines}")
            assert two.windows.run("down").returncode == 0
            wait_for(lambda: any(line.get("ended") for line in lines), lambda: f"its end is not told: {lines}")
        finally:
            watch.kill()
            watch.wait(PATIENCE)
        assert gateway.wait_end() == 0


class Transfers:
    """Clients that send and get back block after block, each on a connection of its own, until they are told to stop."""

    BLOCK = os.urandom(512 * 1024)

    def __init__(self, port, count):
        self.port = port
        self.whole = 0
        self.faults = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(count)]

    def one(self):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            sender = threading.Thread(target=self.send, args=(client,), daemon=True)
            sender.start()
            got = bytearray()
            while block := client.recv(65536):
                got += block
            sender.join(PATIENCE)
            assert hashlib.sha256(got).digest() == hashlib.sha256(b"ECHO" + self.BLOCK).digest(), f"{len(got)} bytes"

    def send(self, client):
        with contextlib.suppress(OSError):  # the receiver sees it
            client.sendall(b"ECHO" + self.BLOCK)
            client.shutdown(socket.SHUT_WR)

    def run(self):
        while not self.stopping.is_set():
            try:
                self.one()
                with self.lock:
                    self.whole += 1
            except (OSError, AssertionError) as fault:
                self.faults.append(repr(fault))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def test_swaps_lose_no_transfer(two):
    with two.windows.gateway(two.config, "lab") as gateway:
        gateway.wait_event("serving")
        with Transfers(two.lab.listen, 4) as transfers:
            for profile in ("farm", "lab", "farm", "lab"):
                before = transfers.whole
                done = two.windows.run("use", profile)
                assert done.returncode == 0, done.stdout + done.stderr + gateway.said()
                wait_for(lambda: transfers.whole > before + 8, lambda: f"no transfers: {transfers.faults}")
        assert not transfers.faults
        assert not any(thread.is_alive() for thread in transfers.threads)
        assert two.farm.notes("pid") and two.lab.notes("pid")
        assert two.windows.run("down").returncode == 0
        assert gateway.wait_end() == 0
    two.lab.wait_all_gone()
    two.farm.wait_all_gone()
