# SPDX-License-Identifier: MIT
"""keyboard-interactive: only where the profile lets the server ask, alone or after a key; never a password."""

import contextlib
import socket
import threading

import paramiko
import pytest

from support.login import AUTH, auth_leg, failed, offers
from support.pam import ANSWER, pam_options
from support.sshd import make_key

BOTH = "publickey, keyboard-interactive"


@pytest.fixture
def asking(tmp):
    """asking(*answers) makes a program for SSH_ASKPASS that gives them in turn; asking.questions is what it was asked."""

    class Asking:
        def __init__(self):
            self.log = tmp / "questions"

        def __call__(self, *answers):
            answers_file, script = tmp / "answers", tmp / "ask"
            answers_file.write_text("".join(f"{answer}\n" for answer in answers))
            script.write_text(
                f"#!/bin/sh\nprintf '%s\\0' \"$1\" >>{self.log}\n"
                f"count=$(tr -cd '\\0' <{self.log} | wc -c)\nsed -n \"${{count}}p\" {answers_file}\n"
            )
            script.chmod(0o700)
            return {"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force"}

        @property
        def questions(self):
            return self.log.read_text().split("\0")[:-1] if self.log.exists() else []

    return Asking()


# --- a real sshd with PAM --------------------------------------------------------------------------------


@pytest.fixture
def pam(sshd, tmp):
    """pam(*config) starts an sshd that asks by PAM."""

    def start(*config):
        options = pam_options(tmp)
        return sshd(binds=options["binds"], config=[*config, *options["config"]])

    return start


def test_alone(pam, up, asking):
    server = pam("AuthenticationMethods keyboard-interactive")
    gateway = up(server, auth="keyboard-interactive", env=asking(ANSWER))
    assert auth_leg(gateway) == f"{server.user}, keyboard-interactive"
    assert asking.questions == [f"({server.user}@{server.host}) Password: "]
    assert ANSWER not in gateway.story()
    assert offers(server) == []


def test_after_a_key(pam, up, asking):
    server = pam("AuthenticationMethods publickey,keyboard-interactive")
    leg = auth_leg(up(server, auth=BOTH, env=asking(ANSWER)))
    assert leg == f"{server.user}, key {server.client_key} (ssh-ed25519), then keyboard-interactive"


def test_only_if_no_key_is_accepted(pam, up, asking, tmp):
    server = pam()
    assert "key " in auth_leg(up(server, auth=BOTH, env=asking(ANSWER)))
    assert asking.questions == []
    leg = auth_leg(up(server, key=make_key(tmp / "wrong"), auth=BOTH, env=asking(ANSWER)))
    assert leg == f"{server.user}, keyboard-interactive"


def test_order_is_that_of_the_profile(pam, up, asking):
    server = pam()
    leg = auth_leg(up(server, auth="keyboard-interactive, publickey", env=asking(ANSWER)))
    assert leg == f"{server.user}, keyboard-interactive"
    assert offers(server) == []


def test_three_wrong_answers(pam, up, asking):
    server = pam("AuthenticationMethods keyboard-interactive")
    error = failed(up(server, auth="keyboard-interactive", env=asking("a", "b", "c", ANSWER)), AUTH)
    assert "did not accept the answers" in error["what"]
    assert len(asking.questions) == 3


def test_second_answer_is_right(pam, up, asking):
    server = pam("AuthenticationMethods keyboard-interactive")
    auth_leg(up(server, auth="keyboard-interactive", env=asking("wrong", ANSWER)))
    assert len(asking.questions) == 2


def test_answers_are_not_kept(pam, up, asking):
    """They may be good for one time only: after a reconnect the user is asked again."""
    server = pam("AuthenticationMethods keyboard-interactive")
    gateway = up(server, auth="keyboard-interactive", env=asking(ANSWER, ANSWER))
    gateway.wait_serving()
    mark = gateway.mark()
    server.kill_sessions()
    gateway.wait_serving(since=mark)
    assert len(asking.questions) == 2


def test_nobody_to_ask(pam, up):
    server = pam("AuthenticationMethods keyboard-interactive")
    error = failed(up(server, auth="keyboard-interactive"), AUTH)
    assert "there is nobody to ask" in error["what"]
    assert "SSH_ASKPASS" in error["next"]


def test_profile_that_does_not_let_it(pam, up, asking):
    env = asking(ANSWER)
    server = pam("AuthenticationMethods keyboard-interactive")
    error = failed(up(server, env=env), AUTH)
    assert "keyboard-interactive" in error["what"]
    assert f"auth = {BOTH}" in error["next"]
    second = pam("AuthenticationMethods publickey,keyboard-interactive")
    error = failed(up(second, env=env), AUTH)
    assert "wants more: keyboard-interactive" in error["what"]
    assert f"auth = {BOTH}" in error["next"]
    assert asking.questions == []


def test_two_keys(sshd, up, tmp):
    server = sshd(config=["AuthenticationMethods publickey,publickey"])
    second = make_key(tmp / "second")
    server.authorize(second)
    leg = auth_leg(up(server, key=f"{server.client_key}, {second}"))
    assert f"key {server.client_key} (ssh-ed25519), then key {second} (ssh-ed25519)" in leg


# --- a server that asks what PAM does not ----------------------------------------------------------------


class Rounds(paramiko.ServerInterface):
    """Two rounds: one shown and one hidden answer, then a hidden one; then something is said."""

    def __init__(self):
        self.answers = []

    def get_allowed_auths(self, username):
        return "keyboard-interactive,password"

    def check_auth_password(self, username, password):
        self.answers.append(f"PASSWORD {password}")
        return paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery("Door", "Say who you are.\033[2J", ("Name: ", True), ("Word: ", False))

    def check_auth_interactive_response(self, responses):
        self.answers.append(responses)
        if len(self.answers) == 1:
            return paramiko.InteractiveQuery("", "", ("Code: ", False))
        return paramiko.AUTH_SUCCESSFUL if len(self.answers) == 2 else paramiko.AUTH_FAILED


class PasswordOnly(Rounds):
    def get_allowed_auths(self, username):
        return "password"


@pytest.fixture
def paramiko_server(tmp):
    """paramiko_server(interface) serves one session; returns the keys of a profile for it."""
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))
    transports = []

    def start(interface):
        def serve():
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                sock, _ = listener.accept()
                transports.append(paramiko.Transport(sock))
                transports[-1].add_server_key(key)
                transports[-1].start_server(server=interface)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        known_hosts = tmp / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        return {
            "transport": "ssh",
            "ssh_config": "none",
            "host": "127.0.0.1",
            "port": port,
            "user": "alice",
            "key": tmp / "nowhere",
            "known_hosts": known_hosts,
            "agent": False,
            "endpoint": "127.0.0.1:1",
            "launch": "never",
        }

    yield start
    listener.close()
    for each in transports:
        each.close()


def test_several_rounds_and_prompts(paramiko_server, gateway, asking):
    interface = Rounds()
    keys = {**paramiko_server(interface), "auth": BOTH, "key": None}
    running = gateway(keys, env=asking("Alice", "friend", "123456"))
    leg = running.wait_event("leg", leg="auth")
    assert leg["text"] == "alice, keyboard-interactive", running.story()
    assert interface.answers == [["Alice", "friend"], ["123456"]]
    first, second, third = asking.questions
    assert first.startswith("Door\nSay who you are.") and first.endswith("(alice@127.0.0.1) Name: ")
    assert "\033" not in first
    assert (second, third) == ("(alice@127.0.0.1) Word: ", "(alice@127.0.0.1) Code: ")
    assert "123456" not in running.story()


def test_password_is_never_sent(paramiko_server, gateway, asking):
    interface = PasswordOnly()
    error = failed(gateway({**paramiko_server(interface), "key": None, "auth": BOTH}, env=asking("secret")), AUTH)
    assert "it allows password" in error["what"]
    assert "never sends a password" in error["next"]
    assert interface.answers == [] and asking.questions == []


# --- through the system's ssh ----------------------------------------------------------------------------


class Phisher(Rounds):
    """Asks in the words in which ssh itself asks for the passphrase of a key."""

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery("", "", ("Enter passphrase for key '/home/alice/.ssh/id_ed25519': ", False))


def test_server_does_not_get_the_passphrase_of_a_key(paramiko_server, gateway, asking, tmp):
    interface = Phisher()
    secret = tmp / "secret"
    secret.touch(mode=0o600)
    secret.write_text("sesame\n")
    keys = {**paramiko_server(interface), "transport": "openssh", "auth": "keyboard-interactive"}
    running = gateway({**keys, "key": None, "passphrase": f"file:{secret}"}, env=asking("door", "123456"))
    running.wait_event("leg", leg="auth")
    assert interface.answers == [["door"], ["123456"]]
    assert asking.questions[0].startswith("(alice@127.0.0.1) Enter passphrase for key ")


def test_hop_asks_nothing(sshd, paramiko_server, gateway, asking):
    """As with the transport ssh: `auth` is about the last host, and a hop is logged in to with a key."""
    last, interface = sshd(), Rounds()
    hop = paramiko_server(interface)
    known = hop["known_hosts"]
    known.write_text(known.read_text() + "".join(last.known_hosts_lines()))
    keys = {"transport": "openssh", "jump": f"alice@127.0.0.1:{hop['port']}", "known_hosts": known, "auth": BOTH}
    error = failed(gateway(last.profile(**keys), env=asking("one", "two")), AUTH)
    assert "alice@127.0.0.1: Permission denied" in error["what"]
    assert interface.answers == [] and asking.questions == []
