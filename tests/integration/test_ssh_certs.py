# SPDX-License-Identifier: MIT
"""User certificates: beside a key, in a file of their own, in the agent; and what is said of one that is no good."""

import pytest

from support.login import AUTH, auth_leg, failed, offers, sign_user_key
from support.sshd import fingerprint, make_key


@pytest.fixture
def ca(tmp):
    return make_key(tmp / "ca")


@pytest.fixture
def server(sshd, ca):
    """A server that knows no key, only who signs them."""
    made = sshd(config=[f"TrustedUserCAKeys {ca}.pub"])
    made.authorized_keys.write_text("")
    return made


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_certificate_beside_the_key(server, up, tmp, ca, kind):
    key = make_key(tmp / "own", kind)
    sign_user_key(ca, tmp / "own.pub", server.user, identity="alice on gpu01")
    leg = auth_leg(up(server, key=key))
    assert "certificate 'alice on gpu01'" in leg and str(key) in leg and "-cert-v01@openssh.com" in leg
    own = fingerprint(f"{key}.pub")
    assert offers(server) == [own, f"cert {own}"]  # as ssh: the key itself first


def test_certificate_in_a_file_of_its_own(server, up, tmp, ca):
    key = make_key(tmp / "own")
    cert = sign_user_key(ca, tmp / "own.pub", server.user).rename(tmp / "elsewhere.pub")
    assert "certificate 'test id'" in auth_leg(up(server, key=key, certificate=cert))
    assert offers(server) == [f"cert {fingerprint(f'{key}.pub')}"]


def test_certificate_for_an_encrypted_key(server, up, tmp, ca):
    key = make_key(tmp / "own", passphrase="open sesame")
    sign_user_key(ca, tmp / "own.pub", server.user)
    gateway = up(server, key=key, passphrase="env:KEY_PASS", env={"KEY_PASS": "open sesame"})
    assert "certificate 'test id'" in auth_leg(gateway)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_certificate_in_the_agent(server, up, tmp, ca, agent, kind):
    key = make_key(tmp / "own", kind, comment="the agent's own")
    sign_user_key(ca, tmp / "own.pub", server.user)
    agent.add(key)  # loads the certificate too
    for file in tmp.glob("own*"):
        file.unlink()
    leg = auth_leg(up(server, key=None, agent=True, env=agent.env))
    assert "certificate 'test id' with agent key" in leg


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_certificate_file_whose_key_only_the_agent_has(server, up, tmp, ca, agent, kind):
    key = make_key(tmp / "own", kind, comment="the agent's own")
    agent.add(key)
    cert = sign_user_key(ca, tmp / "own.pub", server.user)
    key.unlink()
    leg = auth_leg(up(server, key=tmp / "own", certificate=cert, agent=True, env=agent.env))
    assert "certificate 'test id' with agent key 'the agent's own'" in leg


def test_certificate_file_without_its_key(server, up, tmp, ca):
    make_key(tmp / "own")
    cert = sign_user_key(ca, tmp / "own.pub", server.user)
    error = failed(up(server, certificate=cert), AUTH)
    assert f"certificate file {cert}: its private key is neither in `key` nor in the agent" in error["detail"]


@pytest.mark.parametrize(
    "options, user, reason",
    [
        (["-V", "20200101:20200202"], None, "it expired on 2020-02-0"),
        (["-V", "20990101:20990202"], None, "it is not valid before 20"),
        ([], "mallory,bob", "it is for mallory, bob, not for "),
        (["-h"], None, "it is a host's certificate"),
    ],
)
def test_certificate_that_is_no_good_is_named(server, up, tmp, ca, options, user, reason):
    key = make_key(tmp / "own")
    sign_user_key(ca, tmp / "own.pub", user or server.user, *options)
    gateway = up(server, key=key)
    error = failed(gateway, AUTH)
    assert (error["leg"], error["class"]) == ("auth", "auth")
    assert "'test id'" in error["what"] and reason in error["what"]
    assert "new certificate" in error["next"]
    assert fingerprint(f"{key}.pub") in error["detail"]
    assert reason in gateway.log


def test_certificate_that_is_no_good_does_not_hinder_a_key_that_is(server, up, tmp, ca):
    key = make_key(tmp / "own")
    server.authorize(key)
    sign_user_key(ca, tmp / "own.pub", server.user, "-V", "20200101:20200202")
    assert "key " in auth_leg(up(server, key=key))


def test_file_that_is_no_certificate(sshd, up, tmp):
    server = sshd()
    letter = tmp / "letter.pub"
    letter.write_text("Dear sir or madam,\n")
    gateway = up(server, certificate=letter)
    assert str(server.client_key) in auth_leg(gateway)
    assert f"certificate file {letter}: it holds no certificate" in gateway.log
