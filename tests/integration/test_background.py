# SPDX-License-Identifier: MIT
"""`penstock up -d`: a gateway that goes on without the terminal that it was started from."""

import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from support import procs
from support.gateway import write_ini
from support.ports import free_port
from support.sshd import make_key
from support.terminal import Terminal
from support.wait import eventually
from support.wire import Wire

OK, USAGE, CONFIG, UNREACHABLE, PORT, FAR_FAILED = 0, 2, 3, 4, 7, 125


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


@pytest.fixture
def config(tmp):
    """config(profile) writes a profiles file; config.port is where its gateway listens."""

    def write(profile, name="lab", **settings):
        common = {"listen": f"127.0.0.1:{write.port}", **settings}
        return write_ini(tmp / "penstock.ini", {"gateway": common, name: profile})

    write.port = free_port()
    return write


@pytest.fixture(autouse=True)
def nothing_left(penstock, solver_root):
    """Ends what goes on in the background."""
    yield
    done = penstock.run("status", "--json")
    for status in json.loads(done.stdout)["gateways"]:
        procs.end([status["pid"]])


@pytest.fixture
def terminal(penstock):
    """terminal(command, …) runs one at a terminal of its own."""
    made = []

    def start(*command, env=None):
        made.append(Terminal(command, penstock.environment({"TERM": "dumb", **(env or {})}), penstock.home))
        return made[-1]

    yield start
    for each in made:
        each.close()


def status_of(penstock, name="lab"):
    (status,) = json.loads(penstock.run("status", "--json", name).stdout)["gateways"]
    return status


def terminal_of(pid):
    """The number of its controlling terminal, 0 for none; and its session."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[4]), int(fields[3])


def test_it_serves_once_the_command_returns(penstock, config, forward):
    done = penstock.run("up", "-d", "lab", "--config", config(forward))
    assert done.returncode == OK, done
    assert Wire(config.port).tcmd()["protocol_version"] == "0.18"
    status = status_of(penstock)
    assert status["state"] == "up"
    log = penstock.home / ".local/state/penstock/lab.log"
    assert f"(pid {status['pid']})" in done.stdout and f"Its log: {log}" in done.stdout
    assert "penstock status lab" in done.stdout and "penstock down lab" in done.stdout
    assert "Serving." in done.stdout and "Ctrl-C" not in done.stdout
    assert stat.S_IMODE(log.stat().st_mode) == 0o600 and stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    assert "serving" in log.read_text()
    assert terminal_of(status["pid"]) == (0, status["pid"])
    held = [os.readlink(f"/proc/{status['pid']}/fd/{fd}") for fd in range(3)]
    assert held == ["/dev/null", "/dev/null", str(log)]
    down = penstock.run("down", "lab")
    assert down.returncode == OK, down
    eventually(lambda: not procs.alive(status["pid"]))
    assert "ended" in log.read_text()


def test_a_rotated_log_is_let_go_of(penstock, config, forward):
    """What a library says on standard error is to be in the file that is looked at, and the old one's room given back."""
    assert penstock.run("up", "-d", "lab", "--config", config(forward)).returncode == OK
    log = penstock.home / ".local/state/penstock/lab.log"
    pid = status_of(penstock)["pid"]
    log.rename(log.with_suffix(".1"))
    os.kill(pid, signal.SIGUSR1)
    eventually(log.exists)
    descriptors = Path(f"/proc/{pid}/fd")
    eventually(
        lambda: sorted(os.readlink(fd) for fd in descriptors.iterdir()).count(str(log)) == 2,
        what=lambda: [os.readlink(fd) for fd in descriptors.iterdir()],
    )
    assert os.readlink(descriptors / "2") == str(log)


def test_as_json(penstock, config, forward, tmp):
    log = tmp / "own.log"
    done = penstock.run("up", "--detach", "--json", "lab", "--config", config(forward, log_file=log))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == OK and [event["event"] for event in events][-2:] == ["serving", "background"]
    status = status_of(penstock)
    address = f"127.0.0.1:{config.port}"
    told = {"pid": status["pid"], "state": "up", "address": address, "log": str(log), "unasked": None}
    assert events[-1] == {"event": "background", **told}
    assert not (penstock.home / ".local").exists()


def test_the_log_of_an_odd_name_stays_in_its_folder(penstock, config, forward, tmp):
    name = "../a b/\u00fc"
    done = penstock.run("up", "-d", "--config", config(forward, name=name), env={"XDG_STATE_HOME": tmp / "state"})
    assert done.returncode == OK, done
    assert [path.name for path in (tmp / "state/penstock").iterdir()] == ["_._a_b___.log"]


def test_a_link_in_the_place_of_the_log_is_not_followed(penstock, config, forward, tmp):
    log = penstock.home / ".local/state/penstock/lab.log"
    log.parent.mkdir(parents=True)
    log.symlink_to(tmp / "elsewhere")
    done = penstock.run("up", "-d", "--config", config(forward))
    assert done.returncode == CONFIG and f"cannot open the log file {log}" in done.stderr and "log_file" in done.stderr
    assert not (tmp / "elsewhere").exists()


def test_it_outlives_its_terminal(penstock, config, forward, terminal):
    line = f"{shlex.quote(str(penstock.binary))} up -d lab --config {config(forward)}; echo code $?; cat"
    window = terminal("sh", "-c", line)
    window.wait_for("code 0")
    pid = status_of(penstock)["pid"]
    assert terminal_of(pid) == (0, pid)
    window.hang_up()
    assert window.process.wait(20) == -signal.SIGHUP
    assert Wire(config.port).tcmd()["protocol_version"] == "0.18"
    assert status_of(penstock)["pid"] == pid


def test_it_asks_before_it_lets_go_of_the_terminal(penstock, config, forward, terminal, sshd, tmp):
    server = sshd()
    key = make_key(tmp / "locked", passphrase="open sesame")
    server.authorize(key)
    profile = server.profile(key=key, endpoint=forward["endpoint"], launch="never", probe="tcmd")
    window = terminal(penstock.binary, "up", "-d", "lab", "--config", config(profile))
    window.wait_for("(?i)pass ?phrase")
    assert status_of(penstock)["state"] == "connecting"
    window.type("open sesame\n")
    window.wait_for("in the background")
    assert window.process.wait(20) == OK
    assert "open sesame" not in window.shown
    assert Wire(config.port).tcmd()["protocol_version"] == "0.18"


def test_it_fails_as_in_the_foreground(penstock, config, tmp):
    """With the same words, on the same stream, and the same exit code."""
    profile = {"transport": "local", "root": tmp / "nothing", "endpoint": f"127.0.0.1:{free_port()}"}
    path = config(profile)
    done = [penstock.run("up", *args, "lab", "--config", path, "--log-file", tmp / "log") for args in ([], ["-d"])]
    told = [(each.returncode, re.sub(r" +[\d.]+ m?s", "", each.stdout), each.stderr) for each in done]
    assert told[0] == told[1]
    assert told[0][0] > 0 and "Failed" in told[0][2]
    assert json.loads(penstock.run("status", "--json").stdout)["gateways"] == []


def test_a_port_that_is_taken(penstock, config, forward):
    with socket.create_server(("127.0.0.1", config.port)):
        done = penstock.run("up", "-d", "--json", "--config", config(forward))
    assert done.returncode == PORT and f"Port {config.port} is in use" in done.stderr
    (stopped,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert stopped["event"] == "stopped" and stopped["exit_code"] == PORT


def test_what_may_pass_is_waited_for_in_the_background(penstock, config, forward, solver):
    """The port is open and connections are held, as they are in the foreground; the words say that it is down."""
    there = free_port()
    profile = {**forward, "endpoint": f"127.0.0.1:{there}", "retry_max": "1s"}
    done = penstock.run("up", "-d", "--config", config(profile))
    assert done.returncode == OK, done
    assert "Down" in done.stdout and str(there) in done.stdout and "in the background" in done.stdout
    solver(port=there)
    assert Wire(config.port).tcmd()["protocol_version"] == "0.18"


def test_there_is_one_of_each(penstock, config, forward):
    path = config(forward)
    assert penstock.run("up", "-d", "--config", path).returncode == OK
    pid = status_of(penstock)["pid"]
    done = penstock.run("up", "-d", "--config", path)
    assert done.returncode == PORT and done.stdout == ""
    assert f"runs already on 127.0.0.1:{config.port} (pid {pid})" in done.stderr and "penstock down lab" in done.stderr
    done = penstock.run("up", "-d", "--config", path, "--listen", "127.0.0.1:0")
    assert done.returncode == OK, done


def test_another_profile_has_the_port(penstock, tmp, forward):
    """What is meant may be to use this one there. Then both run, and are asked for by name."""
    port = free_port()
    path = write_ini(tmp / "penstock.ini", {"gateway": {"listen": port}, "lab": forward, "other": forward})
    assert penstock.run("up", "-d", "lab", "--config", path).returncode == OK
    for flags in (["-d"], []):
        done = penstock.run("up", *flags, "other", "--config", path)
        assert done.returncode == PORT, done
        assert "your gateway of 'lab' has the port already" in done.stderr
        assert f"penstock use other --gateway lab@{port}" in done.stderr
    assert penstock.run("up", "-d", "other", "--config", path, "--listen", "0").returncode == OK

    def shown(*names):
        done = penstock.run("status", *names, "--json")
        return done.returncode, [status["profile"] for status in json.loads(done.stdout)["gateways"]]

    assert shown() == (OK, ["lab", "other"])
    assert shown("other", f"lab@{port}", "other") == (OK, ["other", "lab"])
    assert shown("lab", "none") == (UNREACHABLE, ["lab"])
    done = penstock.run("status", "none", "other")
    assert done.returncode == UNREACHABLE and "no gateway runs with the profile 'none'" in done.stderr
    assert "other" in done.stdout and "lab" not in done.stdout
    done = penstock.run("status", "--watch", "lab", "other")
    assert done.returncode == USAGE and "one PROFILE" in done.stderr


def test_ending_the_command_that_waits_ends_the_gateway(penstock, config):
    """While it connects to a machine that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        profile = {"transport": "ssh", "host": "127.0.0.1", "port": port, "user": "x", "launch": "never"}
        command = [penstock.binary, "up", "-d", "--config", config(profile)]
        waits = subprocess.Popen(command, env=penstock.environment(), cwd=penstock.home, stdout=subprocess.DEVNULL)
        try:
            eventually(lambda: "connecting" in penstock.run("status").stdout)
            pid = status_of(penstock)["pid"]
            assert pid != waits.pid
            waits.send_signal(signal.SIGTERM)
            assert waits.wait(20) == OK
            assert not procs.alive(pid)
        finally:
            waits.kill()
            waits.wait(20)


def test_a_gateway_that_is_killed_while_it_is_waited_for(penstock, config):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        profile = {"transport": "ssh", "host": "127.0.0.1", "port": port, "user": "x", "launch": "never"}
        command = [penstock.binary, "up", "-d", "--config", config(profile)]
        waits = subprocess.Popen(
            command, env=penstock.environment(), cwd=penstock.home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        eventually(lambda: "connecting" in penstock.run("status").stdout)
        os.kill(status_of(penstock)["pid"], signal.SIGKILL)
        _, said = waits.communicate(timeout=20)
        assert waits.returncode == 1 and b"ended by signal 9" in said


def test_a_self_test_needs_the_terminal(penstock, config, forward):
    done = penstock.run("up", "-d", "--self-test", "--config", config(forward))
    assert done.returncode == USAGE and "penstock probe" in done.stderr
    assert "-d, --detach" in penstock.run("up", "--help").stdout
    assert penstock.run("status", "-d").returncode == USAGE


def test_it_says_that_no_command_will_find_it(penstock, config, forward, tmp):
    """Its folder is one that others may look into: neither it nor those who look for it use that."""
    penstock.runtime.mkdir(mode=0o755)
    penstock.runtime.chmod(0o755)
    try:
        done = penstock.run("up", "-d", "lab", "--config", config(forward))
        assert done.returncode == OK
        pid = int(re.search(r"in the background \(pid (\d+)\), but no command will find it", done.stdout)[1])
        assert f"chmod 700 {penstock.runtime}" in done.stdout and f"kill {pid}" in done.stdout
        procs.end([pid])
        done = penstock.run("up", "-d", "lab", "--json", "--config", config(forward))
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["event"] == "background" and "others may look into it" in told["unasked"]["what"]
        procs.end([told["pid"]])
        for command in (["status"], ["down", "lab"], ["exec", "lab", "--", "true"], ["status", "--watch", "--json"]):
            done = penstock.run(*command)
            assert done.returncode in (UNREACHABLE, FAR_FAILED)
            assert f"no gateway is looked for in {penstock.runtime}: others may look into it" in done.stderr
            assert f"chmod 700 {penstock.runtime}" in done.stderr
    finally:
        penstock.runtime.chmod(0o700)
