# SPDX-License-Identifier: MIT
"""ssh-command: a pasted ssh line as a profile's host, explained, saved, and connected through a real server."""

import json
import shlex

import pytest

from support.gateway import Gateway, write_ini
from support.sshd import make_key

OK, USAGE, CONFIG, IDENTITY = 0, 2, 3, 6


@pytest.fixture
def explain(penstock, tmp):
    """explain(line, *args) runs `penstock ssh-command explain`; the file of --save is explain.file."""

    def run(line, *args, **more):
        return penstock.run("ssh-command", "explain", line, "--config", run.file, *args, **more)

    run.file = tmp / "penstock.ini"
    write_ini(run.file, {})
    return run


@pytest.fixture
def server(sshd):
    """A server whose port and key are for the command line to say."""
    return sshd()


def command(server, *options, key=True, host=None):
    """The ssh line that reaches a server, without its known_hosts."""
    words = ["ssh", "-p", str(server.port), *(["-i", str(server.client_key)] if key else []), *options]
    return shlex.join([*words, host or f"{server.user}@{server.host}"])


@pytest.fixture
def up(gateway, solver):
    """up(line, **keys) starts a gateway over a pasted line, in front of a demo solver (`up.solver`)."""

    def start(line, env=None, settings=None, **keys):
        keys = {"transport": "ssh-command", "command": line, "launch": "never", "agent": False, **keys}
        if "endpoint" not in keys:
            keys["endpoint"] = f"127.0.0.1:{start.solver.port}"
        return gateway(keys, env=env, settings=settings)

    start.solver = solver()
    return start


# --- explain -------------------------------------------------------------------------------------------------


def test_explained_as_a_profile(explain):
    done = explain("ssh -p 2222 -J gate,bob@b:22 -C -o ConnectTimeout=7 -o 'SetEnv A=b' alice@gpu01")
    assert done.returncode == OK and done.stderr == ""
    assert done.stdout.splitlines() == [
        "[gpu01]",
        "; ssh -p 2222 -J gate,bob@b:22 -C -o ConnectTimeout=7 -o 'SetEnv A=b' alice@gpu01",
        "transport = ssh",
        "host = gpu01",
        "port = 2222",
        "user = alice",
        'jump = "gate,bob@b:22"',
        "compression = yes",
        "ssh_options =",
        "  ConnectTimeout=7",
        "  SetEnv=A=b",
    ]


def test_keys_and_what_has_no_effect(explain, tmp):
    key = make_key(tmp / "a key")
    done = explain(f"$ ssh -t -i '{key}' -i /nope -L 9191:localhost:9090 gpu01 nvidia-smi -l 1\n")
    assert done.returncode == OK
    lines = done.stdout.splitlines()
    assert f'key = "{key}"' in lines
    assert "identities_only = no  ; as ssh does: the agent's other keys are offered too" in lines
    assert "listen = 127.0.0.1:9191  ; the local side of -L" in lines
    assert "endpoint = localhost:9090  ; its far side, as seen from the host" in lines
    assert "; Warning: -t has no effect: penstock needs no terminal" in lines
    assert "; Warning: -i /nope: there is no such file; it is left out, as ssh does" in lines
    assert any(line.startswith("; Warning: the remote command `nvidia-smi -l 1` is not run") for line in lines)
    assert any(line.startswith("; Note: -L 9191:localhost:9090: penstock forwards by itself") for line in lines)


def test_a_relative_key_gets_its_whole_path(explain, tmp):
    make_key(tmp / "lab")
    done = explain("ssh -i lab gpu01", cwd=tmp)
    assert f"key = {tmp}/lab" in done.stdout.splitlines()
    assert "counts from the folder in which penstock is started" in done.stdout


def test_a_key_beside_those_of_ssh_config_stays_an_addition(explain, tmp):
    make_key(tmp / "lab")
    (tmp / "config").write_text("IdentityFile ~/.ssh/other\n")
    done = explain(f"ssh -F {tmp}/config -i {tmp}/lab gpu01")
    lines = done.stdout.splitlines()
    assert f"ssh_config = {tmp}/config" in lines
    assert f"ssh_options = IdentityFile={tmp}/lab" in lines
    assert not any(line.startswith("key") for line in lines)


def test_as_json(explain):
    done = explain("ssh -p 2222 -T -o A=b -o 'ProxyCommand x \"y\"' alice@gpu01", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == OK
    assert answer["name"] == "gpu01" and answer["error"] is None and answer["saved"] is None
    assert answer["profile"] == {
        "transport": "ssh",
        "host": "gpu01",
        "port": "2222",
        "user": "alice",
        "ssh_options": ["A=b", 'ProxyCommand=x "y"'],
    }
    assert [note["level"] for note in answer["notes"]] == ["warn", "warn"]
    assert answer["notes"][0]["text"] == "-T has no effect: penstock needs no terminal anyway"
    assert answer["ini"].startswith("[gpu01]\n")


@pytest.mark.parametrize(
    "line, at, what, next_step",
    [
        ("ssh -z h", 6, "ssh has no option -z", "`ssh` alone"),
        ("ssh h | less", 7, "`|` pipes the output", "Give the command alone"),
        ("ssh -p", 7, "-p needs an argument", "Write -p PORT"),
        ("ssh -P 22 h", 8, "scp", "Write -p 22"),
        ("ssh --port 22 h", 5, "no long options", "Write -p PORT"),
        ("ssh h:22", 6, "no port after the host", "ssh -p 22 h"),
        ("ssh $NOPE", 5, "the variable NOPE is not set", "Set it"),
        ("ssh 'h", 5, "not closed", "Add the closing '"),
        ("scp a b:", 1, "`scp` is not ssh", "-p PORT"),
        ("ssh ü | x", 7, "`|` pipes", "alone"),
    ],
)
def test_a_wrong_line_says_at_which_character(explain, line, at, what, next_step):
    done = explain(line)
    assert done.returncode == CONFIG and done.stdout == ""
    assert f"character {at}: " in done.stderr and what in done.stderr and next_step in done.stderr
    error = json.loads(explain(line, "--json").stdout)["error"]
    assert error["what"].startswith(f"command: character {at}: ") and error["class"] == "config"
    if line.isascii():
        shown, mark = error["detail"].splitlines()
        assert shown == line and mark == " " * (at - 1) + "^"


@pytest.mark.parametrize("args", [["explain"], ["explain", "ssh", "-p", "22", "h"], [], ["nope"], ["explain", "a", "b"]])
def test_wrong_use(penstock, args):
    done = penstock.run("ssh-command", *args)
    assert done.returncode == USAGE and done.stderr.startswith("penstock ssh-command")


def test_help(penstock):
    for args in (["ssh-command", "--help"], ["ssh-command", "explain", "--help"], ["help", "ssh-command"]):
        done = penstock.run(*args)
        assert done.returncode == OK and "explain" in done.stdout


# --- save ----------------------------------------------------------------------------------------------------


def test_saved_in_the_users_own_file(penstock):
    done = penstock.run("ssh-command", "explain", "ssh -p 2222 alice@gpu01", "--save", "lab")
    file = penstock.home / ".config" / "penstock" / "penstock.ini"
    assert done.returncode == OK and f"Saved in {file}" in done.stdout
    assert file.stat().st_mode & 0o7777 == 0o600
    assert file.parent.stat().st_mode & 0o7777 == 0o700
    assert file.read_text().startswith("[lab]\n; ssh -p 2222 alice@gpu01\ntransport = ssh\nhost = gpu01\n")
    assert "lab" in penstock.run("profiles").stdout
    assert penstock.run("check").returncode == OK


def test_what_is_in_the_file_stays(explain, penstock):
    before = "; mine\n[gateway]\nprofile = a  ; this one\n\n[a]\ntransport=local\n   ; odd\nendpoint = 127.0.0.1:1"
    explain.file.write_text(before)
    done = explain("ssh gpu01", "--save", "gpu 01", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == OK and answer["saved"] == str(explain.file) and answer["name"] == "gpu 01"
    assert explain.file.read_text() == before + "\n\n" + answer["ini"]
    assert [path.name for path in explain.file.parent.iterdir() if path.name.startswith("penstock.ini")] == [
        "penstock.ini"
    ]
    names = [row["name"] for row in json.loads(penstock.run("profiles", "--json", "--config", explain.file).stdout)["profiles"]]
    assert names == ["a", "gpu 01"]


def test_a_profile_of_that_name_is_kept(explain):
    explain.file.write_text("[lab]\ntransport = local\n")
    for name in ("lab", "gateway", "a]b", "-x", "a\nb"):
        done = explain("ssh gpu01", f"--save={name}")
        assert done.returncode == CONFIG and done.stdout == ""
        assert "choose another name" in done.stderr
    assert explain.file.read_text() == "[lab]\ntransport = local\n"


def test_a_profile_of_that_name_in_an_included_file(explain, tmp):
    write_ini(tmp / "more.ini", {"lab": {"transport": "local"}})
    explain.file.write_text("include = more.ini\n")
    assert explain("ssh gpu01", "--save", "lab").returncode == CONFIG
    assert explain("ssh gpu01", "--save", "lab2").returncode == OK


def test_a_broken_file_is_not_added_to(explain):
    explain.file.write_text("[lab\nx")
    done = explain("ssh gpu01", "--save", "lab2")
    assert done.returncode == CONFIG and f"{explain.file}:1: error" in done.stderr
    assert explain.file.read_text() == "[lab\nx"


def test_a_profile_that_would_be_wrong_is_not_saved(explain):
    done = explain("ssh -L 1:300.1.1.1:2 gpu01", "--save", "lab")
    assert done.returncode == CONFIG
    assert f"{explain.file}:" in done.stderr and "no IPv4 address" in done.stderr
    assert explain.file.read_text() == ""
    assert explain("ssh -z h", "--save", "lab").returncode == CONFIG


def test_values_that_need_quotes_come_back(explain, penstock, tmp):
    key = make_key(tmp / "a; key, 'two'")
    line = shlex.join(["ssh", "-i", str(key), "-o", "ProxyCommand=sh -c 'a ; b' # \"c, ${d} $e\"", "gpu01"])
    done = explain(line, "--save", "lab", "--json")
    assert done.returncode == OK, done.stderr
    profile = json.loads(done.stdout)["profile"]
    assert profile["key"] == [str(key)]
    assert profile["ssh_options"] == ["ProxyCommand=sh -c 'a ; b' # \"c, ${d} $e\""]
    assert penstock.run("check", "lab", "--config", explain.file).returncode == OK


# --- connect -------------------------------------------------------------------------------------------------


def test_connects_as_the_line_says(server, up):
    line = command(server, "-o", f"UserKnownHostsFile={server.known_hosts}", "-F", "none")
    gateway = up(line)
    gateway.wait_serving()
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"
    assert "command:" not in gateway.log


def test_options_of_the_profile_win_over_the_line(server, up):
    line = command(server, "-l", "nobody-of-that-name", "-o", "UserKnownHostsFile=/nowhere")
    up(line, user=server.user, known_hosts=server.known_hosts).wait_serving()


def test_an_alias_of_the_named_ssh_config(server, up, tmp):
    (tmp / "ssh config").write_text(
        f"Host gpu\n  HostName {server.host}\n  Port {server.port}\n  User {server.user}\n"
        f"  IdentityFile {server.client_key}\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    up(shlex.join(["ssh", "-F", str(tmp / "ssh config"), "gpu"])).wait_serving()


def test_variables_are_filled_in(server, up):
    line = f"ssh -p $LAB_PORT -i \"$LAB_KEY\" {server.user}@{server.host}"
    env = {"LAB_PORT": server.port, "LAB_KEY": server.client_key}
    up(line, env=env, known_hosts=server.known_hosts).wait_serving()


def test_the_endpoint_is_that_of_the_forward(server, up):
    line = command(server, "-N", "-L", f"1:localhost:{up.solver.port}")
    gateway = up(line, endpoint=None, known_hosts=server.known_hosts)
    gateway.wait_serving()
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


def test_warnings_are_logged_once(server, up):
    line = command(server, "-t", "-X") + " nvidia-smi"
    gateway = up(line, known_hosts=server.known_hosts, settings={"retry_min": None})
    gateway.wait_serving()
    since = gateway.mark()
    server.kill_sessions()
    gateway.wait_state("up", since=since)
    assert gateway.log.count("command: -t has no effect") == 1
    assert gateway.log.count("command: -X has no effect") == 1
    assert gateway.log.count("command: the remote command `nvidia-smi` is not run") == 1


def test_the_saved_profile_connects_as_the_command_does(server, explain, gateway, solver, penstock, port, tmp):
    behind = solver()
    listen = port()
    forward = f"{listen}:127.0.0.1:{behind.port}"
    line = command(server, "-o", f"UserKnownHostsFile={server.known_hosts}", "-L", forward)
    done = explain(line, "--save", "lab")
    assert done.returncode == OK, done.stderr
    with open(explain.file, "a") as file:
        file.write("launch = never\nagent = no\n")
    saved = Gateway(penstock, explain.file, "lab", tmp / "saved.log")
    try:
        saved.wait_serving()
        assert saved.address == f"127.0.0.1:{listen}"
        pasted = gateway({"transport": "ssh-command", "command": line, "launch": "never", "agent": False})
        pasted.wait_serving()
        legs = [
            [(leg["leg"], leg["text"]) for leg in each.find_events("leg") if leg["leg"] in ("host-key", "auth")]
            for each in (saved, pasted)
        ]
        assert legs[0] == legs[1] and len(legs[0]) == 2
        assert saved.wire.tcmd()["protocol_version"] == pasted.wire.tcmd()["protocol_version"] == "0.18"
    finally:
        saved.close()


def test_an_unknown_host_is_refused_and_trusted_by_the_same_profile(server, up, tmp, penstock):
    known_hosts = tmp / "known"
    gateway = up(command(server), known_hosts=known_hosts)
    assert gateway.wait() == IDENTITY
    done = penstock.run("trust", "lab", "--config", gateway.config, "--fingerprint", server.fingerprints()[0])
    assert done.returncode == OK, done.stderr
    up(command(server), known_hosts=known_hosts).wait_serving()


def test_check_names_the_line_of_the_file(penstock, tmp):
    keys = {"transport": "ssh-command", "command": "ssh -p 22 h | less"}
    config = write_ini(tmp / "penstock.ini", {"lab": keys})
    done = penstock.run("check", "--config", config)
    assert done.returncode == CONFIG
    assert f"{config}:3: error: " in done.stdout
    assert "command: character 13: `|` pipes the output" in done.stdout
    keys["command"] = "ssh -p 22 h"
    assert penstock.run("check", "--config", write_ini(config, {"lab": keys})).returncode == OK


def test_check_wants_a_command(penstock, tmp):
    config = write_ini(tmp / "penstock.ini", {"lab": {"transport": "ssh-command", "host": "h"}})
    done = penstock.run("check", "--config", config)
    assert done.returncode == CONFIG
    assert "must set `command`" in done.stdout and "`host`" in done.stdout
