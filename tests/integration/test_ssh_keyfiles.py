# SPDX-License-Identifier: MIT
"""Files of private keys in every form that ssh-keygen and openssl write, and what is said of files that are none."""

import base64
import subprocess

import pytest

from support.login import AUTH, CONFIG, auth_leg, failed, offers
from support.sshd import make_key

PASSPHRASE = "open sesame"


def run(*command):
    return subprocess.run([*map(str, command)], check=True, capture_output=True, stdin=subprocess.DEVNULL, text=True)


def generate(path, kind, bits, form, passphrase):
    """Makes a key in one of the forms, and its .pub."""
    if form == "pkcs8":  # as openssl makes it: ssh-keygen does not write Ed25519 in this form
        algorithm = {"ed25519": ["ed25519"], "rsa": ["rsa", "-pkeyopt", f"rsa_keygen_bits:{bits}"]}.get(
            kind, ["ec", "-pkeyopt", f"ec_paramgen_curve:P-{bits}"]
        )
        cipher = ["-aes256", "-pass", f"pass:{passphrase}"] if passphrase else []
        run("openssl", "genpkey", "-algorithm", *algorithm, *cipher, "-out", path)
        path.chmod(0o600)
        plain = run("openssl", "pkey", "-in", path, *(["-passin", f"pass:{passphrase}"] if passphrase else []))
        public = subprocess.run(
            ["openssl", "pkey", "-pubout"], input=plain.stdout, check=True, capture_output=True, text=True
        ).stdout
        (path.parent / "public.pem").write_text(public)
        if kind == "ed25519":
            der = run("openssl", "pkey", "-pubin", "-in", path.parent / "public.pem", "-text", "-noout").stdout
            raw = bytes.fromhex("".join(der.split("pub:")[1].split()).replace(":", ""))
            blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + raw
            line = f"ssh-ed25519 {base64.b64encode(blob).decode()}\n"
        else:
            line = run("ssh-keygen", "-i", "-m", "PKCS8", "-f", path.parent / "public.pem").stdout
        (path.parent / f"{path.name}.pub").write_text(line)
        return
    option = ["-m", "PEM"] if form == "pem" else []
    run("ssh-keygen", "-q", "-t", kind, "-b", bits, *option, "-N", passphrase, "-f", path)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize("form", ["openssh", "pem", "pkcs8"])
@pytest.mark.parametrize(
    "kind, bits", [("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3072)]
)
def test_form(sshd, up, tmp, kind, bits, form, passphrase):
    server = sshd()
    key = tmp / "own"
    generate(key, kind, bits, form, passphrase)
    server.authorize(key)
    (tmp / "own.pub").unlink()  # the private key alone has to do
    extra = {"passphrase": "env:KEY_PASS", "env": {"KEY_PASS": passphrase}} if passphrase else {}
    assert str(key) in auth_leg(up(server, key=key, **extra))
    assert len(offers(server)) == 1


@pytest.mark.parametrize("cipher", ["aes128-ctr", "aes256-cbc", "3des-cbc"])
def test_other_ciphers(sshd, up, tmp, cipher):
    server = sshd()
    key = tmp / "own"
    run("ssh-keygen", "-q", "-t", "ed25519", "-Z", cipher, "-N", PASSPHRASE, "-f", key)
    server.authorize(key)
    assert str(key) in auth_leg(up(server, key=key, passphrase="env:KEY_PASS", env={"KEY_PASS": PASSPHRASE}))


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
def test_cipher_that_the_library_has_not(sshd, up, tmp, agent, cipher):
    """libssh 0.10 would crash."""
    server = sshd()
    key = tmp / "own"
    run("ssh-keygen", "-q", "-t", "ed25519", "-Z", cipher, "-N", PASSPHRASE, "-f", key)
    server.authorize(key)
    env = {"KEY_PASS": PASSPHRASE}
    error = failed(up(server, key=key, passphrase="env:KEY_PASS", env=env), CONFIG)
    assert str(key) in error["what"] and cipher in error["what"]
    assert f"ssh-keygen -p -Z aes256-ctr -f '{key}'" in error["next"]
    agent.add(key, PASSPHRASE)
    assert "agent key" in auth_leg(up(server, key=key, agent=True, env=agent.env))


def test_line_ends_of_windows(sshd, up, tmp):
    server = sshd()
    key = make_key(tmp / "own")
    server.authorize(key)
    for file in (key, tmp / "own.pub"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert str(key) in auth_leg(up(server, key=key))


def test_file_after_a_bad_one_is_used(sshd, up, tmp):
    server = sshd()
    gateway = up(server, key=f"{tmp / 'nowhere'}, {server.client_key}")
    assert str(server.client_key) in auth_leg(gateway)
    assert f"key file {tmp / 'nowhere'} cannot be used: No such file" in gateway.log


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"PuTTY-User-Key-File-2: ssh-rsa\r\n", "is in PuTTY's format"),
        (b"\xff\xfe-\0-\0", "cannot be read as a private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be read as a private key"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "cannot be read as a private key"),
    ],
)
def test_file_that_is_no_key(sshd, up, tmp, content, words):
    key = tmp / "odd"
    key.touch(mode=0o600)
    key.write_bytes(content)
    server = sshd()
    error = failed(up(server, key=key), CONFIG)
    assert f"key file {key} {words}" in error["what"]
    assert offers(server) == []


def test_folder_and_public_key_are_no_private_keys(sshd, up, tmp):
    server = sshd()
    (tmp / "folder").mkdir()
    assert "is a folder" in failed(up(server, key=tmp / "folder"), CONFIG)["what"]
    error = failed(up(server, key=f"{server.client_key}.pub"), CONFIG)
    assert "is a public key" in error["what"]
    assert f"Name the private key, {server.client_key}" in error["next"]


def test_wrong_passphrase_does_not_hinder_the_next_key(sshd, up, tmp):
    server = sshd()
    locked = make_key(tmp / "locked", passphrase=PASSPHRASE)
    server.authorize(locked)
    keys = f"{locked}, {server.client_key}"
    gateway = up(server, key=keys, passphrase="env:KEY_PASS", env={"KEY_PASS": "barley"})
    assert str(server.client_key) in auth_leg(gateway)


def test_passphrase_is_asked_for_three_times_and_kept(sshd, up, tmp):
    """By SSH_ASKPASS; a reconnect asks nothing."""
    server = sshd()
    locked = make_key(tmp / "locked", passphrase=PASSPHRASE)
    server.authorize(locked)
    log, script = tmp / "asked", tmp / "ask"
    script.write_text(
        f"#!/bin/sh\necho \"$1\" >>{log}\nif [ $(wc -l <{log}) -lt 3 ]; then echo wrong; else echo '{PASSPHRASE}'; fi\n"
    )
    script.chmod(0o700)
    env = {"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force"}
    gateway = up(server, key=locked, env=env)
    auth_leg(gateway)
    assert log.read_text().splitlines() == [f"Passphrase for key '{locked}': "] * 3
    mark = gateway.mark()
    server.kill_sessions()
    gateway.wait_serving(since=mark)
    assert len(log.read_text().splitlines()) == 3
    log.unlink()
    script.write_text(f"#!/bin/sh\necho \"$1\" >>{log}\necho wrong\n")
    error = failed(up(server, key=locked, env=env), AUTH)
    assert "the passphrases given do not open it" in error["what"]
    assert len(log.read_text().splitlines()) == 3
