# SPDX-License-Identifier: MIT
"""Who is at the other end: host keys are judged before anything is sent that a stranger should not have."""

import json
import re
import stat
import subprocess

import pytest

from support.gateway import write_ini
from support.sshd import fingerprint, make_key

CONFIG, IDENTITY = 3, 6

VERBOSE = ["LogLevel DEBUG1"]


@pytest.fixture
def up(gateway, solver):
    """up(server, **keys) starts a gateway that only forwards to a demo solver over that server."""
    behind = solver()

    def start(server, **keys):
        return gateway(server.profile(endpoint=f"127.0.0.1:{behind.port}", launch="never", **keys))

    return start


def refused(gateway):
    """Waits until the gateway gives up for the host's identity; returns the error."""
    assert gateway.wait() == IDENTITY, gateway.story()
    error = gateway.find_events("stopped")[0]["error"]
    assert (error["leg"], error["class"]) == ("host-key", "peer-identity")
    return error


def authentications(server):
    """What the server saw of logins. It must be nothing where the host was refused."""
    return re.findall(r"userauth-request.*", server.log)


def connections(server):
    return re.findall(r"^Connection from .*", server.log, re.M)


def host_key_leg(gateway):
    return gateway.wait_event("leg", leg="host-key")["text"]


def test_known_host_is_accepted(sshd, up):
    server = sshd(config=VERBOSE)
    gateway = up(server)
    gateway.wait_serving()
    assert host_key_leg(gateway) == "known_hosts:1 ssh-ed25519"
    assert authentications(server)


def test_unknown_host_is_refused_before_any_authentication(sshd, up):
    server = sshd(config=VERBOSE)
    server.known_hosts.write_text("")
    error = refused(up(server))
    assert server.fingerprints()[0] in error["what"]
    assert "ssh-ed25519" in error["what"]
    assert f"[127.0.0.1]:{server.port}" in error["what"]
    assert "penstock trust lab" in error["next"]
    assert connections(server)
    assert not authentications(server)
    assert server.known_hosts.read_text() == ""


def test_missing_known_hosts_file_is_an_empty_one(sshd, up, tmp):
    server = sshd()
    missing = tmp / "nowhere" / "known_hosts"
    refused(up(server, known_hosts=missing))
    assert not missing.parent.exists()


def test_changed_key_is_refused_with_both_fingerprints(sshd, up):
    server = sshd(config=VERBOSE)
    known = server.fingerprints()[0]
    server.known_hosts.write_text("# a comment\n" + server.known_hosts.read_text())
    server.new_host_keys()
    error = refused(up(server))
    shown = server.fingerprints()[0]
    assert known != shown
    assert known in error["what"] and shown in error["what"]
    assert f"{server.known_hosts}:2" in error["what"]
    command = re.search(r"ssh-keygen -f '(.*)' -R '(.*?)'", error["next"])
    assert command.groups() == (str(server.known_hosts), f"[127.0.0.1]:{server.port}")
    assert not authentications(server)


def test_accept_new_never_accepts_a_changed_key(sshd, up):
    server = sshd(config=VERBOSE)
    before = server.known_hosts.read_text()
    server.new_host_keys()
    refused(up(server, host_key="accept-new"))
    assert server.known_hosts.read_text() == before
    assert not authentications(server)


def test_key_of_another_type_than_the_known_one_is_a_change(sshd, up, tmp):
    server = sshd(config=VERBOSE)
    other = make_key(tmp / "other", "ecdsa")
    kind, key = (tmp / "other.pub").read_text().split()[:2]
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    error = refused(up(server, host_key="accept-new"))
    assert fingerprint(f"{other}.pub") in error["what"]
    assert server.fingerprints()[0] in error["what"]


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_known_key_type_is_asked_for_first(sshd, up, kind):
    """The host has several keys, one of them is known: it must not look changed because another is the default."""
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    lines = {line.split()[1]: line for line in server.known_hosts_lines()}
    name = {"ecdsa": "ecdsa-sha2-nistp256", "rsa": "ssh-rsa"}[kind]
    server.known_hosts.write_text(lines[name])
    gateway = up(server)
    gateway.wait_serving()
    assert host_key_leg(gateway) == f"known_hosts:1 {name}"


def test_hashed_names_are_read(sshd, up):
    server = sshd()
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(server.known_hosts)], check=True, capture_output=True)
    assert "127.0.0.1" not in server.known_hosts.read_text()
    up(server).wait_serving()


def test_revoked_key_is_refused(sshd, up):
    server = sshd(config=VERBOSE)
    key = " ".join(server.known_hosts_lines()[0].split()[1:])
    with open(server.known_hosts, "a") as file:
        file.write(f"@revoked * {key}\n")
    error = refused(up(server))
    assert "revoked" in error["what"] and f"{server.known_hosts}:2" in error["what"]
    assert not authentications(server)


def test_accept_new_remembers_the_key(sshd, up, tmp):
    server = sshd()
    known_hosts = tmp / "fresh" / "known_hosts"
    first = up(server, known_hosts=known_hosts, host_key="accept-new")
    first.wait_serving()
    assert server.fingerprints()[0] in host_key_leg(first)
    assert f"added to {known_hosts}" in host_key_leg(first)
    assert known_hosts.read_text() == server.known_hosts_lines()[0]
    assert stat.S_IMODE(known_hosts.stat().st_mode) == 0o600
    assert stat.S_IMODE(known_hosts.parent.stat().st_mode) == 0o700
    first.stop()
    second = up(server, known_hosts=known_hosts, host_key="strict")
    second.wait_serving()
    assert host_key_leg(second) == "known_hosts:1 ssh-ed25519"


def test_pinned_key_is_accepted_without_known_hosts(sshd, up):
    server = sshd()
    server.known_hosts.write_text("")
    gateway = up(server, host_key_fingerprint=server.fingerprints()[0])
    gateway.wait_serving()
    assert host_key_leg(gateway).startswith("pinned ssh-ed25519 SHA256:")


def test_other_key_than_the_pinned_one_is_refused(sshd, up, tmp):
    server = sshd(config=VERBOSE)
    pinned = fingerprint(f"{make_key(tmp / 'other')}.pub")
    error = refused(up(server, host_key_fingerprint=pinned))
    assert pinned in error["what"] and server.fingerprints()[0] in error["what"]
    assert not authentications(server)


@pytest.mark.parametrize("number", range(3))
def test_pin_may_be_of_any_of_the_hosts_keys(sshd, up, number):
    """A host shows one key a connection, and a pin does not say which type its key has."""
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"), config=VERBOSE)
    server.known_hosts.write_text("")
    kinds = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]
    gateway = up(server, host_key_fingerprint=server.fingerprints()[number])
    gateway.wait_serving()
    assert host_key_leg(gateway) == f"pinned {kinds[number]} {server.fingerprints()[number]}"
    assert len(connections(server)) == number + 2  # one more is the test's own, which waits for the server to greet


def test_pin_of_another_key_behind_a_hop(sshd, up):
    hop, server = sshd(), sshd(host_keys=("ed25519", "ecdsa"))
    hop.authorize(server.client_key)
    server.known_hosts.write_text(hop.known_hosts.read_text())
    jump = f"{hop.user}@{hop.host}:{hop.port}"
    config = server.folder / "ssh_config"
    config.write_text(f"IdentityFile {server.client_key}\n")
    gateway = up(server, jump=jump, ssh_config=config, host_key_fingerprint=server.fingerprints()[1])
    gateway.wait_serving()
    assert gateway.wait_event("leg", leg="host-key", where=lambda event: "pinned" in event["text"])


def test_pin_that_is_of_none_of_the_hosts_keys(sshd, up, tmp):
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"), config=VERBOSE)
    pinned = fingerprint(f"{make_key(tmp / 'other')}.pub")
    error = refused(up(server, host_key_fingerprint=pinned))
    assert pinned in error["what"]
    assert all(each in error["what"] for each in server.fingerprints())
    assert not authentications(server)


@pytest.mark.parametrize("pin", ["SHA256:abc", "MD5:00:11", "0" * 43])
def test_pin_that_is_no_fingerprint_is_a_wrong_setting(sshd, up, pin):
    gateway = up(sshd(), host_key_fingerprint=pin)
    assert gateway.wait() == CONFIG
    assert "host_key_fingerprint" in gateway.log


# --- penstock trust --------------------------------------------------------------------------------------


@pytest.fixture
def trust(penstock, tmp):
    """trust(server, *args) runs `penstock trust lab` for it."""

    def run(server, *args):
        config = write_ini(tmp / "trust.ini", {"lab": server.profile()})
        return penstock.run("trust", "lab", "--config", str(config), *args)

    return run


def test_trust_writes_the_key_that_up_then_knows(sshd, up, trust):
    server = sshd(config=VERBOSE)
    server.known_hosts.write_text("other ssh-ed25519 AAAA")  # and no newline at the end
    shown = trust(server, "--fingerprint", server.fingerprints()[0])
    assert shown.returncode == 0, shown
    assert server.fingerprints()[0] in shown.stdout
    assert server.known_hosts.read_text() == "other ssh-ed25519 AAAA\n" + server.known_hosts_lines()[0]
    assert not authentications(server)
    up(server).wait_serving()


def test_trust_shows_and_writes_nothing_unasked(sshd, trust):
    server = sshd()
    server.known_hosts.write_text("")
    for args in (["--show"], []):
        shown = trust(server, *args)
        assert server.fingerprints()[0] in shown.stdout
        assert server.known_hosts.read_text() == ""


def test_trust_refuses_another_fingerprint(sshd, trust, tmp):
    server = sshd()
    server.known_hosts.write_text("")
    other = fingerprint(f"{make_key(tmp / 'other')}.pub")
    assert trust(server, "--fingerprint", other).returncode == IDENTITY
    assert server.known_hosts.read_text() == ""


def test_trust_never_replaces_a_key(sshd, trust):
    server = sshd()
    known = server.fingerprints()[0]
    before = server.known_hosts.read_text()
    server.new_host_keys()
    answer = trust(server, "--yes", "--json")
    assert answer.returncode == IDENTITY
    told = json.loads(answer.stdout)
    assert told["state"] == "changed"
    assert (told["known"], told["fingerprint"]) == (known, server.fingerprints()[0])
    assert server.known_hosts.read_text() == before


def test_trust_of_a_known_host_changes_nothing(sshd, trust):
    server = sshd()
    before = server.known_hosts.read_text()
    answer = trust(server, "--yes", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["state"] == "known"
    assert server.known_hosts.read_text() == before


def test_trust_of_a_host_that_is_not_there(trust, sshd):
    server = sshd()
    server.stop()
    answer = trust(server, "--yes")
    assert answer.returncode == 4
    assert "refused" in answer.stderr
