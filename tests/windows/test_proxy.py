# SPDX-License-Identifier: MIT
"""A ProxyCommand on Windows: the way to the real sshd of Linux is a program's standard input and output."""
import copy
import sys

import pytest

from conftest import wait_for, windows_path
from far import FarSolver, Sshd, Wire, demo_solver, free_port
from relay import Relay
from transfer import MIB, both_ways

# Standard input and output to a connection, and back.
CONNECT = """
import os, socket, sys, threading
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sys.stderr.write("on the way to %s\\n" % sys.argv[1])
sys.stderr.flush()
def send():
    while block := os.read(0, 65536):
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while block := connection.recv(65536):
    while block:
        block = block[os.write(1, block):]
"""


@pytest.fixture
def lab(windows, tmp_path):
    tmp_path.chmod(0o700)
    server = Sshd(tmp_path / "sshd")
    solver = FarSolver(demo_solver(windows.build), tmp_path / "far").start()
    (tmp_path / "my programs").mkdir()

    class Lab:
        def __init__(self, relay):
            self.relay, self.server, self.listen = relay, server, free_port()
            self.folder = tmp_path / "my programs"
            relay.install(windows, self.folder, "connect.exe")
            self.windows = copy.copy(windows)
            self.windows.environment = windows.environment | relay.environment | {"WINEPATH": windows_path(self.folder)}

        def up(self, command):
            settings = tmp_path / "ssh_config"
            settings.write_text(f"Host lab\n  HostName {server.host}\n  Port {server.port}\n  ProxyCommand {command}\n")
            settings.chmod(0o600)
            config = tmp_path / "penstock.ini"
            keys = {
                "transport": "ssh",
                "host": "lab",
                "user": server.user,
                "key": windows_path(server.client_key),
                "known_hosts": windows_path(server.known_hosts),
                "ssh_config": windows_path(settings),
                "agent": "no",
                "endpoint": f"127.0.0.1:{solver.port}",
                "launch": "never",
                "listen": f"127.0.0.1:{self.listen}",
                "peers": "any",
            }
            config.write_text("[lab]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()), "utf-8")
            config.chmod(0o600)
            return self.windows.gateway(config, "lab")

    with Relay({"connect.exe": lambda words: [sys.executable, "-c", CONNECT, *words]}) as relay:
        yield Lab(relay)
    solver.close()
    server.stop()


def test_a_program_is_the_connection(lab):
    """By its name, along PATH; it ends with the gateway, and what it says is in the log."""
    with lab.up("connect %h %p") as gateway:
        assert gateway.wait_event("serving")["adopted"] is True
        assert both_ways(lab.listen, 4 * MIB)
        assert lab.relay.calls == [("connect.exe", [lab.server.host, str(lab.server.port)])]
        # Its end is the link's, which comes back by another one.
        before = len(gateway.events)
        for each in list(lab.relay.processes):
            lab.relay.end(each)
        wait_for(
            lambda: any(event["event"] == "serving" for event in gateway.events[before:]),
            lambda: "it does not come back:\n" + gateway.said(),
        )
        assert Wire(lab.listen).echo(b"again") == b"again"
        assert "on the way to 127.0.0.1" in gateway.errors
        assert lab.windows.run("down", "lab").returncode == 0
        assert gateway.wait_end() == 0
    wait_for(lambda: not lab.relay.processes, "the program is left")


def test_a_path_with_spaces_and_a_line_for_cmd(lab):
    path = windows_path(lab.folder / "connect.exe")
    with lab.up(f"{path} %h %p") as gateway:  # as CreateProcess() understands it
        gateway.wait_event("serving")
        assert Wire(lab.listen).echo(b"with spaces") == b"with spaces"
    with lab.up("echo not today>&2 & exit 4") as gateway:
        wait_for(lambda: any(event.get("error") for event in gateway.events), gateway.said)
        error = next(event["error"] for event in gateway.events if event.get("error"))
        assert "ended with code 4" in error["what"] and "not today" in error["detail"], error
