# SPDX-License-Identifier: MIT
"""Agents that are locked, refuse, hang or die, and keys that only an agent can use."""

import base64
import subprocess

import pytest

from support.agents import OddAgent, string
from support.login import AUTH, CONFIG, auth_leg, failed, offers
from support.sshd import make_key


@pytest.fixture
def odd_agent(tmp):
    """odd_agent(fido=…, sign=…) starts one."""
    made = []

    def start(**options):
        made.append(OddAgent(tmp / f"odd{len(made)}.sock", **options))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_security_key_is_announced(sshd, up, odd_agent):
    server, odd = sshd(), odd_agent(fido=True)
    odd.authorize_at(server)
    gateway = up(server, key=None, agent=True, env=odd.env)
    assert "agent key 'odd one' (sk-ssh-ed25519@openssh.com)" in auth_leg(gateway)
    text = gateway.wait_event("progress", where=lambda event: "touch" in event["text"])["text"]
    assert "touch your security key" in text and "odd one" in text and server.host in text
    assert "touch your security key" in gateway.log
    assert odd.asked == 1


def test_security_key_that_the_server_does_not_know_is_not_touched(sshd, up, odd_agent):
    server, odd = sshd(), odd_agent(fido=True)
    gateway = up(server, agent=True, identities_only=False, env=odd.env)
    assert str(server.client_key) in auth_leg(gateway)
    assert len(offers(server)) == 2
    assert odd.asked == 0
    assert "touch" not in gateway.story()


def test_file_of_a_security_key_without_an_agent(sshd, up, tmp):
    """The private file holds a handle only. Made by hand: ssh-keygen wants the device."""
    public = string(b"sk-ssh-ed25519@openssh.com") + string(b"\1" * 32) + string(b"ssh:")
    container = b"openssh-key-v1\0" + string(b"none") * 2 + string(b"") + b"\0\0\0\1" + string(public) + string(b"\0" * 64)
    key = tmp / "id_sk"
    key.touch(mode=0o600)
    text = base64.encodebytes(container).decode()
    key.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")
    error = failed(up(sshd(), key=key), CONFIG)
    assert str(key) in error["what"] and "security key" in error["what"]
    assert f"ssh-add '{key}'" in error["next"]


@pytest.mark.parametrize("sign, words", [("no", "the agent would not sign"), ("die", "the agent is gone")])
def test_agent_that_does_not_sign(sshd, up, odd_agent, sign, words):
    server, odd = sshd(), odd_agent(sign=sign)
    odd.authorize_at(server)
    error = failed(up(server, key=None, agent=True, env=odd.env), AUTH)
    assert "odd one" in error["what"] and words in error["what"]
    assert "ssh-add -l" in error["next"]
    assert odd.asked == 1


@pytest.mark.parametrize("sign", ["no", "die"])
def test_agent_that_does_not_sign_does_not_hinder_a_key_file(sshd, up, odd_agent, sign):
    server, odd = sshd(), odd_agent(sign=sign)
    odd.authorize_at(server)
    gateway = up(server, agent=True, identities_only=False, env=odd.env)
    assert str(server.client_key) in auth_leg(gateway)
    assert "odd one" in gateway.log


def test_agent_that_hangs_when_it_is_to_sign(sshd, up, odd_agent):
    server, odd = sshd(), odd_agent(sign="hang")
    odd.authorize_at(server)
    gateway = up(server, key=None, agent=True, connect_timeout="3s", env=odd.env)
    error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
    assert error["leg"] == "auth"


def test_agent_that_is_locked(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key)
    agent.lock()
    error = failed(up(server, key=None, agent=True, env=agent.env), AUTH)
    assert f"the agent at {agent.path} shows no key: none is loaded, or it is locked" in error["detail"]


def test_agent_of_ssh_config(sshd, up, tmp, agent):
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key)
    config = tmp / "ssh_config"
    config.write_text(f"IdentityAgent {agent.path}\n")
    assert "agent key" in auth_leg(up(server, key=None, agent=None, ssh_config=config))
    config.write_text("IdentityAgent none\n")
    failed(up(server, key=None, agent=None, ssh_config=config, env=agent.env), AUTH)


def test_agent_of_the_profile(sshd, up, tmp, agent):
    """A path holds whatever ssh_config says; a word of Windows is a mistake that is told."""
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key)
    config = tmp / "ssh_config"
    config.write_text("IdentityAgent none\n")
    assert "agent key" in auth_leg(up(server, key=None, agent=agent.path, ssh_config=config))
    error = failed(up(server, key=None, agent="pageant"), CONFIG)
    assert "agent = pageant: no agent of this system" in error["what"]
    assert "openssh and pageant are for Windows" in error["next"]


def test_agent_that_asks_before_it_signs(sshd, up, tmp, agent):
    """ssh-add -c: its own question is answered with no (there is nobody)."""
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    agent.add(key, options=["-c"])
    error = failed(up(server, key=key.with_suffix(".pub"), agent=True, env=agent.env), AUTH)
    assert "the agent would not sign" in error["what"]
    assert subprocess.run(["ssh-add", "-l"], env={"SSH_AUTH_SOCK": str(agent.path), "PATH": "/usr/bin"}).returncode == 0
