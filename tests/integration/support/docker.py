# SPDX-License-Identifier: MIT
"""A private Docker engine: own socket, own data, own bridge. It takes nothing from, and leaves nothing to, the
machine's own engine, whose firewall rules a second one would break if it made any."""

import contextlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .client import TOOLS_PATH, Client
from .slot import Slot
from .wait import eventually


def find(name):
    found = shutil.which(name, path=TOOLS_PATH)
    assert found, f"{name} is missing: install the package docker.io"
    return found


class Engine(Client):
    """Started by the `engine` fixture, once for all tests of a process, and stopped when they have ended."""

    def __init__(self, build_folder):
        self.slot = Slot()
        folder = Path(tempfile.mkdtemp(prefix="pst-engine-"))
        self.slot.record(folder)
        super().__init__(find("docker"), folder, build_folder)
        self.socket = folder / "d.sock"
        self.log_path = folder / "log"
        self.bridge = f"pst{self.slot.number}-docker"
        self.address = f"10.231.{self.slot.number}.1"  # this machine's, on the bridge
        self.process = None
        self._make_bridge()
        self.start()

    # -- its life -----------------------------------------------------------------------------------

    def _make_bridge(self):
        for words in (
            ["link", "add", self.bridge, "type", "bridge"],
            ["address", "add", f"{self.address}/24", "dev", self.bridge],
            ["link", "set", self.bridge, "up"],
        ):
            subprocess.run(["ip", *words], check=True)

    def start(self):
        """Starts the engine, and waits until it answers. Containers that ran before are stopped ones now."""
        words = [
            f"--host=unix://{self.socket}",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            f"--bridge={self.bridge}",
            f"--default-address-pool=base=10.232.{self.slot.number}.0/24,size=28",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            "--shutdown-timeout=1",
            "--log-level=warn",
        ]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", find("dockerd"), *words],  # should the tests be killed, it ends too
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": TOOLS_PATH, "HOME": str(self.folder)},
                start_new_session=True,
            )
        eventually(self._answers, 30, lambda: f"dockerd does not answer: {self.log[-4000:]}")

    def _answers(self):
        assert self.process.poll() is None, f"dockerd ended with {self.process.returncode}: {self.log[-4000:]}"
        return self.socket.exists() and self.attempt("version").returncode == 0

    def stop(self, number=signal.SIGTERM):
        """Stops the engine as its service does; containers end with it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def close(self):
        """Stops everything, and leaves no trace."""
        self.stop()
        self.slot.release()

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- what the tests do often: without a client, whose start takes longer than all else -----------------

    def _ask(self, method, path):
        connection = http.client.HTTPConnection("localhost", timeout=60)
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.settimeout(60)
            connection.sock.connect(str(self.socket))
            connection.request(method, f"/v1.41{path}")
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status < 400, f"{method} {path}: {text.decode(errors='replace')}"
        return json.loads(text) if text else None

    def inspect(self, name):
        return self._ask("GET", f"/containers/{name}/json")

    def remove(self, name):
        self._ask("DELETE", f"/containers/{name}?force=1&v=1")

    # -- for clients --------------------------------------------------------------------------------

    def environment(self, *folders):
        return {"DOCKER_HOST": f"unix://{self.socket}", "PATH": ":".join([*map(str, folders), TOOLS_PATH])}

    @contextlib.contextmanager
    def socket_of_another_user(self):
        """Meanwhile the socket belongs to nobody, and only its owner may use it."""
        nobody = pwd.getpwnam("nobody")
        before = self.socket.stat()
        os.chown(self.socket, nobody.pw_uid, nobody.pw_gid)
        self.socket.chmod(0o600)
        yield
        os.chown(self.socket, before.st_uid, before.st_gid)
        self.socket.chmod(before.st_mode & 0o777)

    def make_network(self, *options):
        """A network of its own; returns its name."""
        name = self.new_name("net")
        bridge = f"pst{self.slot.number}-{name}"
        self.do("network", "create", "--opt", f"com.docker.network.bridge.name={bridge}", *options, name)
        return name
