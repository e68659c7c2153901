# SPDX-License-Identifier: MIT
"""The ways from the client to the load server that are compared. Each is stopped by pid."""

import os
import shutil
import subprocess

from support import procs
from support.gateway import Gateway, write_ini
from support.ports import free_port, is_listening
from support.wait import eventually

TICKS = os.sysconf("SC_CLK_TCK")
BUFFER = 256 * 1024
CIPHER = "aes128-gcm@openssh.com"


def cpu_seconds(pid):
    """CPU time of a process, its children that have ended, and its descendants that live."""
    total = 0
    for each in [pid, *procs.descendants(pid)]:
        try:
            with open(f"/proc/{each}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile, and is its parent's to count
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def find_program(name):
    """Its path. haproxy lies where only root looks."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"'{name}' is missing: install the packages socat, haproxy, openssh-client and openssh-server")
    return found


class Route:
    """A way; `pid` is the forwarder's process, None if there is none."""

    name = "?"
    pid = None
    port = None

    def cpu(self):
        return cpu_seconds(self.pid) if self.pid else 0.0

    def close(self):
        pass


class Direct(Route):
    """Nothing between: the limit."""

    name = "direct"

    def __init__(self, server_port):
        self.port = server_port


class Program(Route):
    """A forwarder that listens on a port of our choice."""

    def start(self, command, log):
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [find_program(command[0]), *map(str, command[1:])],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self.process.pid
        eventually(self._listens, 15, lambda: f"{self.name} does not listen: {self.log.read_text(errors='replace')}")

    def _listens(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.log.read_text(errors='replace')}"
        return is_listening(self.port)

    def close(self):
        procs.end([*procs.descendants(self.pid), self.pid])
        self.process.wait(10)


class Socat(Program):
    name = "socat"

    def __init__(self, server_port, tmp):
        self.port = free_port()
        listen = f"TCP-LISTEN:{self.port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024"
        self.start(["socat", "-b", BUFFER, listen, f"TCP:127.0.0.1:{server_port},nodelay"], tmp / "socat.log")


class Haproxy(Program):
    name = "haproxy"

    def __init__(self, server_port, tmp):
        self.port = free_port()
        config = tmp / "haproxy.cfg"
        config.write_text(
            f"""global
  nbthread 1
  maxconn 2000
defaults
  mode tcp
  option splice-auto
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen load
  bind 127.0.0.1:{self.port}
  server far 127.0.0.1:{server_port}
"""
        )
        self.start(["haproxy", "-db", "-f", config], tmp / "haproxy.log")


class SshForward(Program):
    name = "ssh -L"

    def __init__(self, server_port, tmp, sshd):
        self.port = free_port()
        command = ["ssh", "-F", "none", "-N", "-T", "-p", sshd.port, "-i", sshd.client_key, "-c", CIPHER]
        command += ["-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "ExitOnForwardFailure=yes"]
        command += ["-o", f"UserKnownHostsFile={sshd.known_hosts}"]
        command += ["-L", f"127.0.0.1:{self.port}:127.0.0.1:{server_port}", f"{sshd.user}@{sshd.host}"]
        self.start(command, tmp / "ssh.log")


class Penstock(Route):
    """The gateway, forwarding only: the load server is its endpoint."""

    def __init__(self, name, build, server_port, tmp, keys):
        self.name = name
        profile = {"endpoint": f"127.0.0.1:{server_port}", "launch": "never", "probe": "tcp", **keys}
        sections = {"gateway": {"listen": "127.0.0.1:0"}, "bench": profile}
        config = write_ini(tmp / f"{name.replace(' ', '-')}.ini", sections)
        self.gateway = Gateway(build, config, "bench", config.with_suffix(".log"))
        self.pid = self.gateway.pid
        try:
            self.gateway.wait_state("up")
            self.port = self.gateway.port
        except BaseException:
            self.close()
            raise

    def close(self):
        self.gateway.close()
