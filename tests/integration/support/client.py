# SPDX-License-Identifier: MIT
"""What the tests do with an engine's client, docker or podman: it makes images and containers."""

import json
import subprocess

from .container import Container
from .images import Images

# The packages' programs first: the tests hold with what Debian has, whatever else is installed.
TOOLS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Client:
    """`program` is the client that is run. Subclasses say with which environment."""

    def __init__(self, program, folder, build_folder):
        self.program, self.folder = program, folder
        self.images = Images(self, build_folder)
        self._count = 0
        self._plain = None

    def environment(self, *folders):
        """What makes a client use this engine; `folders` come first in its PATH."""
        raise NotImplementedError

    def attempt(self, *words, input=b"", timeout=60):
        """Runs a command of the client; returns the CompletedProcess."""
        return subprocess.run(
            [str(self.program), *map(str, words)],
            env={"HOME": str(self.folder), "LANG": "C.UTF-8", **self.environment()},
            input=input,
            capture_output=True,
            timeout=timeout,
        )

    def do(self, *words, input=b""):
        """The same, which must succeed; returns what it printed."""
        done = self.attempt(*words, input=input)
        assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode(errors="replace").strip()

    def import_image(self, reference, tar, changes):
        words = [word for change in changes for word in ("--change", change)]
        self.do("import", *words, "-", reference, input=tar)

    def new_name(self, stem="ppf"):
        self._count += 1
        return f"{stem}-{self._count}"

    def run(self, *options, image="tools", command=(), name=None, start=True, init=True):
        """`docker run --detach` (or `create`) with an image of support.images; returns the Container."""
        name = name or self.new_name()
        how = ["run", "--detach"] if start else ["create"]
        how += ["--init"] if init else []
        self.do(*how, "--name", name, *options, self.images.get(image), *command)
        return Container(self, name)

    def inspect(self, name):
        return json.loads(self.do("container", "inspect", name))[0]

    def remove(self, name):
        self.do("rm", "--force", "--volumes", name)

    def plain(self):
        """The one container that most tests are content with, published on the loopback, as good as new."""
        if not self._plain or not self._plain.is_as_before():
            if self._plain:
                self.attempt("rm", "--force", self._plain.id)
            self._plain = self.run("--publish", "127.0.0.1::9090")
            self._plain.remember()
        self._plain.clean()
        return self._plain
