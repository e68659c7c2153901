# SPDX-License-Identifier: MIT
"""What ssh_config comes to: the settings that penstock uses are those that `ssh -G` prints; where there is no ssh, our
own reader finds the same. Each file of ssh_configs is a ~/.ssh/config; its first lines say what to ask:

    # Hosts: NAME...           the hosts to ask for
    # Options: KEY=VALUE...    as `ssh -o` takes them
    # Differs: NAME            the reader differs in a known way, see DIFFERENCES and docs/SSH.md
    # Refused: [LINE: ]TEXT    ssh refuses the file, and so does the reader, with these words
    # Next: TEXT               and with this way out
"""

import os
import re
import shlex
from collections import defaultdict

import pytest

from support.ssh_expected import expected_settings
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
# distribution-defaults, and lists of algorithms that are not set: they are compared where the file sets them.
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


def test_the_documents_name_the_same_differences():
    page = (CONFIGS.parents[2] / "docs" / "SSH.md").read_text()
    section = page.partition("## Without a system ssh")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == {*DIFFERENCES, "distribution-defaults"}


@named(GOOD)
def test_penstock_uses_what_ssh_prints(config, home, dump):
    """The settings are those of `ssh -G`, expanded; and our reader, asked in its place, finds the same lines."""
    home.write_config(config.text)
    commands = [dump(origin, config.hosts, config.options) for origin in ("system", "reader")]
    commands += [["ssh", "-G", *config.options, "--", host] for host in config.hosts]
    system, reader, *asked = home.run(commands)
    for host, by_system, by_reader, done in zip(config.hosts, dumped(system), dumped(reader), asked):
        expected = ssh_lines(done)
        assert_same(host, expected, by_system.lines, set())
        if not by_system.error:
            by_system.settings["environment"].sort()
            by_reader.settings["environment"].sort()
            settings = expected_settings(expected, by_system.is_set, home.home, home.environment)
            # If nobody sets them, ciphers are ours.
            own = {"ciphers"} - by_system.is_set
            assert_same(host, settings, {key: values for key, values in by_system.settings.items() if values}, own)
        if isinstance(config.difference, str):
            assert config.difference.format(host=host) in by_reader.error
            assert "Install an OpenSSH client" in by_reader.next
            continue
        assert_same(host, expected, by_reader.lines, config.difference | (OWN_DEFAULTS - by_reader.is_set))
        assert_same(host, by_system.settings, by_reader.settings, config.difference)
        if not config.difference:
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


def ask_both(home, dump, host, *options):
    """`ssh -G`, and what the reader found."""
    ssh, reader = home.run([["ssh", "-G", *options, "--", host], dump("reader", [host], options)])
    return ssh, dumped(reader)[0]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(home, dump, mode):
    config = home.write_config("User mallory\n", mode)
    (home.etc / "ssh_config").write_text("")
    ssh, found = ask_both(home, dump, "gpu01")
    # Debian's ssh lets a group write that has no other member.
    assert ssh.returncode != 0 or mode == 0o620
    assert found.error == f"{config}: others may write this file"
    assert found.next == f"ssh refuses it too: chmod go-w '{config}'"


def test_a_file_of_another_user_is_refused(home, dump):
    config = home.write_config("User mallory\n")
    os.chown(config, 65534, 65534)
    ssh, found = ask_both(home, dump, "gpu01")
    assert ssh.returncode != 0
    assert found.error == f"{config}: the file belongs to another user"


def test_a_named_file_is_read_alone(home, dump, tmp):
    home.write_config("User config\nPort 1\n")
    named = tmp / "named file"
    named.write_text("Include conf.d/lab.conf\nCompression yes\n")  # below ~/.ssh all the same
    named.chmod(0o666)  # who names it knows it
    ssh, found = ask_both(home, dump, "gpu01", "-F", str(named))
    assert found.lines["user"] == ["lab"] and found.lines["compression"] == ["yes"]
    assert "sendenv" not in found.lines, "the system's file was read"
    assert_same("gpu01", ssh_lines(ssh), found.lines, OWN_DEFAULTS - found.is_set)


@pytest.mark.parametrize("named", ["none", "NONE", "/dev/null"])
def test_no_file_is_read_if_none_is_named(home, dump, named):
    home.write_config("User config\n")
    ssh, found = ask_both(home, dump, "gpu01", "-F", named)
    assert found.lines["user"] == ["root"] and not found.is_set
    assert_same("gpu01", ssh_lines(ssh), found.lines, OWN_DEFAULTS)


def test_a_named_file_must_be_there(home, dump):
    ssh, found = ask_both(home, dump, "gpu01", "-F", "/no/such/file")
    assert ssh.returncode != 0
    assert found.error == "/no/such/file: No such file or directory"


@pytest.mark.parametrize("option", ["Portt=22", "Port=0", "Host=gpu01", "Match=all", "Include=x", "Port", "User=a b"])
def test_a_bad_option_is_refused(home, dump, option):
    ssh, found = ask_both(home, dump, "gpu01", "-o", option)
    assert ssh.returncode != 0
    assert found.error.startswith("a setting that was given to ssh: ")


def test_the_file_of_the_system_comes_last(home, dump):
    home.write_config("Host *.site.example.com\n    HashKnownHosts no\n")
    ssh, found = ask_both(home, dump, "gpu01.site.example.com")
    assert found.lines["user"] == ["site"]
    assert found.lines["hashknownhosts"] == ["no"]
    assert_same("gpu01", ssh_lines(ssh), found.lines, OWN_DEFAULTS - found.is_set)


def test_where_there_is_no_ssh_the_reader_is_asked(home, dump):
    home.write_config("Host gpu01\n    User alice\n")
    with_ssh, without = home.run(
        [dump("any", ["gpu01"]), ["env", "PATH=/no/such/folder", *dump("any", ["gpu01"])]]
    )
    for done in (with_ssh, without):
        assert dumped(done)[0].settings["user"] == ["alice"]
    assert "gssapitrustdns" not in dumped(without)[0].lines  # the reader knows no patches of distributions


def test_bytes_that_are_no_text(home, dump):
    """They are taken as they are; a line ends at a NUL. A folder is an empty file."""
    config = home.write_config(b"User \xff\xfe\nPort 22\0junk\n\0\n")
    ssh, found = ask_both(home, dump, "gpu01")
    assert found.lines["port"] == ["22"]
    assert_same("gpu01", ssh_lines(ssh), found.lines, OWN_DEFAULTS - found.is_set)
    config.unlink()
    config.mkdir(mode=0o700)
    ssh, found = ask_both(home, dump, "gpu01")
    assert_same("gpu01", ssh_lines(ssh), found.lines, OWN_DEFAULTS - found.is_set)
