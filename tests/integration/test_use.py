# SPDX-License-Identifier: MIT
"""`penstock use`: another profile behind the same port, while clients go on."""

import json
import re
import signal
import socket
import subprocess

import pytest

from support.control import Control, socket_path
from support.gateway import write_ini
from support.ports import free_port
from support.wait import eventually
from support.wire import ended_by

OK, USAGE, CONFIG, UNREACHABLE = 0, 2, 3, 4
FORWARD = {"transport": "local", "launch": "never", "probe": "tcmd"}


def to(solver, **keys):
    """A profile that only forwards to a solver."""
    return {**FORWARD, "endpoint": f"127.0.0.1:{solver.port}", **keys}


class Two:
    """A gateway with the profiles a (in use) and b, each with a demo solver of its own."""

    def __init__(self, gateway, penstock, solver, a=None, b=None):
        self.penstock = penstock
        self.solvers = {"a": solver(), "b": solver()}
        first, second = ({**to(self.solvers[name]), **(more or {})} for name, more in (("a", a), ("b", b)))
        self.gateway = gateway(first, name="a", sections={"b": second})
        self.wire = self.gateway.wire

    def serves(self):
        """Which of them serves a connection that comes now: by the folder that its solver tells."""
        root = self.wire.tcmd()["root"]
        return next(name for name, solver in self.solvers.items() if root.startswith(str(solver.root)))

    def use(self, *args, **options):
        return self.penstock.run("use", *args, **options)

    def status(self):
        (status,) = json.loads(self.penstock.run("status", "--json").stdout)["gateways"]
        return status


@pytest.fixture
def two(gateway, penstock, solver):
    """two(a={keys}, b={keys}) starts both solvers and the gateway."""

    def start(**profiles):
        made = Two(gateway, penstock, solver, **profiles)
        made.gateway.wait_listening()
        return made

    return start


@pytest.fixture
def pair(two):
    made = two()
    made.gateway.wait_serving()
    return made


def test_the_new_profile_serves_and_old_streams_go_on(pair):
    assert pair.serves() == "a"
    with pair.wire.open(b"ECHO") as sock:
        sock.sendall(b"before")
        assert sock.recv(6) == b"before"
        done = pair.use("b")
        assert done.returncode == OK, done.stderr
        assert "endpoint" in done.stdout and "stream" in done.stdout  # its legs
        assert "Profile 'b' is used now; 1 stream of 'a' may go on for 30.0 s." in done.stdout
        assert pair.serves() == "b"
        status = pair.status()
        assert (status["profile"], status["state"], status["swap"]) == ("b", "up", None)
        assert status["endpoint"] == f"127.0.0.1:{pair.solvers['b'].port}"
        (left,) = status["draining"]
        assert (left["profile"], left["streams"]) == ("a", 1) and 0 < left["left_ms"] <= 30000
        text = pair.penstock.run("status").stdout
        assert text.startswith("b (local): up") and "Leaves     a (local): 1 stream," in text
        sock.sendall(b"after")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(5) == b"after" and sock.recv(1) == b""
    pair.gateway.wait_event("swap", step="drained", profile="a")
    assert pair.status()["draining"] == []
    assert pair.use("a", "--gateway", "b").returncode == OK
    assert pair.serves() == "a"
    assert pair.penstock.run("down", "a").returncode == OK


def test_the_figures_go_on(pair):
    """Bytes that a profile has carried count after it is left."""
    pair.wire.echo(b"x" * 5000)
    eventually(lambda: pair.status()["streams_ended"])
    assert pair.use("b").returncode == OK
    pair.gateway.wait_event("swap", step="drained")
    pair.wire.echo(b"x" * 3000)
    eventually(lambda: (pair.status()["up_bytes"] or 0) >= 8000)


def test_as_json(pair):
    done = pair.use("b", "--json")
    assert done.returncode == OK
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [line["step"] for line in lines if line["event"] == "swap"]
    assert steps[0] == "begun" and steps[-1] == "taken" and "leg" in steps
    assert lines[-1]["event"] == "outcome" and lines[-1]["exit_code"] == 0
    assert lines[-1]["result"]["profile"] == "b" and lines[-1]["error"] is None
    # The gateway's own output has the same, once it has been read.
    told = eventually(lambda: (found := pair.gateway.find_events("swap", profile="b"))[len(steps) - 1 :] and found)
    assert [event["step"] for event in told][: len(steps)] == steps


def test_what_does_not_end_in_time_is_reset(pair):
    with pair.wire.open(b"HOLD") as sock:
        pair.solvers["a"].wire.wait_for("HOLD")
        assert pair.use("b", "--drain", "200ms").returncode == OK
        assert ended_by(sock) == "reset"
    pair.gateway.wait_event("swap", step="drained")
    assert pair.serves() == "b"


def test_the_profile_says_how_long(two):
    pair = two(a={"drain": "100ms"})
    pair.gateway.wait_serving()
    with pair.wire.open(b"HOLD") as sock:
        pair.solvers["a"].wire.wait_for("HOLD")
        done = pair.use("b")
        assert "1 stream of 'a' may go on for 100 ms" in done.stdout
        assert ended_by(sock) == "reset"


def test_the_old_profile_goes_on_if_the_new_one_fails(two):
    pair = two(b={"endpoint": f"127.0.0.1:{free_port()}"})
    pair.gateway.wait_serving()
    with pair.wire.open(b"ECHO") as sock:
        done = pair.use("b")
        assert done.returncode == UNREACHABLE
        assert re.search(r"^  endpoint .* failed$", done.stdout, re.M)  # the leg that has failed
        assert done.stderr.startswith("Nothing has changed: nothing listens at the solver's endpoint"), done.stderr
        assert "Leg:  endpoint (transient)" in done.stderr and "Next: " in done.stderr
        assert pair.serves() == "a"
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    status = pair.status()
    assert (status["profile"], status["state"], status["swap"], status["draining"]) == ("a", "up", None, [])
    line = json.loads(pair.use("b", "--json").stdout.splitlines()[-1])
    assert line["result"] is None and line["error"]["leg"] == "endpoint" and line["error"]["next"]


def test_a_profile_that_cannot_be_used_changes_nothing(pair):
    config = pair.gateway.config
    done = pair.use("bb")
    assert done.returncode == CONFIG and "no profile 'bb'" in done.stderr and "penstock profiles" in done.stderr
    broken = config.read_text().replace("[b]", "[b]\nhold = soon")
    config.write_text(broken)
    done = pair.use("b")
    assert done.returncode == CONFIG and "`hold`" in done.stderr
    assert f"{config}:{broken[: broken.index('hold = soon')].count(chr(10)) + 1}" in done.stderr
    config.write_text(broken.replace("hold = soon", "listen = 127.0.0.1:1"))
    done = pair.use("b")
    assert done.returncode == CONFIG and "listens on 127.0.0.1:1" in done.stderr
    assert pair.gateway.find_events("swap") == []
    assert pair.serves() == "a"
    config.write_text(broken.replace("hold = soon", "hold = 5s"))
    assert pair.use("b").returncode == OK
    assert pair.serves() == "b"


def test_the_files_are_read_anew(pair, solver):
    third = solver()
    sections = {"gateway": {"listen": "127.0.0.1:0"}, "a": to(third), "c": to(third)}
    write_ini(pair.gateway.config, sections)
    assert pair.use("c").returncode == OK
    assert pair.wire.tcmd()["root"].startswith(str(third.root))


def test_who_waits_is_served_by_the_new_profile(two):
    pair = two(a={"endpoint": f"127.0.0.1:{free_port()}", "hold": "60s"})
    pair.gateway.wait_state("down")
    with pair.wire.connect(60) as sock:
        sock.sendall(b"ECHO")
        eventually(lambda: pair.status()["held"] == 1)
        assert pair.use("b").returncode == OK
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    assert pair.status()["state"] == "up"


def test_the_solver_of_the_profile_that_is_left_goes_on(gateway, penstock, solver_root):
    roots = {"a": solver_root("a"), "b": solver_root("b")}
    profiles = {
        name: {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", "on_exit": "stop"}
        for name, root in roots.items()
    }
    running = gateway(profiles["a"], name="a", sections={"b": profiles["b"]})
    running.wait_serving()
    first = roots["a"].pid()
    done = penstock.run("use", "b")
    assert done.returncode == OK, done.stderr
    running.wait_event("swap", step="drained")
    assert roots["a"].pid() == first and roots["b"].pid()
    assert running.stop() == OK  # which is the end of the profile in use
    assert roots["a"].pid() == first and roots["b"].pids() == []


def test_one_at_a_time_and_the_end_comes_between(two, penstock):
    """The new one is a machine that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        pair = two(b={"transport": "ssh", "host": "127.0.0.1", "port": port, "user": "x"})
        pair.gateway.wait_serving()
        waits = subprocess.Popen(
            [str(penstock.binary), "use", "b"],
            env=penstock.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        pair.gateway.wait_event("swap", step="begun")
        done = pair.use("b")
        assert "about to use 'b' already" in done.stderr and done.returncode == UNREACHABLE
        swap = pair.status()["swap"]
        assert (swap["profile"], swap["transport"], swap["state"]) == ("b", "ssh", "connecting")
        assert "Comes      b (ssh): connecting" in penstock.run("status").stdout
        assert pair.serves() == "a"
        pair.gateway.send_signal(signal.SIGTERM)
        _, told = waits.communicate(timeout=20)
        assert waits.returncode != OK and "the gateway ends" in told
        assert pair.gateway.wait() == OK


@pytest.mark.parametrize("args", [[], ["--json"]])
def test_a_gateway_that_is_lost_on_the_way(two, penstock, args):
    """What it has done of what was asked, nobody can say; only how to find out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pair = two(b={"transport": "ssh", "host": "127.0.0.1", "port": silent.getsockname()[1], "user": "x"})
        pair.gateway.wait_serving()
        waits = subprocess.Popen(
            [str(penstock.binary), "use", "b", *args],
            env=penstock.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        pair.gateway.wait_event("swap", step="begun")
        pair.gateway.kill()
        out, text = waits.communicate(timeout=20)
    assert waits.returncode == UNREACHABLE
    if args:
        error = json.loads(out.splitlines()[-1])["error"]
        assert "closed the control connection" in error["what"] and "penstock status" in error["next"]
    else:
        assert text.startswith("Not known what has become of it: the gateway has closed the control connection")
        assert "Next: " in text and "penstock status" in text


def test_use_of_nothing(penstock, pair):
    assert penstock.run("use").returncode == USAGE
    assert penstock.run("use", "b", "--drain", "2h").returncode == USAGE
    assert penstock.run("use", "x" * 300).returncode == USAGE  # which the gateway has refused
    done = penstock.run("use", "b", "--gateway", "c")
    assert done.returncode == UNREACHABLE and "no gateway runs with the profile 'c'" in done.stderr
    assert pair.gateway.stop() == OK
    done = penstock.run("use", "b")
    assert done.returncode == UNREACHABLE and "no gateway of yours runs" in done.stderr


def test_over_the_socket(pair):
    """As docs/CONTROL.md says it."""
    with Control(socket_path(pair.penstock, pair.gateway, "a")) as control:
        assert control.ask("use")["error"]["code"] == "bad-value"
        assert control.ask("use", profile="x" * 300)["error"]["code"] == "bad-value"
        error = control.ask("use", profile="none")["error"]
        assert (error["code"], error["leg"], error["class"]) == ("bad-profile", "local", "config")
        control.result("subscribe", events=["swap"])
        result = control.result("use", profile="b", drain_ms=1000)
        assert {key: result[key] for key in ("profile", "other", "drain_ms")} == {
            "profile": "b",
            "other": "a",
            "drain_ms": 1000,
        }
        control.next_event("swap", lambda event: event["step"] == "taken" and event["other"] == "a")
        control.next_event("swap", lambda event: event["step"] == "drained" and event["profile"] == "a")
    with Control(socket_path(pair.penstock, pair.gateway, "a")) as control:
        assert control.greeting["gateway"]["profile"] == "b"


def test_the_self_same_profile(pair):
    """How changes of its keys come to count: no stream is lost."""
    with pair.wire.open(b"ECHO") as sock:
        assert pair.use("a").returncode == OK
        assert pair.serves() == "a"
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"


def test_between_transports(sshd, gateway, penstock, solver):
    """To the same solver, by other ways."""
    server, behind = sshd(), solver()
    over_ssh = server.profile(endpoint=f"127.0.0.1:{behind.port}", launch="never", probe="tcmd")
    running = gateway(to(behind), name="a", sections={"b": over_ssh, "c": {**over_ssh, "transport": "openssh"}})
    running.wait_serving()
    with running.wire.open(b"ECHO") as sock:
        for name, transport in (("b", "ssh"), ("c", "openssh"), ("a", "local")):
            done = penstock.run("use", name, timeout=60)
            assert done.returncode == OK, done.stderr + running.story()
            running.wire.tcmd()
            (status,) = json.loads(penstock.run("status", "--json").stdout)["gateways"]
            assert (status["profile"], status["transport"]) == (name, transport)
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"


def test_the_solver_ends_after_the_streams_of_a_profile_that_was_left(gateway, penstock, solver_root):
    root = solver_root()
    profile = {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", "on_exit": "stop"}
    running = gateway(profile, name="a")
    running.wait_serving()
    with running.wire.open(b"ECHO") as sock:
        sock.settimeout(20)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        assert penstock.run("use", "a").returncode == OK  # anew: the stream is now that of a profile that was left
        running.send_signal(signal.SIGTERM)
        running.wait_event("state", state="stopping")
        for _ in range(3000):
            sock.sendall(b"y")
            assert sock.recv(1) == b"y"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    assert running.wait() == OK
    assert not root.pids()


def test_gateways_are_listed_by_what_they_use(gateway, penstock, solver):
    there = solver()
    first = gateway(to(there), name="a", sections={"b": to(there)})
    first.wait_serving()
    assert penstock.run("use", "b").returncode == OK
    second = gateway(to(there), name="c")
    second.wait_serving()
    asked = penstock.run("down")
    assert asked.returncode != OK
    for name in (f"b@{first.port}", f"c@{second.port}"):
        assert name in asked.stderr
        assert penstock.run("status", name).returncode == OK
