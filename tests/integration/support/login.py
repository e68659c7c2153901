# SPDX-License-Identifier: MIT
"""What the tests of logging in share: a gateway that only forwards, agents, and what a server saw."""

import os
import re
import subprocess

from .wait import eventually

CONFIG, UNREACHABLE, AUTH, IDENTITY = 3, 4, 5, 6


class Agent:
    """A real ssh-agent; add(key) loads a key file, env is how to find it."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "agent.sock"
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", str(self.path)], stdout=subprocess.DEVNULL)
        eventually(self.path.exists)
        self.env = {"SSH_AUTH_SOCK": str(self.path)}

    def _ssh_add(self, *args, passphrase=""):
        script = self.folder / "askpass"
        script.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
        script.chmod(0o700)
        asking = {"SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"}
        command = ["ssh-add", *map(str, args)]
        subprocess.run(
            command, check=True, env={**os.environ, **self.env, **asking}, stdin=subprocess.DEVNULL, capture_output=True
        )

    def add(self, key, passphrase="", options=()):
        self._ssh_add("-q", *options, key, passphrase=passphrase)

    def lock(self, passphrase="sesame"):
        self._ssh_add("-x", passphrase=passphrase)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def failed(gateway, code, timeout=20):
    """Waits until the gateway gives up; returns the error."""
    assert gateway.wait(timeout) == code, gateway.story()
    return gateway.find_events("stopped")[0]["error"]


def offers(server):
    """Fingerprints of the keys that were offered, as the server logs them (LogLevel VERBOSE), without repetitions.

    A certificate is logged with the fingerprint of its key: "cert SHA256:…" stands for it here.
    """
    seen = []
    for kind, found in re.findall(r"(?:Failed|Postponed|Accepted) publickey for .* ssh2: (\S+) (SHA256:\S+)", server.log):
        offer = f"cert {found}" if kind.endswith("-CERT") else found
        if not seen or seen[-1] != offer:
            seen.append(offer)
    return seen


def auth_leg(gateway):
    gateway.wait_serving()
    return gateway.wait_event("leg", leg="auth")["text"]


def sign_user_key(ca, public_key, user, *options, identity="test id"):
    """Makes KEY-cert.pub beside KEY.pub, signed by `ca`; returns the certificate's path."""
    command = ["ssh-keygen", "-q", "-s", ca, "-I", identity, "-n", user, *options, public_key]
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    return public_key.parent / (public_key.name.removesuffix(".pub") + "-cert.pub")
