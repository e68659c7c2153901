# SPDX-License-Identifier: MIT
"""A private podman: own storage, own network. It has no engine that runs: the client is all of it."""

import tempfile
from pathlib import Path

from .client import TOOLS_PATH, Client
from .slot import CLEAR, Slot

# What Debian's podman has to be told: that it may not be able to raise limits, and which runtime and init are there.
SETTINGS = """
[containers]
default_ulimits = []
init_path = "/usr/bin/docker-init"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/tmp"
[network]
network_backend = "cni"
network_config_dir = "{folder}/networks"
default_network = "penstock"
"""
NETWORK = """
{{"cniVersion": "0.4.0", "name": "penstock", "plugins": [
  {{"type": "bridge", "bridge": "{bridge}", "isGateway": true, "ipMasq": false, "hairpinMode": true,
    "ipam": {{"type": "host-local", "dataDir": "{folder}/addresses", "ranges": [[{{"subnet": "{subnet}"}}]]}}}},
  {{"type": "portmap", "capabilities": {{"portMappings": true}}}}]}}
"""


class Podman(Client):
    """Used through `client`, a script that stands for `podman`. Made by the `podman` fixture."""

    def __init__(self, build_folder):
        self.slot = Slot()
        folder = Path(tempfile.mkdtemp(prefix="pst-podman-"))
        self.slot.record(folder)
        bridge = f"pst{self.slot.number}-podman"
        values = {"folder": folder, "bridge": bridge, "subnet": f"10.233.{self.slot.number}.0/24"}
        for made in ("bin", "tmp", "networks"):
            (folder / made).mkdir()
        (folder / "containers.conf").write_text(SETTINGS.format(**values))
        (folder / "networks" / "penstock.conflist").write_text(NETWORK.format(**values))
        self.client = folder / "bin" / "podman"
        self.client.write_text(
            f"#!/bin/sh\nCONTAINERS_CONF='{folder}/containers.conf' exec /usr/bin/podman --root '{folder}/root' "
            f"--runroot '{folder}/run' --tmpdir '{folder}/tmp' \"$@\"\n"
        )
        clear = folder / CLEAR  # takes the rules of published ports back, too
        clear.write_text(f"#!/bin/sh\nexec '{self.client}' rm --all --force --time=0\n")
        for script in (self.client, clear):
            script.chmod(0o755)
        super().__init__(self.client, folder, build_folder)

    def environment(self, *folders):
        """What makes `podman` be this one; `folders` come first in PATH."""
        return {"PATH": ":".join([*map(str, folders), str(self.client.parent), TOOLS_PATH])}

    def close(self):
        """Removes everything, and leaves no trace."""
        self.slot.release()
