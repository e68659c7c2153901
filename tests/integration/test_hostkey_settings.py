# SPDX-License-Identifier: MIT
"""Settings of ssh_config about host keys: HostKeyAlias, HashKnownHosts, several files, certificates, key lengths."""

import json
import subprocess

import pytest

from support.gateway import write_ini
from support.login import IDENTITY, failed
from support.sshd import fingerprint, make_key


@pytest.fixture
def trust(penstock, tmp):
    """trust(server, *args, **keys) runs `penstock trust lab` for it."""

    def run(server, *args, **keys):
        config = write_ini(tmp / "trust.ini", {"lab": server.profile(**keys)})
        return penstock.run("trust", "lab", "--config", str(config), *args)

    return run


def refused(gateway):
    error = failed(gateway, IDENTITY)
    assert (error["leg"], error["class"]) == ("host-key", "peer-identity")
    return error


def host_key_leg(gateway):
    gateway.wait_serving()
    return gateway.wait_event("leg", leg="host-key")["text"]


def key_of(server, number=0):
    """Type and key, as known_hosts has them."""
    return " ".join(server.known_hosts_lines()[number].split()[1:])


# --- names -----------------------------------------------------------------------------------------------


def test_alias_is_looked_up_without_a_port(sshd, up):
    server = sshd()
    server.known_hosts.write_text(f"gpu-cluster {key_of(server)}\n")
    keys = {"ssh_options": '"HostKeyAlias=GPU-cluster"'}
    assert host_key_leg(up(server, **keys)) == "known_hosts:1 ssh-ed25519"
    assert "127.0.0.1" in refused(up(server))["what"]  # without the alias it is not known


def test_alias_is_what_is_written(sshd, up, trust):
    server = sshd()
    server.known_hosts.write_text("")
    keys = {"ssh_options": '"HostKeyAlias=gpu-cluster"'}
    assert "gpu-cluster" in refused(up(server, **keys))["what"]
    answer = trust(server, "--yes", "--json", **keys)
    assert json.loads(answer.stdout)["host"] == "gpu-cluster"
    assert server.known_hosts.read_text() == f"gpu-cluster {key_of(server)}\n"
    host_key_leg(up(server, **keys))


@pytest.mark.parametrize("how", ["trust", "accept-new"])
def test_names_are_hashed_if_ssh_config_says_so(sshd, up, trust, how):
    server = sshd()
    server.known_hosts.write_text("")
    keys = {"ssh_options": '"HashKnownHosts=yes"'}
    if how == "trust":
        assert trust(server, "--yes", **keys).returncode == 0
    else:
        host_key_leg(up(server, host_key="accept-new", **keys))
    text = server.known_hosts.read_text()
    assert text.startswith("|1|") and text.endswith(f" {key_of(server)}\n")
    name = f"[{server.host}]:{server.port}"
    found = subprocess.run(["ssh-keygen", "-F", name, "-f", str(server.known_hosts)], capture_output=True, text=True)
    assert found.returncode == 0 and key_of(server) in found.stdout
    assert host_key_leg(up(server)) == "known_hosts:1 ssh-ed25519"


def test_all_files_are_read_and_the_first_is_written(sshd, up, tmp):
    server = sshd()
    line = server.known_hosts.read_text()
    first, second, system = tmp / "first", tmp / "second", tmp / "system"
    config = tmp / "ssh_config"
    config.write_text(f"UserKnownHostsFile {first} {second}\nGlobalKnownHostsFile {system}\n")
    keys = {"known_hosts": None, "ssh_config": config}
    for file in (second, system):
        file.write_text(f"# here\n{line}")
        assert host_key_leg(up(server, **keys)) == f"{file.name}:2 ssh-ed25519"
        file.unlink()
    host_key_leg(up(server, host_key="accept-new", **keys))
    assert first.read_text() == line
    system.write_text(f"@revoked * {key_of(server)}\n")
    assert f"{system}:1" in refused(up(server, **keys))["what"]


# --- kinds of keys ---------------------------------------------------------------------------------------


def test_type_whose_known_key_is_revoked_is_not_asked_for(sshd, up):
    server = sshd(host_keys=("ed25519", "ecdsa"))
    server.known_hosts.write_text(server.known_hosts.read_text() + f"@revoked * {key_of(server, 0)}\n")
    assert host_key_leg(up(server)) == "known_hosts:2 ecdsa-sha2-nistp256"


def test_order_that_the_user_sets_holds(sshd, up):
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    keys = {"ssh_options": '"HostKeyAlgorithms=rsa-sha2-256,ssh-ed25519"'}
    assert host_key_leg(up(server, **keys)) == "known_hosts:3 ssh-rsa"


def test_rsa_host_key_that_is_too_short(sshd, up):
    server = sshd(host_keys=("rsa",))  # 2048 bits
    error = refused(up(server, ssh_options='"RequiredRSASize=3072"'))
    assert "2048 bits" in error["what"] and "3072" in error["what"]


# --- certificates ----------------------------------------------------------------------------------------


@pytest.fixture
def certified(sshd, tmp):
    """A server with a host certificate, and known_hosts with its authority alone."""
    server = sshd()
    ca = make_key(tmp / "ca")
    public = f"{server.host_keys[0]}.pub"
    command = ["ssh-keygen", "-q", "-s", ca, "-I", "host", "-h", "-n", server.host, public]
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    server.extra.append(f"HostCertificate {server.host_keys[0]}-cert.pub")
    server.restart()
    server.known_hosts.write_text(f"@cert-authority * {' '.join((tmp / 'ca.pub').read_text().split()[:2])}\n")
    server.ca = ca
    return server


@pytest.mark.parametrize("policy", ["strict", "accept-new"])
def test_host_known_by_its_authority_alone_is_refused_by_name(certified, up, policy):
    assert certified.ssh("true", options=["-o", "StrictHostKeyChecking=yes"]).returncode == 0  # ssh takes it
    before = certified.known_hosts.read_text()
    error = refused(up(certified, host_key=policy))
    assert f"{certified.known_hosts}:1" in error["what"] and "certificate authority" in error["what"]
    assert certified.fingerprints()[0] in error["what"]
    assert "transport = openssh" in error["next"]
    assert certified.known_hosts.read_text() == before


def test_known_key_beside_an_authority_is_enough(certified, up):
    with open(certified.known_hosts, "a") as file:
        file.writelines(certified.known_hosts_lines())
    assert host_key_leg(up(certified)) == "known_hosts:2 ssh-ed25519"


def test_revoked_authority_counts_for_nothing(certified, up):
    key = " ".join(certified.known_hosts.read_text().split()[2:])
    with open(certified.known_hosts, "a") as file:
        file.write(f"@revoked * {key}\n")
    error = refused(up(certified))
    assert "authority" not in error["what"] and "penstock trust lab" in error["next"]


# --- penstock trust --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_trust_draws_the_key_as_ssh_keygen_does(sshd, trust, kind):
    server = sshd(host_keys=(kind,))
    server.known_hosts.write_text("")
    for _ in range(3):
        drawn = subprocess.run(
            ["ssh-keygen", "-lvf", f"{server.host_keys[0]}.pub"], check=True, capture_output=True, text=True
        ).stdout.splitlines()[1:]
        assert len(drawn) == 11
        shown = [line[2:] for line in trust(server, "--show").stdout.splitlines()]
        assert shown[-11:] == drawn
        server.new_host_keys()


def test_trust_refuses_a_revoked_key(sshd, trust):
    server = sshd()
    text = f"@revoked * {key_of(server)}\n"
    server.known_hosts.write_text(text)
    for args in (["--yes"], ["--fingerprint", server.fingerprints()[0]], ["--json", "--yes"], []):
        answer = trust(server, *args)
        assert answer.returncode == IDENTITY
        assert "revoked" in answer.stdout + answer.stderr
        assert server.known_hosts.read_text() == text
    assert json.loads(trust(server, "--json").stdout)["state"] == "revoked"


def test_trust_tells_both_keys_of_a_changed_host(sshd, trust, tmp):
    server = sshd()
    known = server.fingerprints()[0]
    server.new_host_keys()
    answer = trust(server, "--yes")
    assert answer.returncode == IDENTITY
    assert known in answer.stderr and fingerprint(f"{server.host_keys[0]}.pub") in answer.stderr
