# SPDX-License-Identifier: MIT
"""`penstock stop`, `start` and `restart`: the solver ends and begins while the gateway goes on."""

import json
import signal
import socket
import subprocess
import threading

import pytest

from support import procs
from support.wait import eventually
from support.wire import ended_by, read_exact

OK, USAGE, CONFIG, UNREACHABLE, PORT, LAUNCH = 0, 2, 3, 4, 7, 8


def status_of(penstock):
    (status,) = json.loads(penstock.run("status", "--json").stdout)["gateways"]
    return status


def is_refused(gateway):
    """Is a client that comes now reset at once?"""
    try:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=1) as sock:
            return ended_by(sock) == "reset"
    except ConnectionResetError:  # already
        return True
    except TimeoutError:
        return False


def test_stop_start_and_restart(penstock, served):
    pid = served.root.pid()
    done = penstock.run("stop")
    assert done.returncode == OK, done.stderr
    assert "The solver of 'lab' has been stopped." in done.stdout
    assert not procs.alive(pid) and served.root.pids() == []
    assert status_of(penstock)["state"] == "stopped" and status_of(penstock)["reason"] is None
    assert "the solver was stopped, as it was asked for: penstock start" in penstock.run("status").stdout
    assert is_refused(served.gateway)
    assert "stopped already" in penstock.run("stop").stdout

    done = penstock.run("start", "lab")
    assert done.returncode == OK, done.stderr
    assert "launched, protocol 0.18" in done.stdout and "SERVER_READY" in done.stdout
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    assert "served already" in penstock.run("start").stdout
    assert served.root.pid() != pid

    pid = served.root.pid()
    done = penstock.run("restart", "--json")
    assert done.returncode == OK, done.stdout
    *events, outcome = map(json.loads, done.stdout.splitlines())
    assert {event["event"] for event in events} == {"state", "leg", "progress"}
    assert outcome["error"] is None and outcome["result"]["adopted"] is False and outcome["result"]["streams"] == 0
    assert status_of(penstock)["retries_total"] == 0  # nothing of this was its own idea
    assert not procs.alive(pid) and served.root.pid() != pid
    assert served.wire.tcmd()["protocol_version"] == "0.18"


@pytest.mark.parametrize("restart", ["always", "never"])
def test_start_of_one_that_has_died_unseen(penstock, serve, restart):
    """An idle gateway does not know: it is not told that all is well, whatever `restart` says."""
    served = serve("local", prewarm=0, restart=restart)
    pid = served.root.pid()
    procs.kill(pid)
    eventually(lambda: not procs.alive(pid))
    done = penstock.run("start")
    assert done.returncode == OK, done.stderr
    assert "serve" in done.stdout and status_of(penstock)["state"] == "up"
    assert procs.alive(served.root.pid())
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_streams_have_until_the_drain_is_over(penstock, serve):
    served = serve("local")
    with served.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        stop = subprocess.Popen(
            [str(penstock.binary), "stop", "--drain", "1m"], env=penstock.environment(), stdout=subprocess.PIPE, text=True
        )
        eventually(lambda: is_refused(served.gateway))
        sock.sendall(b"b")
        assert read_exact(sock, 1) == b"b"
        sock.shutdown(socket.SHUT_WR)
        assert ended_by(sock) == "clean"
    assert "has been stopped." in stop.communicate(timeout=20)[0]
    assert served.root.pids() == []


def test_what_is_not_through_is_broken_off_and_told(penstock, serve):
    served = serve("ssh")
    with served.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        done = penstock.run("restart")
        assert "1 stream was broken off" in done.stdout
        ended_by(sock)  # at once
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_connections_wait_for_a_restart(penstock, serve):
    served = serve("local", env="DEMO_FAULT=slow-start:1")
    pid = served.root.pid()
    restart = subprocess.Popen([str(penstock.binary), "restart"], env=penstock.environment(), stdout=subprocess.DEVNULL)
    eventually(lambda: not procs.alive(pid))
    assert served.wire.tcmd(timeout=20)["protocol_version"] == "0.18"
    assert restart.wait(20) == OK


def test_a_solver_that_penstock_did_not_launch_goes_on(penstock, gateway, solver):
    """With its streams."""
    other = solver()
    running = gateway({"transport": "local", "endpoint": f"127.0.0.1:{other.port}", "root": other.root})
    running.wait_serving()
    with running.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        assert read_exact(sock, 1) == b"a"
        for command in ("stop", "restart"):
            done = penstock.run(command)
            assert done.returncode == PORT
            assert "penstock has not launched it" in done.stderr and "end it where it was started" in done.stderr
            status = status_of(penstock)
            assert status["state"] == "up" and status["progress"] is None  # nobody is "stopping the solver" any more
        sock.sendall(b"b")
        assert read_exact(sock, 1) == b"b"
    assert status_of(penstock)["state"] == "up"
    assert procs.alive(other.pid)


def test_a_solver_of_an_earlier_gateway_is_ended(penstock, gateway, solver_root, port):
    """It is known by its record."""
    root = solver_root()
    keys = {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{port()}"}
    first = gateway(keys)
    first.wait_serving()
    assert first.stop() == OK
    second = gateway(keys)
    assert second.wait_serving()["adopted"] is True
    assert penstock.run("stop").returncode == OK
    assert root.pids() == []


def test_one_that_is_started_by_hand_is_found(penstock, serve, solver):
    served = serve("ssh")
    assert penstock.run("stop").returncode == OK
    assert is_refused(served.gateway)
    solver(root=served.root, port=served.endpoint)
    eventually(lambda: not is_refused(served.gateway))
    served.gateway.wait_state("up")
    assert status_of(penstock)["solver"]["adopted"] is True
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_nobody_starts_it_while_it_is_stopped(penstock, serve):
    """Neither a new link nor a client."""
    served = serve("ssh")
    assert penstock.run("stop").returncode == OK
    mark = served.gateway.mark()
    assert penstock.run("reconnect").returncode == OK
    served.gateway.wait_state("stopped", since=mark)
    assert is_refused(served.gateway)
    assert served.root.pids() == []
    assert penstock.run("start").returncode == OK


def test_a_start_that_fails_says_why(penstock, serve):
    served = serve("local", restart="never")
    program = served.root.program
    assert penstock.run("stop").returncode == OK
    program.rename(program.with_suffix(".away"))
    done = penstock.run("start")
    assert done.returncode == CONFIG
    assert "Remote path not found" in done.stderr
    program.with_suffix(".away").rename(program)
    assert penstock.run("start").returncode == OK
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_a_profile_that_only_forwards(penstock, gateway, solver):
    other = solver()
    running = gateway({"transport": "local", "endpoint": f"127.0.0.1:{other.port}", "launch": "never", "probe": "tcmd"})
    running.wait_serving()
    done = penstock.run("restart")
    assert done.returncode == CONFIG and "not allowed to launch" in done.stderr
    assert procs.alive(other.pid)


def test_a_solver_that_hangs_is_ended(penstock, serve):
    served = serve("local")
    pid = served.root.pid()
    procs.kill(pid, signal.SIGSTOP)
    assert penstock.run("restart", timeout=60).returncode == OK
    assert not procs.alive(pid)
    assert served.wire.tcmd()["protocol_version"] == "0.18"


@pytest.mark.parametrize("command", ["stop", "start", "restart"])
def test_without_a_gateway(penstock, command):
    done = penstock.run(command)
    assert done.returncode == UNREACHABLE and "no gateway of yours runs" in done.stderr
    assert penstock.run(command, "a", "b").returncode == USAGE
    if command != "start":
        assert penstock.run(command, "--drain", "never").returncode == USAGE


# -- one that hangs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_a_solver_that_hangs_is_said_to_until_it_answers(penstock, serve, transport):
    served = serve(transport, hang_timeout="1s")
    pid = served.root.pid()
    mark = served.gateway.mark()
    procs.kill(pid, signal.SIGSTOP)
    with served.wire.open(b"ECHO") as sock:
        sock.sendall(b"a")
        error = served.gateway.wait_state("hung", since=mark)["error"]
        assert "has not answered for 1 s, and its link is up" in error["what"] and "penstock restart" in error["next"]
        status = status_of(penstock)
        assert status["state"] == "hung" and status["reason"]["leg"] == "stream" and status["solver"]
        assert "lab (" + transport + "): hung for" in penstock.run("status").stdout
        procs.kill(pid, signal.SIGCONT)
        served.gateway.wait_state("up", since=mark)
        assert read_exact(sock, 1) == b"a"
    assert status_of(penstock)["reason"] is None
    assert served.root.pid() == pid


def test_a_command_is_no_sign_of_life(penstock, serve):
    """What it says comes from the solver's machine, not from the solver."""
    served = serve("local", hang_timeout="1s")
    talks = [str(penstock.binary), "exec", "--", "sh", "-c", "while echo x; do sleep 0.02; done"]
    with subprocess.Popen(talks, env=penstock.environment(), stdout=subprocess.PIPE) as command:
        assert command.stdout.readline() == b"x\n"
        procs.kill(served.root.pid(), signal.SIGSTOP)
        reader = threading.Thread(target=command.stdout.read)
        reader.start()
        mark = served.gateway.mark()
        try:
            with served.wire.open(b"ECHO") as sock:
                sock.sendall(b"a")
                served.gateway.wait_state("hung", since=mark)
                procs.kill(served.root.pid(), signal.SIGCONT)
                assert read_exact(sock, 1) == b"a"
        finally:
            command.terminate()
            reader.join()


def test_a_solver_that_hangs_is_restarted_if_that_is_wanted(serve):
    served = serve("local", hang_timeout="1s", on_hang="restart")
    pid = served.root.pid()
    procs.kill(pid, signal.SIGSTOP)
    with served.wire.open(b"ECHO") as sock:
        assert ended_by(sock) == "reset"
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    assert not procs.alive(pid)


def test_an_idle_gateway_asks_nothing(serve, penstock):
    """A solver that is asked says so in its log."""
    served = serve("local", hang_timeout="300ms", debug=True, prewarm=0)
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    before = served.root.log.read_text().count("TCMD")
    assert before
    with served.wire.open(b"ECHO") as sock:  # somebody is there, and says nothing: it is asked
        eventually(lambda: served.root.log.read_text().count("TCMD") > before)
        sock.shutdown(socket.SHUT_WR)
        assert ended_by(sock) == "clean"
    eventually(lambda: status_of(penstock)["streams"] == 0)
    asked = served.root.log.read_text().count("TCMD")
    mark = served.gateway.mark()
    served.wire.echo(b"x")  # the time of some looks, seen from outside
    assert served.root.log.read_text().count("TCMD") - asked <= 1
    assert not served.gateway.find_events("state", since=mark)


# -- one that ends ------------------------------------------------------------------------------------------



@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_how_it_ended_is_told(penstock, serve, transport):
    served = serve(transport)
    pid = served.root.pid()
    mark = served.gateway.mark()
    served.root.kill()
    assert served.wire.tcmd()["protocol_version"] == "0.18"
    error = eventually(lambda: [e for e in served.gateway.find_events("state", since=mark) if e["error"]])[0]["error"]
    assert f"the solver (pid {pid}) was ended by signal 9 (KILL)" in error["what"]
    assert "Listening on port" in error["detail"] and str(served.root.log) in error["next"]
    assert "was ended by signal 9" in status_of(penstock)["last_error"]["what"]
    assert status_of(penstock)["reason"] is None


def test_on_failure_leaves_one_alone_that_ended_well(penstock, serve):
    served = serve("local", restart="on-failure", hold="1s")
    procs.kill(served.root.pid(), signal.SIGTERM)
    mark = served.gateway.mark()
    with served.wire.connect():
        error = served.gateway.wait_state("down", since=mark)["error"]
    assert "has ended well, and `restart = on-failure` leaves it so" in error["what"]
    assert "exit status 0" in error["what"] and "penstock start" in error["next"]
    assert served.root.pids() == []
    assert penstock.run("start").returncode == OK
    assert served.wire.tcmd()["protocol_version"] == "0.18"


def test_on_failure_launches_one_again_that_crashed(serve):
    served = serve("local", restart="on-failure", env="DEMO_FAULT=exit-after:4", prewarm=0)
    mark = served.gateway.mark()

    def is_told():
        try:
            served.wire.tcmd(timeout=20)
        except ConnectionResetError:  # the one during which it exits
            pass
        said = [event["error"]["what"] for event in served.gateway.find_events("state", since=mark) if event["error"]]
        return any("ended with exit status 3" in what for what in said)

    eventually(is_told)
    assert served.gateway.wait_serving()
