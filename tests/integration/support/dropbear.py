# SPDX-License-Identifier: MIT
"""Dropbear, the other SSH server: it knows keys only from a user's ~/.ssh, so it gets a home folder of its own."""

import getpass
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from . import procs
from .ports import free_port
from .sshd import make_key, profile_of
from .wait import eventually


def find_dropbear():
    found = shutil.which("dropbear", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert found, "dropbear is missing: install the package dropbear-bin"
    return found


class Dropbear:
    """Runs in a mount namespace in which the user's home is a folder of the test's."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.host, self.port, self.user = "127.0.0.1", free_port(), getpass.getuser()
        self.log_path = self.folder / "dropbear.log"
        self.client_key = make_key(self.folder / "client")
        home = self.folder / "home"
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        keys = home / ".ssh" / "authorized_keys"
        keys.touch(mode=0o600)
        keys.write_text(Path(f"{self.client_key}.pub").read_text())
        host_key = self.folder / "host_key"
        made = subprocess.run(
            ["dropbearkey", "-t", "ed25519", "-f", str(host_key)], check=True, capture_output=True, text=True
        )
        public = next(line for line in made.stdout.splitlines() if line.startswith("ssh-ed25519 "))
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {' '.join(public.split()[:2])}\n")
        namespace = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps", "--mount"]
        # unshare would make / private, and fail in a chroot, where / is no mount.
        namespace += ["--propagation", "unchanged"]
        script = 'mount --make-rprivate / 2>/dev/null; mount --bind "$1" "$2" && shift 2 && exec "$@"'
        server = [find_dropbear(), "-F", "-E", "-p", f"{self.host}:{self.port}", "-r", str(host_key)]
        server += ["-P", str(self.folder / "pid")]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", *namespace, "sh", "-c", script, "sh", str(home), pwd.getpwuid(os.geteuid()).pw_dir, *server],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._greets, 10, lambda: f"dropbear does not answer: {self.log}")

    def _greets(self):
        assert self.process.poll() is None, f"dropbear ended with {self.process.returncode}: {self.log}"
        try:
            with socket.create_connection((self.host, self.port), 1) as sock:
                return sock.recv(4) == b"SSH-"
        except OSError:
            return False

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def profile(self, **keys):
        """Keys of an ssh profile for this server."""
        return profile_of(self, **keys)

    def stop(self):
        """Ends the server and its connections; programs that sessions have left behind live on."""
        sessions = [pid for pid in procs.descendants(self.process.pid) if procs.program(pid) == find_dropbear()]
        self.process.kill()
        self.process.wait(10)
        for pid in sessions:
            procs.kill(pid)
