# SPDX-License-Identifier: MIT
"""A real OpenSSH server of our own: own keys, own configuration, a loopback port."""

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from . import procs
from .ports import free_port
from .wait import eventually

# sshd's privilege separation insists on this folder when it runs as root.
PRIVSEP_FOLDER = "/run/sshd"


def find_sshd():
    """sshd must be started by its absolute path."""
    found = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/local/sbin")
    assert found, "sshd is missing: install the package openssh-server"
    return found


def make_key(path, kind="ed25519", passphrase="", comment="penstock-test"):
    """Makes a key pair; returns the private key's path."""
    command = ["ssh-keygen", "-q", "-t", kind, "-f", str(path), "-N", passphrase, "-C", comment]
    if kind == "rsa":
        command += ["-b", "2048"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Path(path)


def fingerprint(public_key):
    """"SHA256:…" of a public key file."""
    text = subprocess.run(["ssh-keygen", "-lf", str(public_key)], check=True, capture_output=True, text=True).stdout
    return text.split()[1]


def profile_of(server, **keys):
    """Keys of an ssh profile for a server."""
    return {
        "transport": "ssh",
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "key": server.client_key,
        "known_hosts": server.known_hosts,
        "agent": False,
        "ssh_config": "none",  # not the developer's; a test that wants a file names it
        **keys,
    }


class Sshd:
    """Started by the `sshd` fixture, which stops it at the end of the test."""

    def __init__(self, folder, config=(), host_keys=("ed25519",), port=None, shell=None, binds=()):
        """`shell`: the user's login shell; the server then runs in a mount namespace with a user database of its own.

        `binds`: more (file, place) of such a namespace, files that stand in others' places there.
        """
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.user = getpass.getuser()
        self.log_path = self.folder / "sshd.log"
        self.home = self.folder / "home"  # of sessions, so that nobody's own shell start-up files run in them
        self.home.mkdir(mode=0o700)
        self.host_keys = [make_key(self.folder / f"host_{kind}", kind) for kind in host_keys]
        self.client_key = make_key(self.folder / "client")
        self.authorized_keys = self.folder / "authorized_keys"
        self.known_hosts = self.folder / "known_hosts"
        self.extra = list(config)
        self.shell = shell
        self.binds = list(binds)
        self.process = None
        self.authorize(self.client_key)
        self.trust()
        self.start()

    # -- files --------------------------------------------------------------------------------------

    def authorize(self, key, options=""):
        """Lets a key in (its .pub is appended to authorized_keys)."""
        line = Path(f"{key}.pub").read_text()
        with open(self.authorized_keys, "a") as file:
            file.write(f"{options} {line}" if options else line)

    def trust(self):
        """Writes known_hosts with the present host keys."""
        self.known_hosts.write_text("".join(self.known_hosts_lines()))

    def known_hosts_lines(self, host=None):
        """The lines that OpenSSH would write for this server."""
        name = f"[{host or self.host}]:{self.port}"
        return [f"{name} {' '.join(Path(f'{key}.pub').read_text().split()[:2])}\n" for key in self.host_keys]

    def new_host_keys(self):
        """Changes the host keys, as a reinstalled or an impostor host has them; restarts."""
        for key in self.host_keys:
            kind = key.name.split("_", 1)[1]
            key.unlink()
            Path(f"{key}.pub").unlink()
            make_key(key, kind)
        self.restart()

    def fingerprints(self):
        """SHA256 fingerprints of the host keys."""
        return [fingerprint(f"{key}.pub") for key in self.host_keys]

    def _write_config(self):
        lines = list(self.extra)  # sshd takes the first value it meets, so a test's own lines come first
        lines += [f"HostKey {key}" for key in self.host_keys]
        lines += [
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.folder}/sshd.pid",
            f"SetEnv HOME={self.home}",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "AllowTcpForwarding yes",
            "AllowStreamLocalForwarding yes",
            "MaxSessions 500",
            "UseDNS no",
            "PrintMotd no",
            "LogLevel VERBOSE",
        ]
        if not any(line.startswith("MaxStartups") for line in self.extra):  # of these the last one counts
            lines.append("MaxStartups 500")
        path = self.folder / "sshd_config"
        path.write_text("\n".join(lines) + "\n")
        return path

    # -- life ---------------------------------------------------------------------------------------

    def _passwd(self):
        """A user database that gives the user another shell, and a home that is the test's own."""
        me = pwd.getpwuid(os.geteuid())
        lines = [":".join(map(str, (*row[:5], self.home, self.shell) if row.pw_name == me.pw_name else row)) + "\n"
                 for row in pwd.getpwall()]
        passwd = self.folder / "passwd"
        passwd.write_text("".join(lines))
        passwd.chmod(0o644)
        return passwd

    def _under(self):
        """The words before sshd's own that put files in the places of others, for it alone."""
        binds = [*self.binds, *([(self._passwd(), "/etc/passwd")] if self.shell else [])]
        if not binds:
            return []
        namespace = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps", "--mount"]
        # unshare would make / private, and fail in a chroot, where / is no mount.
        script = (
            "mount --make-rprivate / 2>/dev/null; "
            'while [ "$1" != -- ]; do mount --bind "$1" "$2" && shift 2 || exit; done; shift; exec "$@"'
        )
        words = [str(word) for bind in binds for word in bind]
        return ["unshare", *namespace, "--propagation", "unchanged", "sh", "-c", script, "sh", *words, "--"]

    def start(self):
        """Starts and waits until it greets."""
        if os.geteuid() == 0:
            os.makedirs(PRIVSEP_FOLDER, mode=0o755, exist_ok=True)
        self.process = subprocess.Popen(
            [*self._under(), find_sshd(), "-D", "-f", str(self._write_config()), "-E", str(self.log_path)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        eventually(self._greets, 10, lambda: f"sshd does not answer: {self.log}")

    def _greets(self):
        assert self.process.poll() is None, f"sshd ended with {self.process.returncode}: {self.log}"
        try:
            with socket.create_connection((self.host, self.port), 1) as sock:
                return sock.recv(4) == b"SSH-"
        except OSError:
            return False

    def sessions(self):
        """Pids of the processes that serve connections."""
        return procs.descendants(self.process.pid) if self.process.poll() is None else []

    def kill_sessions(self):
        """Cuts every connection at once; the server itself lives on."""
        # Only sshd's own processes: what a session has started is not the connection.
        for pid in self.sessions():
            if procs.program(pid) == find_sshd():
                procs.kill(pid)

    def stop(self):
        """Ends the server and its connections; programs that sessions have left behind live on."""
        if self.process.poll() is None:
            sessions = [pid for pid in self.sessions() if procs.program(pid) == find_sshd()]
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            for pid in sessions:
                procs.kill(pid)

    def restart(self):
        """Stops and starts, on the same port with the configuration as it is now."""
        self.stop()
        self.start()

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- for clients --------------------------------------------------------------------------------

    def profile(self, **keys):
        """Keys of an ssh profile for this server."""
        return profile_of(self, **keys)

    def ssh(self, *command, options=()):
        """Runs a command there with the system's ssh; returns the CompletedProcess."""
        base = ["ssh", "-F", "none", "-p", str(self.port), "-i", str(self.client_key), "-o", "BatchMode=yes"]
        base += ["-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "IdentityAgent=none"]
        return subprocess.run(
            [*base, *options, f"{self.user}@{self.host}", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
