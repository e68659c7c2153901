# SPDX-License-Identifier: MIT
"""TinySSH, a server that runs commands and forwards nothing. It serves one connection, as inetd's servers do."""

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from . import procs
from .sshd import make_key, profile_of


def find(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert found, f"{name} is missing: install the package tinysshd"
    return found


class Tinysshd:
    """Accepts connections, and starts a server for each in a mount namespace with a home folder of the test's."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.home = self.folder / "home"
        self.client_key = make_key(self.folder / "client")
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        keys = self.home / ".ssh" / "authorized_keys"
        keys.touch(mode=0o600)
        keys.write_text(Path(f"{self.client_key}.pub").read_text())
        self.keys = self.folder / "keys"
        subprocess.run([find("tinysshd-makekey"), str(self.keys)], check=True, capture_output=True)
        public = subprocess.run([find("tinysshd-printkey"), str(self.keys)], check=True, capture_output=True, text=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        self.user = getpass.getuser()
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {' '.join(public.stdout.split()[:2])}\n")
        self.log_path = self.folder / "log"
        self.started = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        namespace = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps", "--mount"]
        namespace += ["--propagation", "unchanged"]
        script = 'mount --make-rprivate / 2>/dev/null; mount --bind "$1" "$2" && shift 2 && exec "$@"'
        home = pwd.getpwuid(os.geteuid()).pw_dir
        with open(self.log_path, "ab") as log:
            while True:
                try:
                    sock, _ = self.listener.accept()
                except OSError:
                    return
                with sock:
                    words = ["sh", "-c", script, "sh", str(self.home), home, find("tinysshd"), "-v", str(self.keys)]
                    self.started.append(
                        subprocess.Popen(
                            ["unshare", *namespace, *words], stdin=sock, stdout=sock, stderr=log, start_new_session=True
                        )
                    )

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def profile(self, **keys):
        """Keys of an ssh profile for this server."""
        return profile_of(self, **keys)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for process in self.started:
            for pid in procs.descendants(process.pid):
                if procs.program(pid) == find("tinysshd"):
                    procs.kill(pid)
            process.kill()
            process.wait(10)
