# SPDX-License-Identifier: MIT
"""Chains of SSH servers, each with keys and known_hosts of its own, and an ssh_config that names them."""


class Route:
    """`servers`: the last one is the solver's host, the others are on the way, first one first."""

    def __init__(self, folder, servers):
        self.servers = servers
        self.names = [f"hop{number}" for number in range(1, len(servers))] + ["gpu"]
        self.config = folder / "ssh_config"
        self.more = {}  # further lines for a host
        self.write()

    @property
    def last(self):
        return self.servers[-1]

    def write(self):
        """Writes ssh_config anew."""
        blocks = []
        for name, server in zip(self.names, self.servers):
            lines = self.more.get(name, []) + [
                f"HostName {server.host}",
                f"Port {server.port}",
                f"User {server.user}",
                f"IdentityFile {server.client_key}",
                f"UserKnownHostsFile {server.known_hosts}",
                "GlobalKnownHostsFile none",
                "IdentityAgent none",
            ]
            blocks.append("\n  ".join([f"Host {name}", *lines]) + "\n")
        self.config.write_text("".join(blocks))

    def profile(self, **keys):
        """Keys of a profile that goes all the way."""
        jump = ", ".join(self.names[:-1]) or None
        return {"transport": "ssh", "host": "gpu", "jump": jump, "ssh_config": self.config, **keys}
