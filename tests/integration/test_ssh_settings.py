# SPDX-License-Identifier: MIT
"""Settings that come from ssh_config: they reach the connection, or are refused or warned of by name."""

import json
import re

import pytest

from support.gateway import write_ini
from support.sshd import make_key
from support.wait import eventually

CONFIG_EXIT = 3


@pytest.fixture
def write(tmp):
    """write(text) makes an ssh_config and gives its path."""

    def make(text, name="ssh_config"):
        path = tmp / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    return make


@pytest.fixture
def up(gateway, solver):
    """up(config, host, **keys) starts a gateway whose profile says no more than a host, and where it stands."""

    port = solver().port

    def start(config, host="gpu", env=None, settings=None, **keys):
        keys = {"transport": "ssh", "host": host, "ssh_config": config, "launch": "never", **keys}
        keys.setdefault("endpoint", f"127.0.0.1:{port}")
        return gateway(keys, env=env, settings=settings)

    return start


def stanza(server, *lines, host="gpu"):
    """A Host block for a server, with which nothing else is needed to log in."""
    own = [
        f"Host {host}",
        f"HostName {server.host}",
        f"Port {server.port}",
        f"User {server.user}",
        f"IdentityFile {server.client_key}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {server.known_hosts}",
    ]
    return "\n  ".join([own[0], *lines, *own[1:]]) + "\n"


def refused(running):
    """Waits for the end of a gateway whose settings are refused; returns the error."""
    assert running.wait() == CONFIG_EXIT
    error = running.find_events("stopped")[0]["error"]
    assert (error["leg"], error["class"]) == ("local", "config")
    return error


def warnings(running):
    return [line for line in running.log.splitlines() if " warn " in line]


# --- honoured --------------------------------------------------------------------------------------------


def test_an_alias_is_all_that_a_profile_needs(sshd, up, write):
    running = up(write(stanza(sshd())), probe="tcmd")
    assert running.wait_serving()["protocol_version"] == "0.18"


def test_match_include_and_tokens(sshd, up, write, tmp):
    server = sshd()
    server.client_key.rename(tmp / f"key-of-{server.user}@{server.host}-100%")
    write(
        f"Host gpu\n  HostName {server.host}\n  Port {server.port}\n  IdentityFile {tmp}/key-of-%r@%h-100%%\n",
        "more.conf",
    )
    config = write(
        f'Include {tmp}/mo*.conf\nMatch host {server.host} exec "test %n = gpu"\n'
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    up(config, user=server.user).wait_serving()


def test_options_of_the_profile_win(sshd, up, write, tmp):
    server = sshd()
    wrong = make_key(tmp / "wrong")
    config = write(
        f"Host gpu\n  HostName {server.host}\n  Port 1\n  User nobody\n  IdentityFile {wrong}\n"
        "  UserKnownHostsFile /nowhere\n"
    )
    keys = {"port": server.port, "user": server.user, "key": server.client_key, "known_hosts": server.known_hosts}
    up(config, **keys).wait_serving()


def test_files_of_the_profile_are_no_tokens(sshd, up, tmp):
    server = sshd()
    key, known = tmp / "50%h key", tmp / "known %% hosts"
    server.client_key.rename(key)
    server.known_hosts.rename(known)
    up("none", **{**server.profile(key=key, known_hosts=known)}).wait_serving()


def test_host_key_alias(sshd, up, write):
    server = sshd()
    lines = [line.replace(f"[{server.host}]:{server.port}", "cluster") for line in server.known_hosts_lines()]
    server.known_hosts.write_text("".join(lines))
    up(write(stanza(server, "HostKeyAlias cluster"))).wait_serving()


def test_known_hosts_files_with_blanks_in_their_names(sshd, up, write, tmp):
    server = sshd()
    folder = tmp / "my files"
    folder.mkdir()
    (folder / "known hosts").write_text(server.known_hosts.read_text())
    (tmp / "my").write_text("")
    config = stanza(server, f'UserKnownHostsFile /nowhere/at/all "{folder}/known hosts"')
    up(write(config)).wait_serving()


def test_an_edit_is_seen_by_the_next_connection(sshd, up, write):
    server = sshd()
    running = up(write(stanza(server)))
    running.wait_serving()
    write(stanza(server, "User nobody-of-that-name"))
    mark = running.mark()
    server.kill_sessions()
    error = running.wait_event("state", since=mark, where=lambda event: (event["error"] or {}).get("leg") == "auth")
    assert "nobody-of-that-name" in error["error"]["what"]


def test_environment_for_the_launch(sshd, up, write, solver_root, port):
    server = sshd(config=["AcceptEnv PENSTOCK_*"])
    root = solver_root()
    config = stanza(server, "SendEnv PENSTOCK_SENT* OTHER", 'SetEnv PENSTOCK_SET="a b" REFUSED=x')
    running = up(
        write(config),
        env={"PENSTOCK_SENT_1": "one two", "OTHER": "x"},
        root=root,
        endpoint=f"127.0.0.1:{port()}",
        launch="auto",
    )
    running.wait_serving(60)
    with open(f"/proc/{root.pid()}/environ") as file:
        environment = file.read().split("\0")
    assert "PENSTOCK_SENT_1=one two" in environment and "PENSTOCK_SET=a b" in environment
    assert not [text for text in environment if text.startswith(("OTHER=", "REFUSED="))]


def test_log_level_lets_the_library_speak(sshd, up, write):
    server = sshd()
    quiet = up(write(stanza(server)), settings={"log_level": "trace"})
    quiet.wait_serving()
    assert "libssh:" not in quiet.log
    loud = up(write(stanza(server, "LogLevel DEBUG2")), settings={"log_level": "trace"})
    loud.wait_serving()
    eventually(lambda: "libssh: ssh_connect" in loud.log, 5)


def test_rekeying_and_algorithms(sshd, up, write):
    server = sshd(config=["Ciphers aes128-ctr", "MACs hmac-sha2-512", "KexAlgorithms ecdh-sha2-nistp384"])
    config = stanza(
        server,
        "Ciphers aes128-ctr",
        "MACs umac-64@openssh.com,hmac-sha2-512",
        "KexAlgorithms sntrup761x25519-sha512@openssh.com,ecdh-sha2-nistp384",
        "HostKeyAlgorithms ssh-ed25519",
        "RekeyLimit 1M",
    )
    running = up(write(config))
    running.wait_serving()
    assert "umac-64@openssh.com" in running.log and "sntrup761x25519" in running.log
    size = 8 << 20
    assert running.wire.source(size)[0] == size


def test_strict_host_key_checking_no_takes_a_new_host_and_no_changed_one(sshd, up, write, tmp):
    server = sshd()
    known = tmp / "new_known_hosts"
    config = stanza(server, f"UserKnownHostsFile {known}", "StrictHostKeyChecking no")
    running = up(write(config))
    running.wait_serving()
    assert [line for line in warnings(running) if "StrictHostKeyChecking no (for gpu)" in line]
    assert f"[{server.host}]:{server.port} ssh-ed25519" in known.read_text()
    running.stop()
    server.new_host_keys()
    second = up(write(config))
    assert second.wait() == 6
    assert "has changed" in second.find_events("stopped")[0]["error"]["what"]


def test_known_hosts_file_of_nothing(sshd, up, write):
    server = sshd()
    up(write(stanza(server, "UserKnownHostsFile /dev/null", "StrictHostKeyChecking no"))).wait_serving()


# --- refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines, what, next_step",
    [
        (["RevokedHostKeys /etc/ssh/revoked"], "RevokedHostKeys /etc/ssh/revoked (in ssh_config, for gpu)", "@revoked"),
        (["KnownHostsCommand /bin/true %H"], "KnownHostsCommand /bin/true %H", "transport = openssh"),
        (["ProxyCommand nc %h %p", "ProxyUseFdpass yes"], "ProxyUseFdpass yes", "transport = openssh"),
        (["PreferredAuthentications gssapi-with-mic", "GSSAPIAuthentication yes"], "leaves gssapi-with-mic", "openssh"),
        (["PreferredAuthentications hostbased", "HostbasedAuthentication yes"], "leaves hostbased", "openssh"),
        (["PreferredAuthentications password"], "leaves password", "ssh-keygen"),
        (["PubkeyAuthentication no"], "PubkeyAuthentication no", "auth = keyboard-interactive"),
        (["Ciphers aes128-ctr", "KexAlgorithms sntrup761x25519-sha512@openssh.com"], "KexAlgorithms", "openssh"),
    ],
)
def test_what_cannot_be_honoured_is_refused(sshd, up, write, lines, what, next_step):
    server = sshd()
    before = server.log.count("Connection from")
    error = refused(up(write(stanza(server, *lines))))
    assert what in error["what"]
    assert next_step in error["next"]
    if "Ciphers" not in lines[0]:  # what libssh has is known once there is a session
        assert server.log.count("Connection from") == before


def test_a_refused_keyword_of_the_profile_is_called_the_profiles(sshd, up, write):
    keys = {"ssh_options": '"RevokedHostKeys=/etc/ssh/revoked"'}
    assert "in the profile, for gpu" in refused(up(write(stanza(sshd())), **keys))["what"]


def test_a_refused_keyword_can_be_done_without(sshd, up, write):
    config = stanza(sshd(), "RevokedHostKeys /etc/ssh/revoked")
    up(write(config), ssh_options='"RevokedHostKeys=none"').wait_serving()


def test_auth_of_the_profile_is_the_answer(sshd, up, write):
    up(write(stanza(sshd(), "PreferredAuthentications password")), auth="publickey").wait_serving()


def test_a_password_is_no_way_to_log_in(sshd, up, write):
    error = refused(up(write(stanza(sshd())), auth="password"))
    assert "auth = password" in error["what"] and "ssh-copy-id" in error["next"]


def test_a_mistake_in_ssh_config_is_told_in_ssh_s_words(up, write):
    error = refused(up(write("Host gpu\n  Porrt 22\n")))
    assert "Bad configuration option: porrt" in error["what"] + error["detail"]
    assert re.search(r"ssh_config.* line 2", error["what"] + error["detail"])


@pytest.mark.parametrize("line", ["IdentityFile ~/%z", "IdentityFile ${NO_SUCH_VARIABLE}/key"])
def test_tokens_that_are_none(sshd, up, write, line):
    assert line.split()[1].lstrip("~") in refused(up(write(stanza(sshd(), line))))["what"]


# --- warned of -------------------------------------------------------------------------------------------


def test_what_has_no_effect_is_said_once(sshd, up, write):
    server = sshd()
    config = stanza(
        server, "LocalForward 8080 localhost:80", "LocalForward 8081 localhost:81", "RequestTTY yes", "ForwardAgent yes"
    )
    running = up(write(config), lanes=2)
    running.wait_serving()
    mark = running.mark()
    server.kill_sessions()
    running.wait_state("up", since=mark)
    said = [line for line in warnings(running) if "has no effect" in line]
    assert len(said) == 2
    assert any("LocalForward 8080" in line and "`listen`" in line for line in said)
    assert any("RequestTTY" in line for line in said)


def test_what_distributions_write_is_not_warned_of(sshd, up, write):
    config = stanza(sshd(), "SendEnv LANG LC_*", "HashKnownHosts yes", "GSSAPIAuthentication yes", "ForwardX11Trusted yes")
    running = up(write(config))
    running.wait_serving()
    assert warnings(running) == []


# --- penstock check --------------------------------------------------------------------------------------


@pytest.fixture
def check(penstock, tmp):
    """check(**keys) runs `penstock check lab --json`; returns the exit code, what was found, and the problems."""

    def run(**keys):
        config = write_ini(tmp / "check.ini", {"lab": {"transport": "ssh", "host": "gpu", "launch": "never", **keys}})
        done = penstock.run("check", "lab", "--json", "--config", config)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        found = {event["name"]: event["text"] for event in events if event["event"] == "found"}
        return done.returncode, found, [event for event in events if event["event"] == "problem"]

    return run


def test_check_says_what_was_found(check, write, tmp):
    key = make_key(tmp / "key")
    config = write(
        f"Host gpu\n  HostName gpu01.example.com\n  Port 2200\n  User alice\n  ProxyJump gate\n  IdentityFile {key}\n"
        f"  UserKnownHostsFile {tmp}/known\n  StrictHostKeyChecking accept-new\n  HostKeyAlias cluster\n"
        "Host gate\n  HostName 10.0.0.9\n  User bob\n"
    )
    code, found, problems = check(ssh_config=config)
    assert (code, problems) == (0, [])
    assert "OpenSSH_" in found["settings"] and str(config) in found["settings"]
    assert found["host"] == "gpu01.example.com, port 2200, user alice"
    assert found["by way of"] == "gate: 10.0.0.9, port 22, user bob"
    assert found["key"] == str(key)
    assert found["host key"] == f"looked up as cluster in {tmp}/known, new hosts are remembered"
    assert (found["login"], found["agent"]) == ("publickey", "none")


def test_check_finds_a_way_that_goes_in_a_circle(check, write):
    config = write("Host *\n  ProxyJump gate\nHost gate\n  HostName 10.0.0.9\n")
    code, _, problems = check(ssh_config=config)
    assert code == CONFIG_EXIT
    assert len(problems) == 1 and "circle: gate -> gate -> gpu" in problems[0]["text"]


def test_check_says_that_no_host_key_is_remembered(check):
    code, found, problems = check(ssh_config="none", known_hosts="/dev/null", host_key="accept-new")
    assert (code, problems) == (0, [])
    assert found["host key"] == "/dev/null, new hosts are taken each time and not remembered: any host may answer"


def test_check_tells_an_option_of_the_profile_from_a_file(check):
    code, _, problems = check(ssh_config="none", ssh_options='"HostKeyAliass=x"')
    assert code == CONFIG_EXIT
    assert "an option of the profile" in problems[0]["text"] and "hostkeyaliass" in problems[0]["text"]


def test_check_finds_a_key_file_that_is_missing(check, tmp):
    code, _, problems = check(ssh_config="none", key=tmp / "nowhere")
    assert code == CONFIG_EXIT
    assert problems[0]["line"] == 6  # where the profile names it
    assert f"{tmp}/nowhere" in problems[0]["text"]


def test_check_knows_a_putty_key(check, tmp):
    key = tmp / "key.ppk"
    key.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    key.chmod(0o600)
    code, _, problems = check(ssh_config="none", key=key)
    assert code == CONFIG_EXIT and "puttygen" in problems[0]["text"]


def test_check_takes_a_key_of_ssh_config_that_is_missing_beside_another(check, write, tmp):
    key = make_key(tmp / "key")
    code, _, problems = check(ssh_config=write(f"IdentityFile {tmp}/nowhere\nIdentityFile {key}\n"))
    assert code == 0
    assert [problem["severity"] for problem in problems] == ["warning"]


def test_check_looks_at_each_host_on_the_way(check, write, tmp):
    config = write(
        f"Host gpu\n  ProxyJump two\nHost two\n  ProxyJump one\n  IdentityFile {tmp}/nowhere\n"
        "Host one\n  RevokedHostKeys /r\n"
    )
    code, _, problems = check(ssh_config=config)
    texts = " ".join(problem["text"] for problem in problems)
    assert code == CONFIG_EXIT and len(problems) == 2
    assert f"key file {tmp}/nowhere" in texts and "RevokedHostKeys /r (in ssh_config, for one)" in texts


@pytest.mark.parametrize(
    "keys, text",
    [
        ({"ciphers": "3des"}, "an option of the profile, for gpu: Bad SSH2 cipher spec '3des'"),
        ({"ssh_options": '"KexAlgorithms=sntrup761x25519-sha512@openssh.com"'}, "transport = openssh"),
        ({"ssh_options": '"RevokedHostKeys=/r"'}, "RevokedHostKeys /r (in the profile, for gpu)"),
    ],
)
def test_check_finds_what_connect_would_refuse(check, keys, text):
    code, _, problems = check(ssh_config="none", **keys)
    assert code == CONFIG_EXIT and text in problems[0]["text"]
