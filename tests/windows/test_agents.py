# SPDX-License-Identifier: MIT
"""Logins by the SSH agents of Windows: a stand-in (agentpipe.c) serves what they are asked by, and a real ssh-agent of
Linux signs."""
import contextlib
import getpass
import hashlib
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from far import FarSolver, Sshd, demo_solver, free_port, make_key
from conftest import windows_path

from support.login import Agent


class Bridge:
    """Passes what comes to a port to the socket of an agent; without one, it takes everything and answers nothing."""

    def __init__(self, path=None):
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self.listener.accept()
                if self.path:
                    other = socket.socket(socket.AF_UNIX)
                    other.connect(str(self.path))
                    for ends in ((one, other), (other, one)):
                        threading.Thread(target=self.carry, args=ends, daemon=True).start()
                else:
                    threading.Thread(target=lambda held=one: held.recv(1 << 20) and held.recv(1), daemon=True).start()

    @staticmethod
    def carry(one, other):
        with contextlib.suppress(OSError):
            while block := one.recv(65536):
                other.sendall(block)
            other.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def pageant_pipe():
    """As PuTTY makes it; Wine's CryptProtectMemory leaves the memory as it is."""
    text = b"\0\0\0\x10" + b"Pageant".ljust(16, b"\0")
    return f"pageant.{getpass.getuser()}.{hashlib.sha256(text).hexdigest()}"


@pytest.fixture
def agents(windows, tmp_path):
    """agents.serve(how, …) starts a stand-in for a real agent; agents.up(…) tells how a gateway gets on."""
    tmp_path.chmod(0o700)

    class Agents:
        def __init__(self):
            self.stack = contextlib.ExitStack()
            self.server = Sshd(tmp_path / "sshd")
            self.stack.callback(self.server.stop)
            self.solver = FarSolver(demo_solver(windows.build), tmp_path / "far")
            self.stack.callback(self.solver.close)
            self.solver.start()
            self.count = 0
            self.lock = threading.Lock()

        def agent(self, keys, lock=False):
            self.count += 1
            folder = tmp_path / f"agent{self.count}"
            folder.mkdir()
            made = Agent(folder)
            self.stack.callback(made.stop)
            for key in keys:
                made.add(key)
            if lock:
                made.lock()
            return made

        def serve(self, agent, *how):
            bridge = Bridge(agent and agent.path)
            process = subprocess.Popen(
                ["wine", str(windows.build / "tests" / "windows" / "agentpipe.exe"), str(bridge.port), *how],
                env=windows.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

            def stop():
                process.stdin.close()
                process.wait(20)
                bridge.close()

            ended = contextlib.ExitStack()
            ended.callback(stop)
            self.stack.callback(ended.close)
            assert process.stdout.readline().strip() == b"ready"
            return ended

        def up(self, **keys):
            """The text of the leg auth, or the error that the gateway ended with."""
            with self.lock:
                self.count += 1
                number, listen = self.count, free_port()
            known = {
                "transport": "ssh",
                "host": self.server.host,
                "port": self.server.port,
                "user": self.server.user,
                "known_hosts": windows_path(self.server.known_hosts),
                "ssh_config": "none",
                "listen": f"127.0.0.1:{listen}",
                "endpoint": f"127.0.0.1:{self.solver.port}",
                "launch": "never",
                "peers": "any",
            }
            config = tmp_path / f"penstock{number}.ini"
            config.write_text("[lab]\n" + "".join(f"{key} = {value}\n" for key, value in (known | keys).items()))
            config.chmod(0o600)
            with windows.gateway(config, "lab") as gateway:
                gateway.wait_event("leg")
                found = []
                while not found:
                    found = [e for e in list(gateway.events) if e["event"] in ("stopped", "serving")]
                    if not found and gateway.process.poll() is not None:
                        gateway.wait_end()
                        found = [e for e in gateway.events if e["event"] == "stopped"]
                if found[0]["event"] == "stopped":
                    return found[0]["error"]
                return [e["text"] for e in gateway.events if e["event"] == "leg" and e["leg"] == "auth"][-1]

        def key(self, name, is_known=True):
            made = make_key(tmp_path / name)
            subprocess.run(["ssh-keygen", "-q", "-c", "-C", name, "-P", "", "-f", str(made)], check=True)
            if is_known:
                self.server.authorize(made)
            return made

    made = Agents()
    yield made
    made.stack.close()


def test_agents_in_the_order_of_windows(agents):
    """OpenSSH's agent is asked first; where it has no key, Pageant is, by its pipe or its window."""
    open_ssh = agents.agent([agents.key("of openssh")])
    pageant = agents.agent([agents.key("of pageant")])
    empty = agents.agent([])
    window = agents.serve(pageant, "window")
    assert "agent key" in (leg := agents.up()) and "of pageant" in leg
    pipe = agents.serve(pageant, "pipe", pageant_pipe())
    window.close()
    assert "of pageant" in agents.up(agent="pageant")
    with agents.serve(empty, "pipe", "openssh-ssh-agent"):
        assert "of pageant" in agents.up()
    with agents.serve(open_ssh, "pipe", "openssh-ssh-agent"):
        assert "of openssh" in agents.up()
    pipe.close()


def test_agents_that_are_of_no_use(agents):
    """Nobody but us, the system and administrators is shown what is to be signed; and what hangs ends in time."""
    key = agents.key("mine")
    own = agents.agent([key])
    agents.serve(own, "everyone", "of-another")
    agents.serve(agents.agent([key], lock=True), "pipe", "locked")
    agents.serve(None, "pipe", "hangs")
    cases = {
        "//./pipe/of-another": "belongs to another user, so it is not used",
        "//./pipe/locked": "the agent at //./pipe/locked shows no key: none is loaded, or it is locked",
        "//./pipe/hangs": "the agent at //./pipe/hangs does not answer",
        "//./pipe/nowhere": "//./pipe/nowhere: there is no such pipe",
        "yes": "no agent runs here: ",
    }
    with ThreadPoolExecutor(2) as pool:
        errors = dict(zip(cases, pool.map(lambda agent: agents.up(agent=agent), cases)))
    for agent, words in cases.items():
        assert errors[agent]["class"] == "auth", errors[agent]
        assert words in errors[agent]["detail"], errors[agent]
    # Where a file does, an agent that does not is no obstacle.
    assert str(key.name) in agents.up(agent="//./pipe/hangs", key=windows_path(key), identities_only="no")
