# SPDX-License-Identifier: MIT
"""What ssh_config comes to: the settings that penstock uses are those that `ssh -G` prints; where there is no ssh, our
own reader finds the same. Each file of ssh_configs is a ~/.ssh/config; its first lines say what to ask:

    # Hosts: NAME...           the hosts to ask for
    # Options: KEY=VALUE...    as `ssh -o` takes them
    # Differs: NAME            the reader differs in a known way, see DIFFERENCES and docs/SSH.md
    # Refused: [LINE: ]TEXT    ssh refuses the file, and so does the reader, with these words
    # Next: TEXT               and with this way out
"""

import re
import shlex
from collections import defaultdict

import pytest

from support.ssh_home import CONFIGS, SshHome

ALGORITHMS = {
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "hostbasedacceptedalgorithms",
    "pubkeyacceptedalgorithms",
    "casignaturealgorithms",
    "gssapikexalgorithms",
}

# How the reader differs from `ssh -G`, by the name that docs/SSH.md gives it. A keyword: its lines are not compared.
# A text: the reader refuses the file with these words.
DIFFERENCES = {
    "algorithm-changes": ALGORITHMS,
    "canonical-names": "ssh_config says CanonicalizeHostname for {host}: only an ssh client can do that",
    "match-exec": "Match exec cannot be judged without an ssh client",
    "socket-forwardings": {"localforward", "remoteforward", "dynamicforward"},
    "debian-batch-mode": {"serveraliveinterval", "serveraliveinterval_ms"},
    "debian-silent": {"loglevel"},
}
# Defaults that are not the same for every ssh: they are compared where the file sets them.
OWN_DEFAULTS = ALGORITHMS | {
    "forwardx11trusted",
    "gssapikeyexchange",
    "gssapitrustdns",
    "gssapirenewalforcesrekey",
    "ipqos",
    "xauthlocation",
}


class Config:
    """A file of ssh_configs and what its first lines say."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_bytes()
        said = defaultdict(str)
        for line in self.text.decode().splitlines()[:5]:
            found = re.match(r"# (Hosts|Options|Differs|Refused|Next): (.*)", line)
            if found:
                said[found[1]] = found[2].strip()
        self.hosts = said["Hosts"].split()
        self.options = [word for option in shlex.split(said["Options"], posix=False) for word in ("-o", option)]
        self.difference = DIFFERENCES[said["Differs"]] if said["Differs"] else set()
        self.refused, self.next = said["Refused"], said["Next"]
        assert self.hosts, f"{path.name} names no hosts"


FILES = [Config(path) for path in sorted(CONFIGS.glob("*.conf"))]
GOOD = [config for config in FILES if not config.refused]
BAD = [config for config in FILES if config.refused]


def named(configs):
    return pytest.mark.parametrize("config", configs, ids=[config.path.stem for config in configs])


@pytest.fixture
def home(tmp, penstock):
    return SshHome(tmp / "ssh", penstock)


class Found:
    """What ssh_settings_dump printed of one host: lines and settings, keyword -> values; error and next."""

    def __init__(self):
        self.lines, self.settings = defaultdict(list), defaultdict(list)
        self.is_set = set()
        self.error = self.next = ""
        self.warnings = []

    def take(self, line):
        kind, _, rest = line.partition(" ")
        keyword, _, value = rest.partition(" ")
        if kind in ("set", "not"):
            self.lines[keyword].append(value)
            self.is_set |= {keyword} if kind == "set" else set()
        elif kind == "use":
            self.settings[keyword].append(value)
        elif kind == "warning":
            self.warnings.append(rest)
        else:
            assert kind in ("error", "next"), line
            setattr(self, kind, rest)


@pytest.fixture
def dump(penstock):
    """dump("reader", hosts, options) is the command that prints what penstock finds."""
    program = penstock.folder / "tests" / "tools" / "ssh_settings_dump"
    return lambda origin, hosts, options=(): [program, origin, *options, "--", *hosts]


def dumped(done):
    """A Found for each host."""
    assert done.returncode == 0, done.stderr
    found = []
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            found.append(Found())
        else:
            found[-1].take(line)
    return found


def ssh_lines(done):
    """What `ssh -G` printed."""
    assert done.returncode == 0, done.stderr
    found = defaultdict(list)
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        found[keyword.lower()].append(value)
    return found


def assert_same(host, expected, found, left_out):
    for keyword in (expected.keys() | found.keys()) - left_out:
        assert found.get(keyword) == expected.get(keyword), f"{host}: {keyword}"


def test_there_are_files_enough():
    assert len(GOOD) >= 60 and len(BAD) >= 20


@named(GOOD)
def test_penstock_uses_what_ssh_prints(config, home, dump):
    """The lines of our reader are those of `ssh -G`, and what penstock makes of the one is what it makes of the other."""
    home.write_config(config.text)
    commands = [dump(origin, config.hosts, config.options) for origin in ("system", "reader")]
    commands += [["ssh", "-G", *config.options, "--", host] for host in config.hosts]
    system, reader, *asked = home.run(commands)
    for host, by_system, by_reader, done in zip(config.hosts, dumped(system), dumped(reader), asked):
        expected = ssh_lines(done)
        assert_same(host, expected, by_system.lines, set())
        if isinstance(config.difference, str):
            assert config.difference.format(host=host) in by_reader.error
            assert "Install an OpenSSH client" in by_reader.next
            continue
        assert_same(host, expected, by_reader.lines, config.difference | (OWN_DEFAULTS - by_reader.is_set))
        assert_same(host, by_system.settings, by_reader.settings, config.difference)
        assert (by_system.error, by_system.warnings) == (by_reader.error, by_reader.warnings)


@named(BAD)
def test_what_ssh_refuses_is_refused_with_its_place(config, home, dump):
    home.write_config(config.text)
    (host,) = config.hosts
    ssh, reader = home.run([["ssh", "-G", *config.options, "--", host], dump("reader", [host], config.options)])
    assert ssh.returncode != 0, "ssh takes it"
    (found,) = dumped(reader)
    # A line of the file itself goes by its number alone.
    words = re.sub(r"^(\d+): ", r"/.ssh/config:\1: ", config.refused)
    assert words in found.error
    assert config.next in found.next
    assert not found.lines
