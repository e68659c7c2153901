# SPDX-License-Identifier: MIT
"""A project of docker-compose with one service, `app`."""

import json
import shutil
import subprocess

from .client import TOOLS_PATH
from .container import Container


class Compose:
    """Made by the `compose` fixture, which takes it down at the end of the test."""

    def __init__(self, engine, folder, project, image="tools", options=None):
        """`options`: more keys of the service, {"ports": ["127.0.0.1:19090:9090"], …}."""
        self.engine, self.folder, self.project = engine, folder, project
        folder.mkdir()
        service = {"image": engine.images.get(image), "init": True, "stop_grace_period": "0s", **(options or {})}
        # The network that compose makes by itself has a bridge of a random name, which nobody would clear up.
        content = {"version": "2.4", "services": {"app": {"network_mode": "bridge", **service}}}
        self.file = folder / "docker-compose.yml"
        self.file.write_text(json.dumps(content))  # JSON is YAML

    def run(self, *words):
        """Runs docker-compose for the project; returns what it printed."""
        program = shutil.which("docker-compose", path=TOOLS_PATH)
        assert program, "docker-compose is missing: install the package docker-compose"
        command = [program, "--file", str(self.file), "--project-name", self.project, *words]
        done = subprocess.run(
            command,
            env={"HOME": str(self.folder), **self.engine.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"docker-compose {' '.join(words)}: {done.stderr}"
        return done.stdout

    def up(self):
        """Brings the service up; returns its container."""
        self.run("up", "--detach")
        return self.container()

    def container(self):
        return Container(self.engine, self.run("ps", "--quiet", "app").strip())

    def down(self):
        """Removes what there is of it, without docker-compose, which takes seconds to start."""
        label = f"label=com.docker.compose.project={self.project}"
        for each in self.engine.do("ps", "--all", "--quiet", "--filter", label).split():
            self.engine.remove(each)
