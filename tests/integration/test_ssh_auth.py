# SPDX-License-Identifier: MIT
"""Logging in over SSH: which keys are offered, in which order, and what is said when none will do."""

import signal
import socket
import subprocess

import pytest

from support import procs
from support.login import AUTH, CONFIG, auth_leg, failed, offers
from support.sshd import fingerprint, make_key

# --- key files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_file(sshd, up, tmp, kind):
    server = sshd()
    key = make_key(tmp / "own", kind)
    server.authorize(key)
    leg = auth_leg(up(server, key=key))
    assert server.user in leg and str(key) in leg
    assert offers(server) == [fingerprint(f"{key}.pub")]


def test_pem_key_file_without_a_public_one(sshd, up, tmp):
    server = sshd()
    key = tmp / "pem"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", str(key)], check=True)
    server.authorize(key)
    (tmp / "pem.pub").unlink()
    assert str(key) in auth_leg(up(server, key=key))


def test_usual_key_file_is_found(sshd, up, penstock):
    server = sshd()
    folder = penstock.home / ".ssh"
    folder.mkdir(mode=0o700)
    key = make_key(folder / "id_ed25519")
    server.authorize(key)
    assert "/.ssh/id_ed25519" in auth_leg(up(server, key=None))


def test_second_key_of_a_list(sshd, up, tmp):
    server = sshd()
    wrong, right = make_key(tmp / "wrong key"), make_key(tmp / "right key")
    server.authorize(right)
    assert str(right) in auth_leg(up(server, key=f"{wrong}, {right}"))
    assert offers(server) == [fingerprint(f"{wrong}.pub"), fingerprint(f"{right}.pub")]


def test_wrong_key_is_refused_and_told(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "wrong")
    error = failed(up(server, key=key), AUTH)
    assert (error["leg"], error["class"]) == ("auth", "auth")
    assert server.user in error["what"] and "publickey" in error["what"]
    assert fingerprint(f"{key}.pub") in error["detail"] and str(key) in error["detail"]
    assert f"ssh-copy-id -p {server.port}" in error["next"]


def test_no_key_at_all(sshd, up):
    error = failed(up(sshd(), key=None), AUTH)
    assert "no key" in error["what"] and "publickey" in error["what"]
    assert "ssh-keygen" in error["next"]


def test_missing_key_file(sshd, up, tmp):
    error = failed(up(sshd(), key=tmp / "nowhere"), CONFIG)
    assert str(tmp / "nowhere") in error["what"] and "No such file" in error["what"]


def test_key_file_that_others_can_read(sshd, up):
    server = sshd()
    server.client_key.chmod(0o644)
    error = failed(up(server), CONFIG)
    assert str(server.client_key) in error["what"] and "0644" in error["what"]
    assert error["next"] == f"chmod 600 '{server.client_key}'"
    assert offers(server) == []


def test_putty_key_file(sshd, up, tmp):
    key = tmp / "key.ppk"
    key.touch(mode=0o600)
    key.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    error = failed(up(sshd(), key=key), CONFIG)
    assert "PuTTY" in error["what"]
    assert f"puttygen {key} -O private-openssh" in error["next"]


def test_file_that_is_no_key(sshd, up, tmp):
    key = tmp / "letter"
    key.touch(mode=0o600)
    key.write_text("Dear sir or madam,\n")
    error = failed(up(sshd(), key=key), CONFIG)
    assert str(key) in error["what"]


# --- encrypted key files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["-m", "PEM"]])
def test_encrypted_key_with_a_passphrase_from_the_environment(sshd, up, tmp, form):
    server = sshd()
    key = tmp / "locked"
    command = ["ssh-keygen", "-q", "-t", "ecdsa", *form, "-N", "open sesame", "-f", str(key)]
    subprocess.run(command, check=True)
    server.authorize(key)
    gateway = up(server, key=key, passphrase="env:KEY_PASS", env={"KEY_PASS": "open sesame"})
    assert str(key) in auth_leg(gateway)
    assert "sesame" not in gateway.story()


def test_wrong_passphrase(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="open sesame")
    server.authorize(key)
    error = failed(up(server, key=key, passphrase="env:KEY_PASS", env={"KEY_PASS": "open barley"}), AUTH)
    assert str(key) in error["what"] and "passphrase" in error["what"]
    assert "barley" not in str(error)


def test_encrypted_key_and_nobody_to_ask(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="open sesame")
    server.authorize(key)
    error = failed(up(server, key=key), AUTH)
    assert str(key) in error["what"] and "encrypted" in error["what"]
    assert "ssh-add" in error["next"]


def test_batch_mode_asks_nobody(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="open sesame")
    server.authorize(key)
    script = tmp / "askpass"
    script.write_text(f"#!/bin/sh\ntouch '{tmp}/asked'\necho open sesame\n")
    script.chmod(0o700)
    asking = {"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force"}
    error = failed(up(server, env=asking, key=key, ssh_options="BatchMode=yes"), AUTH)
    assert "BatchMode" in error["what"]
    assert not (tmp / "asked").exists()


def test_passphrase_is_not_needed_for_a_key_that_the_server_refuses(sshd, up, tmp):
    server = sshd()
    locked = make_key(tmp / "locked", passphrase="open sesame")
    gateway = up(server, key=f"{locked}, {server.client_key}")
    assert str(server.client_key) in auth_leg(gateway)


# --- the agent -------------------------------------------------------------------------------------------


def test_agent_key(sshd, up, tmp, agent):
    server = sshd()
    wrong, right = make_key(tmp / "wrong"), make_key(tmp / "right", comment="the right one")
    server.authorize(right)
    agent.add(wrong)
    agent.add(right)
    leg = auth_leg(up(server, key=None, agent=True, env=agent.env))
    assert "agent key 'the right one'" in leg
    assert offers(server)[-1] == fingerprint(f"{right}.pub")


def test_agent_signs_with_rsa(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "rsa", "rsa")
    server.authorize(key)
    agent.add(key)
    assert "ssh-rsa" in auth_leg(up(server, key=None, agent=True, env=agent.env))


def test_key_in_the_agent_needs_no_passphrase(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="open sesame")
    server.authorize(key)
    agent.add(key, "open sesame")
    assert "agent key" in auth_leg(up(server, key=key, agent=True, env=agent.env))


def test_agents_other_keys_are_not_offered_when_one_is_named(sshd, up, tmp, agent):
    server = sshd()
    for number in range(8):
        agent.add(make_key(tmp / f"other{number}"))
    assert str(server.client_key) in auth_leg(up(server, agent=True, env=agent.env))
    assert offers(server) == [fingerprint(f"{server.client_key}.pub")]


def test_agent_with_too_many_keys(sshd, up, tmp, agent):
    server = sshd()
    for number in range(8):
        agent.add(make_key(tmp / f"other{number}"))
    error = failed(up(server, agent=True, identities_only=False, env=agent.env), AUTH)
    assert "hung up" in error["what"]
    assert "key = " in error["next"]


def test_agent_is_left_alone_if_it_is_not_wanted(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key)
    failed(up(server, key=None, agent=False, env=agent.env), AUTH)
    assert offers(server) == []


def test_agent_that_is_not_there(sshd, up, tmp):
    gateway = up(sshd(), agent=True, env={"SSH_AUTH_SOCK": str(tmp / "nowhere")})
    auth_leg(gateway)
    assert "nowhere" in gateway.log


def test_agent_that_never_answers(sshd, up, tmp):
    """It must not hold the gateway longer than connecting may take."""
    path = str(tmp / "mute.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        gateway = up(sshd(), key=None, agent=True, connect_timeout="1s", env={"SSH_AUTH_SOCK": path})
        gateway.wait_event("leg", leg="host-key")
        error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
        assert error["leg"] == "auth"


# --- what the server wants -------------------------------------------------------------------------------


def test_server_that_allows_no_keys(sshd, up):
    server = sshd(config=["PubkeyAuthentication no", "PasswordAuthentication yes"])
    error = failed(up(server), AUTH)
    assert "password" in error["what"]
    assert "PubkeyAuthentication" in error["next"]


def test_server_that_wants_more_than_a_key(sshd, up):
    server = sshd(config=["PasswordAuthentication yes", "AuthenticationMethods publickey,password"])
    error = failed(up(server), AUTH)
    assert "more" in error["what"] and "password" in error["what"]


def test_user_that_is_not_there(sshd, up):
    error = failed(up(sshd(), user="nobody-of-this-name"), AUTH)
    assert "nobody-of-this-name" in error["what"]


def test_server_that_stops_in_the_middle_of_the_login(sshd, up):
    """Stopped, not dead: the deadline must end it."""
    server = sshd()
    server.process.send_signal(signal.SIGSTOP)
    try:
        gateway = up(server, connect_timeout="1s")
        error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
        assert error["class"] == "transient"
        assert "in time" in error["what"] or "said nothing" in error["what"]  # whichever deadline comes first
    finally:
        procs.kill(server.process.pid, signal.SIGCONT)
