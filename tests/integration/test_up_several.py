# SPDX-License-Identifier: MIT
"""`penstock up A B`: several gateways side by side, a process each."""

import json
import os
import signal
import socket
import subprocess

import pytest

from support import procs
from support.gateway import write_ini
from support.ports import free_port
from support.sshd import make_key
from support.terminal import Terminal
from support.wait import eventually
from support.wire import Wire

OK, USAGE, CONFIG, AUTH = 0, 2, 3, 5


class Several:
    """`penstock up NAME…`, with what it prints."""

    def __init__(self, penstock, config, names, args=(), env=None, under=()):
        self.out, self.err = config.with_suffix(".out"), config.with_suffix(".err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [*under, penstock.binary, "up", *names, "--config", config, *args],
                env=penstock.environment(env),
                cwd=penstock.home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def story(self):
        return self.out.read_text() + self.err.read_text()

    def events(self, name=None, **match):
        lines = [json.loads(line) for line in self.out.read_text().splitlines() if line.endswith("}")]
        return [
            line
            for line in lines
            if name in (None, line["event"]) and all(line.get(key) == value for key, value in match.items())
        ]

    def wait_for(self, text, timeout=20):
        eventually(lambda: text in self.out.read_text(), timeout, self.story)

    def wait(self):
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end\n{self.story()}") from None


@pytest.fixture
def config(tmp, solver):
    """config(a={keys}, …) writes profiles that forward to a demo solver, each with a port of its own."""
    there = solver()
    usual = {"transport": "local", "endpoint": f"127.0.0.1:{there.port}", "launch": "never", "probe": "tcmd"}

    def write(**profiles):
        sections = {}
        for name, keys in profiles.items():
            port = write.ports.setdefault(name, free_port())
            sections[name] = {**usual, "listen": f"127.0.0.1:{port}", **keys}
        return write_ini(tmp / "penstock.ini", {"gateway": {"stop_timeout": "20s"}, **sections})

    write.ports = {}
    return write


@pytest.fixture
def up(penstock):
    """up(config, "a", "b", …) starts them."""
    made = []

    def start(path, *names, **options):
        made.append(Several(penstock, path, names, **options))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(20)
    done = penstock.run("status", "--json")
    procs.end([status["pid"] for status in json.loads(done.stdout)["gateways"]])


def statuses(penstock):
    return {status["profile"]: status for status in json.loads(penstock.run("status", "--json").stdout)["gateways"]}


def test_each_serves_on_its_own_port(penstock, config, up):
    path = config(a={}, b={}, c={})
    running = up(path, "a", "b", "c")
    for name in "abc":
        running.wait_for(f"{name}: Serving.")
        assert Wire(config.ports[name]).tcmd()["protocol_version"] == "0.18"
    found = statuses(penstock)
    assert sorted(found) == ["a", "b", "c"] and {status["state"] for status in found.values()} == {"up"}
    assert len({status["pid"] for status in found.values()} - {running.pid}) == 3
    assert all(line.startswith(("a: ", "b: ", "c: ")) for line in running.out.read_text().splitlines())
    text = penstock.run("status").stdout
    assert all(f"{name} (local): up" in text for name in "abc")
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == OK
    assert statuses(penstock) == {}
    assert all(f"{name}: Stopped." in running.out.read_text() for name in "abc")


def test_as_json_each_event_says_whose_it_is(penstock, config, up):
    running = up(config(a={}, b={}), "a", "b", args=["--json", "--self-test"])
    for name in "ab":
        eventually(lambda: running.events("self_test", gateway=name, ok=True), 20, running.story)
    assert all(event["gateway"] in "ab" for event in running.events())
    # The second begins when it is known how it went for the first.
    order = [(event["event"], event["gateway"]) for event in running.events()]
    assert order.index(("serving", "a")) < order.index(("listening", "b"))
    running.process.send_signal(signal.SIGINT)
    assert running.wait() == OK
    assert [event["exit_code"] for event in running.events("stopped")] == [OK, OK]


def test_one_that_fails_does_not_end_the_others(penstock, config, up, sshd, tmp):
    server = sshd()
    refused = {**server.profile(key=make_key(tmp / "other")), "endpoint": "127.0.0.1:1", "agent": "no"}
    running = up(config(a={}, bad=refused, b={}), "a", "bad", "b", env={"SSH_AUTH_SOCK": None})
    running.wait_for("b: Serving.")
    assert "bad: Failed: " in running.err.read_text() and "bad:   Next: " in running.err.read_text()
    assert sorted(statuses(penstock)) == ["a", "b"]
    assert running.process.poll() is None
    assert penstock.run("down", "a", "b").returncode == OK
    assert running.wait() == AUTH


def test_one_that_is_killed_is_told(penstock, config, up):
    running = up(config(a={}, b={}), "a", "b")
    running.wait_for("b: Serving.")
    os.kill(statuses(penstock)["a"]["pid"], signal.SIGKILL)
    eventually(lambda: "'a': the gateway was ended by signal 9" in running.err.read_text(), 20, running.story)
    assert Wire(config.ports["b"]).tcmd()["protocol_version"] == "0.18"
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == 1


def test_they_end_with_the_one_that_leads(penstock, config, up):
    running = up(config(a={}, b={}), "a", "b")
    running.wait_for("b: Serving.")
    pids = [status["pid"] for status in statuses(penstock).values()]
    with Wire(config.ports["a"]).open(b"ECHO") as sock:
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        running.process.kill()
        running.process.wait(20)
        eventually(lambda: not procs.alive(pids[1]) or not procs.alive(pids[0]), 20)
        sock.sendall(b"y")  # in order: it may finish
        assert sock.recv(1) == b"y"
    eventually(lambda: not any(map(procs.alive, pids)), 20)


def test_a_signal_to_the_whole_group_is_no_hurry(penstock, config, up):
    """As a shell or timeout(1) sends it: each gateway gets it, and what the parent passes on must not be the second."""
    running = up(config(a={}, b={}), "a", "b", args=["--json"])
    eventually(lambda: running.events("serving", gateway="b"), 20, running.story)
    with Wire(config.ports["a"]).open(b"ECHO") as sock:
        sock.settimeout(20)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        os.killpg(running.pid, signal.SIGTERM)
        eventually(lambda: running.events("stopped", gateway="b"), 20, running.story)
        for _ in range(1000):
            sock.sendall(b"y")
            assert sock.recv(1) == b"y"
    assert running.wait() == OK
    assert "aborted" not in running.err.read_text()


def test_sighup_and_sigusr1_are_passed_on(penstock, config, up):
    running = up(config(a={}, b={}), "a", "b", args=["--json"])
    eventually(lambda: running.events("serving", gateway="b"), 20, running.story)
    config(a={"hold": "3s"}, b={})
    running.process.send_signal(signal.SIGHUP)
    for name, keys in (("a", ["hold"]), ("b", [])):
        eventually(lambda: running.events("reload", gateway=name), 20, running.story)
        (event,) = running.events("reload", gateway=name)
        assert [change["key"] for change in event["changes"]] == keys
    running.process.send_signal(signal.SIGUSR1)
    assert Wire(config.ports["a"]).tcmd()["protocol_version"] == "0.18"
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == OK


def test_ctrl_c_at_a_terminal_ends_all(penstock, config, up):
    window = Terminal(
        [penstock.binary, "up", "a", "b", "--config", config(a={}, b={})],
        penstock.environment({"TERM": "xterm"}),
        penstock.home,
    )
    try:
        window.wait_for("b: .*Serving")
        with Wire(config.ports["a"]).open(b"ECHO") as sock:
            sock.settimeout(20)
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
            window.type("\x03")
            window.wait_for("b: Stopped")
            sock.sendall(b"y")  # one Ctrl-C is one, so it may finish
            assert sock.recv(1) == b"y"
        window.wait_for("a: Stopped")
        assert window.process.wait(20) == OK
    finally:
        window.close()


def test_a_window_that_is_closed_ends_all(penstock, config, up):
    window = Terminal(
        [penstock.binary, "up", "a", "b", "--config", config(a={}, b={})],
        penstock.environment({"TERM": "dumb"}),
        penstock.home,
    )
    try:
        window.wait_for("b: Serving")
        pids = [status["pid"] for status in statuses(penstock).values()]
        window.hang_up()
        eventually(lambda: not any(map(procs.alive, pids)), 20)
    finally:
        window.close()


def test_questions_come_one_after_the_other(penstock, config, up, sshd, tmp):
    server = sshd()
    keys = {}
    for name in "ab":
        key = make_key(tmp / name, passphrase=f"words of {name}")
        server.authorize(key)
        keys[name] = {**server.profile(key=key), "launch": "never", "agent": "no"}
    path = config(**keys)
    window = Terminal([penstock.binary, "up", "a", "b", "--config", path], penstock.environment(), penstock.home)
    try:
        window.wait_for(f"(?i)pass ?phrase.*{tmp / 'a'}|{tmp / 'a'}.*(?i:pass ?phrase)")
        assert sorted(statuses(penstock)) == ["a"]
        window.type("words of a\n")
        window.wait_for("a: .*Serving")
        window.wait_for(f"(?i)pass ?phrase.*{tmp / 'b'}|{tmp / 'b'}.*(?i:pass ?phrase)")
        window.type("words of b\n")
        window.wait_for("b: .*Serving")
        window.type("\x03")
        assert window.process.wait(20) == OK
    finally:
        window.close()


def test_in_the_background(penstock, config, up):
    path = config(a={}, b={"endpoint": f"127.0.0.1:{free_port()}"}, c={})
    done = penstock.run("up", "-d", "a", "b", "c", "--config", path)
    assert done.returncode == OK, done
    found = statuses(penstock)
    assert {name: status["state"] == "up" for name, status in found.items()} == {"a": True, "b": False, "c": True}
    assert done.stdout.count("in the background") == 3
    for name in "abc":
        pid = found[name]["pid"]
        assert f"{name}: It goes on in the background (pid {pid})" in done.stdout
        ignored = next(line for line in open(f"/proc/{pid}/status") if line.startswith("SigIgn:"))
        assert not int(ignored.split()[1], 16) & (1 << (signal.SIGHUP - 1) | 1 << (signal.SIGINT - 1))
    config(a={"hold": "3s"}, b={"endpoint": found["b"]["endpoint"]}, c={})
    assert "hold" in penstock.run("reload", "a").stdout
    done = penstock.run("up", "-d", "--json", "a", "c", "--config", path)
    assert done.returncode == 7 and done.stderr.count("runs already") == 2
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(event["event"], event["gateway"]) for event in events] == [("stopped", "a"), ("stopped", "c")]
    done = penstock.run("down", "--all")
    assert done.returncode == OK and done.stdout.count("has ended") == 3, done
    assert statuses(penstock) == {}


def test_two_on_one_port_are_refused(penstock, config, up):
    path = config(a={}, b={})
    for listen, keys in ((f"127.0.0.1:{config.ports['a']}", {}), (f"0.0.0.0:{config.ports['a']}", {"expose": "yes"})):
        config(a={}, b={"listen": listen, **keys})
        lines = path.read_text().splitlines()
        places = [
            f"'a' ({path}:{1 + lines.index('listen = 127.0.0.1:%d' % config.ports['a'])})",
            f"'b' ({path}:{len(lines) - lines[::-1].index('listen = ' + listen)})",
        ]
        done = penstock.run("up", "a", "b", "--config", path)
        assert done.returncode == CONFIG and all(place in done.stderr for place in places), done
        assert done.stdout == ""
    assert penstock.run("up", "a", "a", "--config", path).returncode == CONFIG


def test_what_is_wrong_with_one_is_told_before_any_starts(penstock, config, up):
    path = config(a={}, b={"hold": "soon"})
    done = penstock.run("up", "a", "b", "--config", path)
    assert done.returncode == CONFIG and "`hold`" in done.stderr and done.stdout == ""
    done = penstock.run("up", "a", "none", "--config", path)
    assert done.returncode == CONFIG and "no profile 'none'" in done.stderr and done.stdout == ""
    done = penstock.run("up", "a", "b", "--listen", "127.0.0.1:0", "--config", path)
    assert done.returncode == USAGE and "one each" in done.stderr


def test_a_service_is_one_gateway(penstock, config, up, tmp):
    path = config(a={}, b={})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp / "notify"))
        done = penstock.run("up", "a", "b", "--config", path, env={"NOTIFY_SOCKET": tmp / "notify"})
    assert done.returncode == CONFIG and "penstock@PROFILE" in done.stderr


def test_down_of_several(penstock, config, up):
    path = config(a={}, b={}, c={})
    assert penstock.run("up", "-d", "a", "b", "c", "--config", path).returncode == OK
    done = penstock.run("down", "a", "none")
    assert done.returncode != OK and "'none'" in done.stderr and len(statuses(penstock)) == 3  # none is ended by half
    assert penstock.run("down", "a", "--all").returncode == USAGE
    assert penstock.run("down", "a", "b", "a").returncode == OK
    assert sorted(statuses(penstock)) == ["c"]
    assert penstock.run("down").returncode == OK
