# SPDX-License-Identifier: MIT
"""The ways from the client to the load server that are compared. Each is stopped by pid."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import usage
from support import procs
from support.gateway import Gateway, write_ini
from support.ports import free_port, is_listening
from support.wait import eventually

HERE = Path(__file__).resolve().parent
BUFFER = 256 * 1024
OURS = "penstock"


def find_program(name):
    """Its path. haproxy lies where only root looks."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError(
            f"'{name}' is missing: install the packages socat, haproxy, openssh-client and openssh-server"
        )
    return found


def streams_allowed():
    """How many streams a forwarder may have at once, which are two sockets each. Some descriptors are for the rest."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 600) // 2


class Route:
    """A way.

    name  as reports call it           pid   the forwarder's process, None if there is none
    port  where a client connects      far   what carries the bytes on the far side (it has cpu()), or None
    part  of the bytes of a bulk row this way gets so many: 1/part. For ways that are much slower than others.
    """

    name = "?"
    pid = None
    port = None
    far = None
    part = 1

    def cpu(self):
        return usage.cpu_seconds(self.pid) if self.pid else 0.0

    def far_cpu(self):
        return self.far.cpu() if self.far else 0.0

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
        try:
            eventually(self._listens, 15, lambda: f"{self.name} does not listen: {self._words()}")
        except BaseException:
            self.close()
            raise

    def _words(self):
        return self.log.read_text(errors="replace")

    def _listens(self):
        assert self.process.poll() is None, f"{self.name} ended: {self._words()}"
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
    """With `splice-auto`, where haproxy decides whether it splices: beside these load programs it never does."""

    name = "haproxy"
    options = ["splice-auto"]

    def __init__(self, server_port, tmp):
        self.port = free_port()
        config = tmp / f"haproxy-{self.port}.cfg"
        options = "\n".join(f"  option {option}" for option in self.options)
        config.write_text(
            f"""global
  nbthread 1
  maxconn {min(10100, streams_allowed() + 20)}
  maxpipes 100
defaults
  mode tcp
{options}
  timeout connect 10s
  timeout client 10m
  timeout server 10m
listen load
  bind 127.0.0.1:{self.port} backlog 1024
  server far 127.0.0.1:{server_port}
"""
        )
        self.start(["haproxy", "-db", "-f", config], config.with_suffix(".log"))


class HaproxySplice(Haproxy):
    """It always splices."""

    name = "haproxy splice"
    options = ["splice-request", "splice-response"]


def ssh_command(far, forward, ciphers=None):
    """The words of an `ssh -N -L`."""
    sshd = far.sshd
    command = ["ssh", "-F", "none", "-N", "-T", "-p", far.port, "-i", sshd.client_key]
    command += ["-c", ciphers] if ciphers else []
    command += ["-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "ExitOnForwardFailure=yes"]
    command += ["-o", f"UserKnownHostsFile={sshd.known_hosts}"]
    return [*map(str, command), "-L", forward, f"{sshd.user}@{sshd.host}"]


class SshForward(Program):
    name = "ssh -L"

    def __init__(self, server_port, tmp, far, ciphers=None):
        self.port = free_port()
        self.far = far
        forward = f"127.0.0.1:{self.port}:127.0.0.1:{server_port}"
        self.start(ssh_command(far, forward, ciphers), tmp / f"ssh-{self.port}.log")


class Paramiko(Program):
    """The Blender add-on's own way: paramiko, compressed, a channel for each connection."""

    name = "paramiko"
    part = 10

    def __init__(self, server_port, tmp, far):
        self.port = free_port()
        self.far = far
        sshd = far.sshd
        # Debian's paramiko belongs to Debian's python3.
        python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
        command = [python, HERE / "paramiko_forward.py", sshd.host, far.port, sshd.user, sshd.client_key]
        command += [sshd.known_hosts, self.port, server_port]
        self.start(command, tmp / f"paramiko-{self.port}.log")


def write_profile(name, port, tmp, keys, listen="127.0.0.1:0"):
    """The configuration of a gateway whose endpoint is `port` over there."""
    profile = {"endpoint": f"127.0.0.1:{port}", **keys}
    return write_ini(tmp / f"{name}-{free_port()}.ini", {"gateway": {"listen": listen}, "bench": profile})


# A profile that only forwards, to something that is no solver.
FORWARDING = {"launch": "never", "probe": "tcp"}


class Penstock(Route):
    """The gateway in front of `port`. `keys` are those of the transport, and whether a solver is behind the port."""

    name = OURS

    def __init__(self, build, port, tmp, keys, far=None, name=OURS):
        self.name = name
        self.far = far
        config = write_profile("penstock", port, tmp, keys)
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


class Maker:
    """A way that a row makes afresh for each measurement."""

    def __init__(self, name, make):
        self.name = name
        self.make = make


class Starter:
    """A way whose start is measured: `make(port)` gives the command and its environment that will listen there."""

    def __init__(self, name, make):
        self.name = name
        self.make = make
