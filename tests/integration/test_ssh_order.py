# SPDX-License-Identifier: MIT
"""Which keys are offered, in which order and how many: held against what the system's ssh does on the same server."""

import os
import subprocess

import pytest

from support.login import AUTH, auth_leg, failed, offers, sign_user_key
from support.sshd import fingerprint, make_key


def ssh_offers(server, env, *options):
    """What ssh offers there. It fails to log in, or ends at once."""
    before = len(offers(server))
    base = ["ssh", "-F", "none", "-p", str(server.port), "-o", "BatchMode=yes"]
    base += ["-o", f"UserKnownHostsFile={server.known_hosts}", *options, f"{server.user}@{server.host}", "true"]
    subprocess.run(base, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    return offers(server)[before:]


@pytest.mark.parametrize("identities_only", [True, False])
@pytest.mark.parametrize("loaded", ["none", "one", "all"])
def test_order_is_that_of_ssh(sshd, up, tmp, agent, identities_only, loaded):
    server = sshd(config=["MaxAuthTries 50"])
    server.authorized_keys.write_text("")
    ca = make_key(tmp / "ca")
    named = [make_key(tmp / f"named{number}") for number in range(3)]
    sign_user_key(ca, tmp / "named2.pub", server.user)
    for number in range(2):
        agent.add(make_key(tmp / f"other{number}"))
    for key in {"none": [], "one": named[1:2], "all": named[:2]}[loaded]:
        agent.add(key)
    options = [option for key in named for option in ("-i", str(key))]
    wanted = ssh_offers(server, agent.env, "-o", f"IdentitiesOnly={'yes' if identities_only else 'no'}", *options)
    assert len(wanted) == 4 + (0 if identities_only else 2)
    before = len(offers(server))
    keys = ", ".join(map(str, named))
    error = failed(up(server, key=keys, agent=True, identities_only=identities_only, env=agent.env), AUTH)
    assert offers(server)[before:] == wanted
    assert f"none of the {len(wanted)} keys" in error["what"]
    assert error["detail"].count("SHA256:") == len(wanted)


def test_ten_keys_in_the_agent_and_the_named_one_among_them(sshd, up, tmp, agent):
    server = sshd()  # MaxAuthTries is 6
    keys = [make_key(tmp / f"key{number}", comment=f"number {number}") for number in range(10)]
    for key in keys:
        agent.add(key)
    server.authorize(keys[9])
    assert "agent key 'number 9'" in auth_leg(up(server, key=keys[9], agent=True, env=agent.env))
    assert offers(server) == [fingerprint(f"{keys[9]}.pub")]


def test_ten_keys_in_the_agent_and_a_key_file(sshd, up, tmp, agent):
    server = sshd()
    for number in range(10):
        agent.add(make_key(tmp / f"key{number}"))
    assert str(server.client_key) in auth_leg(up(server, agent=True, env=agent.env))
    assert offers(server) == [fingerprint(f"{server.client_key}.pub")]


def test_named_key_of_the_agent_is_offered_before_the_others(sshd, up, tmp, agent):
    server = sshd()
    keys = [make_key(tmp / f"key{number}") for number in range(10)]
    for key in keys:
        agent.add(key)
    server.authorize(keys[9])
    auth_leg(up(server, key=keys[9], identities_only=False, agent=True, env=agent.env))
    assert offers(server) == [fingerprint(f"{keys[9]}.pub")]


def test_public_key_file_names_a_key_of_the_agent(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key)
    key.unlink()
    assert "agent key" in auth_leg(up(server, key=tmp / "own.pub", agent=True, env=agent.env))


def test_short_rsa_key_is_not_offered(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "short", "rsa")  # 2048 bits
    gateway = up(server, key=f"{key}, {server.client_key}", ssh_options='"RequiredRSASize=3072"')
    auth_leg(gateway)
    assert offers(server) == [fingerprint(f"{server.client_key}.pub")]
    assert "2048 bits, and RequiredRSASize wants 3072" in gateway.log


def test_algorithms_that_are_not_accepted_leave_a_key_out(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "own", "ecdsa")
    server.authorize(key)
    error = failed(up(server, key=key, ssh_options='"PubkeyAcceptedAlgorithms=ssh-ed25519"'), AUTH)
    assert "PubkeyAcceptedAlgorithms leaves it out" in error["detail"]
    assert offers(server) == []
