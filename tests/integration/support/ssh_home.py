# SPDX-License-Identifier: MIT
"""A home and an /etc/ssh of a test's own, for programs that read ssh_config.

ssh takes the home from the user database, not from $HOME. So the programs run in a mount namespace of their own, with
a user database and an /etc/ssh that are the test's.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[1] / "ssh_configs"


class SshHome:
    """folder: where to put it; build: support.build.Build."""

    def __init__(self, folder, build):
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.ssh = self.home / ".ssh"
        self.etc = self.folder / "etc-ssh"
        self.passwd = self.folder / "passwd"
        self.results = self.folder / "results"
        self.results.mkdir(parents=True)
        shutil.copytree(CONFIGS / "home", self.ssh)
        shutil.copytree(CONFIGS / "etc", self.etc)
        for path in [self.home, *self.home.rglob("*"), *self.etc.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        (self.ssh / "writable.conf").chmod(0o666)
        (self.ssh / ".agents").mkdir()
        variables = {"HOME": self.home, "LAB_NAME": "lab", "LAB_AGENT": "/run/lab.sock", "SSH_AUTH_SOCK": None}
        self.environment = build.environment(variables)
        self.passwd.write_text(f"root:x:0:0:root:{self.home}:/bin/sh\nnobody:x:65534:65534::/nowhere:/bin/false\n")

    def write_config(self, text, mode=0o600):
        """Writes ~/.ssh/config."""
        config = self.ssh / "config"
        config.write_bytes(text if isinstance(text, bytes) else text.encode())
        config.chmod(mode)
        return config

    def run(self, commands):
        """Runs commands one after another. Returns a CompletedProcess (text) for each."""
        script = [
            "set -e",
            f"mount --bind {shlex.quote(str(self.passwd))} /etc/passwd",
            f"mount --bind {shlex.quote(str(self.etc))} /etc/ssh",
            "set +e",
        ]
        for number, command in enumerate(commands):
            name = shlex.quote(str(self.results / str(number)))
            words = " ".join(shlex.quote(str(word)) for word in command)
            script.append(f"{words} >{name}.out 2>{name}.err </dev/null; echo $? >{name}.code")
        as_root = [] if os.geteuid() == 0 else ["-r"]
        done = subprocess.run(
            [shutil.which("unshare"), "-m", *as_root, "/bin/sh", "-c", "\n".join(script)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0 or list(self.results.glob("*.code")), f"no namespace: {done.stderr}"
        return [self._result(number, command) for number, command in enumerate(commands)]

    def _result(self, number, command):
        def text(kind):
            return (self.results / f"{number}.{kind}").read_bytes().decode(errors="surrogateescape")

        return subprocess.CompletedProcess(command, int(text("code")), text("out"), text("err"))
