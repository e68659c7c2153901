# SPDX-License-Identifier: MIT
"""`penstock reload` and SIGHUP: what the files say otherwise is applied while clients go on."""

import json
import random
import signal
import socket
import subprocess
import threading

import pytest

from support import procs
from support.control import Control, socket_path
from support.gateway import write_ini
from support.ports import free_port
from support.service import Manager
from support.terminal import Terminal
from support.wait import eventually

OK, USAGE, CONFIG, UNREACHABLE = 0, 2, 3, 4
FORWARD = {"transport": "local", "launch": "never", "probe": "tcmd"}


def to(solver, **keys):
    """A profile that only forwards to a solver."""
    return {**FORWARD, "endpoint": f"127.0.0.1:{solver.port}", **keys}


class Reloaded:
    """A gateway whose files are written anew: `files` are its sections."""

    def __init__(self, gateway, penstock, solver, **options):
        self.penstock = penstock
        self.solver = solver()
        self.files = {
            "gateway": {"listen": "127.0.0.1:0", "log_level": "debug"},
            "lab": to(self.solver, **options),
            "other": to(self.solver),
        }
        self.gateway = gateway(self.files["lab"], sections={"other": self.files["other"]})
        self.wire = self.gateway.wire
        self.gateway.wait_serving()

    def write(self, **changes):
        """write(lab={"hold": "1s"}) changes keys of sections; None takes one away, as it does a section."""
        for section, keys in changes.items():
            if keys is None:
                del self.files[section]
            else:
                self.files.setdefault(section, {}).update(keys)
        write_ini(self.gateway.config, self.files)

    def line_of(self, text):
        return 1 + self.gateway.config.read_text().splitlines().index(text)

    def reload(self, *args):
        return self.penstock.run("reload", *args)

    def changes(self):
        """Reloads, and returns (section, key, when) of each change, and whether the profile connected anew."""
        outcome = json.loads(self.reload("--json").stdout.splitlines()[-1])
        assert outcome["error"] is None, outcome
        rows = [(row["section"], row["key"], row["when"]) for row in outcome["result"]["changes"]]
        return rows, outcome["result"]["connected"]

    def status(self):
        (status,) = json.loads(self.penstock.run("status", "--json").stdout)["gateways"]
        return status


@pytest.fixture
def running(gateway, penstock, solver):
    return Reloaded(gateway, penstock, solver)


@pytest.fixture
def echo(running):
    """A stream that must go on."""
    with running.wire.open(b"ECHO") as sock:
        sock.settimeout(20)

        def goes_on():
            sock.sendall(b"x")
            return sock.recv(1) == b"x"

        assert goes_on()
        yield goes_on
        assert goes_on()


def test_nothing_has_changed(running, echo):
    done = running.reload()
    assert (done.returncode, done.stdout) == (OK, f"lab@{running.gateway.port}: nothing has changed.\n"), done
    running.write(lab={"hold": "20s", "drain": "30000ms"})  # the defaults, and in other words
    assert running.changes() == ([], False)
    assert running.gateway.find_events("swap") == []
    assert running.gateway.wait_event("reload")["changes"] == []
    assert "reloaded: nothing has changed" in running.gateway.log


def test_what_needs_no_link_counts_at_once(running, echo):
    running.write(lab={"hold": "77s", "stop_timeout": "3s", "retry_max": "1s", "description": "x"})
    keys = ("description", "hold", "retry_max", "stop_timeout")
    rows, connected = running.changes()
    assert sorted(rows) == [("profile", key, "now") for key in keys] and not connected
    assert running.gateway.find_events("swap") == []


def test_what_was_changed_at_once_is_used(running):
    """The solver ends: who comes waits for as long as the new value says. Then the gateway ends, likewise."""
    running.write(lab={"hold": "0", "stop_timeout": "3s"})
    assert running.changes() == ([("profile", "hold", "now"), ("profile", "stop_timeout", "now")], False)
    running.solver.stop()
    with pytest.raises(ConnectionResetError), running.wire.connect(30) as sock:
        sock.sendall(b"ECHO")
        sock.recv(1)
    with Control(socket_path(running.penstock, running.gateway)) as control:
        assert control.result("stop")["drain_ms"] == 3000


def test_other_keys_connect_the_profile_anew(running, echo):
    since = running.gateway.mark()
    running.write(lab={"prewarm": 1, "hold": "5s"})
    rows, connected = running.changes()
    assert sorted(rows) == [("profile", "hold", "served"), ("profile", "prewarm", "served")] and connected
    steps = [event["step"] for event in running.gateway.find_events("swap", since)]
    assert steps[0] == "begun" and "taken" in steps
    status = running.status()
    assert (status["profile"], status["state"]) == ("lab", "up")
    assert [left["streams"] for left in status["draining"]] == [1]
    assert running.changes() == ([], False)
    assert echo()
    running.write(lab={"prewarm": 2})
    done = running.reload("lab")
    assert done.returncode == OK and "Connected anew: prewarm" in done.stdout, done
    assert "endpoint" in done.stdout  # a leg of the way


def test_the_way_that_fails_changes_nothing(running, echo):
    running.write(lab={"endpoint": f"127.0.0.1:{free_port()}", "hold": "1s"})
    done = running.reload()
    assert done.returncode == UNREACHABLE and "not reloaded" in done.stderr and "Next:" in done.stderr, done
    assert running.gateway.wait_event("swap", step="failed")["error"]["leg"] == "endpoint"
    assert running.status()["endpoint"] == f"127.0.0.1:{running.solver.port}"
    running.write(lab={"endpoint": f"127.0.0.1:{running.solver.port}"})
    assert running.changes() == ([("profile", "hold", "now")], False)  # it was not applied in part


def test_one_broken_profile_changes_nothing(running, echo):
    """Neither one that this gateway uses, nor one that it has never heard of."""
    running.write(lab={"hold": "1s"}, broken={"transport": "local", "hold": "soon"})
    where = f"{running.gateway.config}:{running.line_of('hold = soon')}: "
    done = running.reload()
    assert done.returncode == CONFIG and where in done.stderr and "`hold`" in done.stderr, done
    assert "penstock check" in done.stderr
    running.gateway.send_signal(signal.SIGHUP)
    eventually(lambda: len(running.gateway.find_events("reload")) == 2)
    for event in running.gateway.find_events("reload"):
        assert event["changes"] is None and event["error"]["what"].startswith(where)
    assert f"lab: [local, config] {where}" in running.gateway.log and "not reloaded" in running.gateway.log
    running.write(broken=None)
    assert running.changes() == ([("profile", "hold", "now")], False)  # only now


@pytest.mark.parametrize(
    "section, keys, words",
    [
        ("other", {"transport": "nowhere"}, "nowhere"),
        ("other", {"holdd": "1s"}, "unknown key `holdd`"),
        ("gateway", {"log_level": "loud"}, "log_level"),
        ("other", {"transport": "ssh-command", "command": "ssh 'a"}, "command"),
    ],
)
def test_any_fault_changes_nothing(running, section, keys, words):
    running.write(lab={"hold": "1s"}, **{section: keys})
    done = running.reload()
    assert done.returncode == CONFIG and words in done.stderr and f"{running.gateway.config}:" in done.stderr, done
    assert running.gateway.wait_event("reload")["error"]


def test_files_that_cannot_be_read(running, echo):
    running.gateway.config.chmod(0o666)
    done = running.reload()
    assert done.returncode == CONFIG and str(running.gateway.config) in done.stderr, done
    running.gateway.config.unlink()
    done = running.reload()
    assert done.returncode == CONFIG and str(running.gateway.config) in done.stderr, done


def test_a_profile_that_is_gone(running, echo):
    running.write(lab=None)
    done = running.reload()
    assert done.returncode == CONFIG and "there is no profile 'lab'" in done.stderr, done
    assert "penstock use" in done.stderr and "penstock down lab" in done.stderr


def test_the_port_is_kept(running, echo):
    listen = f"127.0.0.1:{free_port()}"
    running.write(lab={"listen": listen, "hold": "1s"})
    done = running.reload()
    assert done.returncode == CONFIG and f"`listen` is {listen} now" in done.stderr, done
    assert f"{running.gateway.config}:{running.line_of(f'listen = {listen}')}: " in done.stderr
    assert "penstock down lab, then penstock up lab" in done.stderr
    running.write(lab={"listen": None})
    assert running.changes() == ([("profile", "hold", "now")], False)


def test_keys_of_the_gateway(running, tmp):
    running.write(gateway={"log_file": tmp / "new.log", "log_level": "info", "drain": "7s", "metrics": "127.0.0.1:1"})
    rows, connected = running.changes()
    assert not connected and sorted(rows) == [
        ("gateway", "log_file", "now"),
        ("gateway", "log_level", "now"),
        ("gateway", "metrics", "restart"),
        ("profile", "drain", "now"),
    ]
    assert "reloaded: drain, log_level, log_file (at once); metrics (when" in (tmp / "new.log").read_text()
    before = running.gateway.log
    assert running.changes() == ([("gateway", "metrics", "restart")], False)  # it is not in use, so it is told again
    assert running.gateway.log == before
    running.write(gateway={"log_file": tmp / "none/such.log"}, lab={"hold": "1s"})
    done = running.reload()
    assert done.returncode == CONFIG and "cannot open the log file" in done.stderr, done
    running.write(gateway={"log_file": tmp / "new.log"})
    assert ("profile", "hold", "now") in running.changes()[0]


def test_the_command_line_is_stronger(gateway, penstock, solver):
    there = solver()
    running = gateway(to(there), args=["--log-level", "debug", "--listen", f"127.0.0.1:{free_port()}"])
    running.wait_serving()
    write_ini(running.config, {"gateway": {"listen": "127.0.0.1:1", "log_level": "error"}, "lab": to(there)})
    outcome = json.loads(penstock.run("reload", "--json").stdout)
    assert outcome["result"]["changes"] == [{"section": "gateway", "key": "log_level", "when": "never"}]
    assert "Command line:   log_level" in penstock.run("reload").stdout


def test_secrets_are_no_news(running):
    """Keys are named, what they hold is not."""
    running.write(other={"transport": "ssh", "host": "h", "launch": None, "probe": None})
    running.write(lab={"env": "TOKEN=hidden"})
    done = running.reload("--json")
    assert '"key": "env"' in done.stdout.replace('":"', '": "') and "hidden" not in done.stdout, done
    assert "hidden" not in running.gateway.log + json.dumps(running.gateway.events)


def test_all_gateways_reload(running, gateway, solver):
    second = gateway(to(solver()), name="second")
    second.wait_serving()
    running.write(lab={"hold": "1s"})
    second.config.write_text(second.config.read_text() + "[broken]\n")
    done = running.reload()
    assert f"lab@{running.gateway.port}: reloaded." in done.stdout and "At once:        hold" in done.stdout
    assert f"second@{second.port}: not reloaded: " in done.stderr and "[broken]" in done.stderr
    assert done.returncode == CONFIG
    running.write(lab={"hold": "2s"})
    done = running.reload("lab")
    assert done.returncode == OK and "second" not in done.stdout + done.stderr


def test_reload_of_nothing(penstock):
    done = penstock.run("reload")
    assert done.returncode == UNREACHABLE and "no gateway of yours runs" in done.stderr
    outcome = json.loads(penstock.run("reload", "lab", "--json").stdout)
    assert (outcome["result"], outcome["exit_code"]) == (None, UNREACHABLE) and outcome["error"]["next"]
    assert penstock.run("reload", "a", "b").returncode == USAGE


def test_no_reload_while_another_profile_comes(running, penstock):
    running.write(other={"transport": "ssh", "host": "127.0.0.1", "user": "x"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        running.write(other={"port": silent.getsockname()[1], "launch": None, "probe": None, "endpoint": None})
        command = [str(penstock.binary), "use", "other"]
        waits = subprocess.Popen(command, env=penstock.environment(), stdout=subprocess.DEVNULL)
        running.gateway.wait_event("swap", step="begun")
        done = running.reload()
        assert done.returncode != OK and "about to use 'other'" in done.stderr, done
        running.gateway.stop(signal.SIGTERM)
        waits.wait(20)


# -- under load ---------------------------------------------------------------------------------------------


def test_no_byte_is_lost_in_reloads(running):
    """Clients transfer both ways, with hashes, while a key that needs a new connection changes again and again."""
    over = threading.Event()
    faults, done = [], []

    def transfer(seed):
        data = random.Random(seed).randbytes(1 << 20)
        while not over.is_set():
            try:
                assert running.wire.echo(data) == data
                done.append(seed)
            except (AssertionError, OSError) as fault:
                faults.append(fault)
                return

    clients = [threading.Thread(target=transfer, args=(seed,)) for seed in range(3)]
    for each in clients:
        each.start()
    for number in range(12):
        running.write(lab={"prewarm": number % 3, "hold": f"{30 + number}s"})
        rows, connected = running.changes()
        assert connected and len(rows) == 2
    eventually(lambda: len(done) > 12 or faults)
    over.set()
    for each in clients:
        each.join()
    assert faults == []
    eventually(lambda: running.status()["draining"] == [])
    assert running.status()["streams_aborted"] == 0


# -- SIGHUP -------------------------------------------------------------------------------------------------


def test_sighup_reloads(running, echo):
    running.write(lab={"hold": "3s"})
    running.gateway.send_signal(signal.SIGHUP)
    event = running.gateway.wait_event("reload")
    assert [row["key"] for row in event["changes"]] == ["hold"] and event["profile"] == "lab"
    assert "SIGHUP: the files are read anew" in running.gateway.log


def test_at_a_terminal_sighup_reloads_and_its_end_is_the_end(penstock, tmp, solver):
    listen = f"127.0.0.1:{free_port()}"
    profile = to(solver(), listen=listen)
    config = write_ini(tmp / "p.ini", {"lab": profile})
    window = Terminal(
        [penstock.binary, "up", "lab", "--config", config], penstock.environment({"TERM": "dumb"}), penstock.home
    )
    try:
        window.wait_for("Serving")
        write_ini(config, {"lab": {**profile, "hold": "3s"}})
        window.process.send_signal(signal.SIGHUP)
        window.wait_for(r"Reloaded: hold \(at once\)\.")
        write_ini(config, {"lab": {**profile, "hold": "soon"}})
        window.process.send_signal(signal.SIGHUP)
        window.wait_for("Not reloaded, all goes on as it was: .*`hold`")
        window.hang_up()
        assert window.process.wait(20) in (OK, -signal.SIGHUP)
    finally:
        window.close()


def test_in_the_background_it_reloads(penstock, tmp, solver):
    """It was started at a terminal, and has let go of that by itself."""
    profile = to(solver(), listen=f"127.0.0.1:{free_port()}")
    config = write_ini(tmp / "p.ini", {"lab": profile})
    window = Terminal(
        [penstock.binary, "up", "-d", "lab", "--config", config], penstock.environment({"TERM": "dumb"}), penstock.home
    )
    pid = None
    try:
        window.wait_for("in the background")
        assert window.process.wait(20) == OK
        (status,) = json.loads(penstock.run("status", "--json").stdout)["gateways"]
        pid = status["pid"]
        window.hang_up()
        write_ini(config, {"lab": {**profile, "hold": "3s"}})
        procs.kill(pid, signal.SIGHUP)
        log = penstock.home / ".local/state/penstock/lab.log"
        eventually(lambda: "reloaded: hold (at once)" in log.read_text())
        assert penstock.run("down").returncode == OK
    finally:
        window.close()
        if pid:
            procs.end([pid])


def test_with_nohup_it_does_nothing(gateway, solver):
    running = gateway(to(solver()), under=["nohup"])
    running.wait_serving()
    running.send_signal(signal.SIGHUP)
    running.send_signal(signal.SIGUSR1)  # later than that one
    assert running.wire.tcmd()["protocol_version"]
    assert running.find_events("reload") == [] and "SIGHUP" not in running.log
    assert running.stop() == OK


def test_the_service_manager_is_told(gateway, solver, penstock, tmp):
    manager = Manager(tmp / "notify")
    try:
        running = gateway(to(solver()), env=manager.env)
        manager.next("STATUS", lambda status: status.endswith(": up"))
        running.send_signal(signal.SIGHUP)
        told = manager.next("RELOADING")
        assert told["RELOADING"] == "1" and int(told["MONOTONIC_USEC"]) > 0
        told = manager.next("READY")
        assert told["STATUS"].endswith(": up")
        text = running.config.read_text()
        running.config.write_text(text.replace("[lab]", "[lab]\nprewarm = 1"))
        running.send_signal(signal.SIGHUP)
        manager.next("RELOADING")
        manager.next("READY")
        running.wait_event("swap", step="taken")
        running.config.write_text(text.replace("[lab]", "[lab]\nprewarm = many"))
        running.send_signal(signal.SIGHUP)
        manager.next("RELOADING")
        manager.next("READY")
    finally:
        manager.close()


def test_over_the_socket(running):
    """As docs/CONTROL.md says it."""
    with Control(socket_path(running.penstock, running.gateway)) as control:
        control.result("subscribe", events=["swap", "reload"])
        running.write(lab={"hold": "3s"})
        change = {"section": "profile", "key": "hold", "when": "now"}
        assert control.result("reload") == {"profile": "lab", "changes": [change], "connected": False}
        event = control.next_event("reload")
        assert (event["profile"], event["changes"], event["error"]) == ("lab", [change], None)
        running.write(lab={"prewarm": 1})
        result = control.result("reload")
        assert result["connected"] and result["changes"][0]["when"] == "served"
        assert {"transport", "other", "streams", "drain_ms"} < set(result)
        control.next_event("swap", lambda event: event["step"] == "taken" and event["other"] == "lab")
        running.write(lab={"hold": "soon"})
        error = control.ask("reload")["error"]
        assert (error["code"], error["leg"], error["class"]) == ("bad-profile", "local", "config")
