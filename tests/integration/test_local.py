# SPDX-License-Identifier: MIT
"""The transport `local`: a solver on this machine, found, launched, awaited, told apart, ended."""

import os
import re
import shlex
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support import procs
from support.gateway import write_ini
from support.ports import is_listening
from support.wait import eventually


@pytest.fixture
def profile(port):
    """profile(root, …) is a profile of the transport, with an endpoint of its own; its port is in the `endpoint`."""

    def make(root=None, **keys):
        return {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{port()}", **keys}

    return make


def endpoint_port(profile):
    return int(profile["endpoint"].rsplit(":", 1)[1])


def record_of(root, profile):
    return root.path / f".penstock-{endpoint_port(profile)}.solver"


def environ_of(pid):
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if pair)


def command_of(pid):
    return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]


def start_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]


def signals_of(pid):
    """Signals that it blocks and ignores; without 32 and 33, which are the C library's own."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"^{name}:\s*(\w+)$", status, re.M)[1], 16) & 0x7FFFFFFF for name in ("SigBlk", "SigIgn")]


def make_program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def failure_of(running, code):
    """The error that a gateway ended with."""
    assert running.wait() == code, running.story()
    return running.wait_event("stopped")["error"]


# --- launching ------------------------------------------------------------------------------------


def test_launches_as_the_recipe_says(gateway, profile, solver, solver_root):
    root = solver_root()
    wanted = profile(root, debug=True, args="--data-dir, kept here", prewarm=0)
    running = gateway(wanted)
    assert running.wait_serving()["adopted"] is False
    pid = root.pid()
    assert command_of(pid) == [
        str(root.program),
        *("--host", "127.0.0.1", "--port", str(endpoint_port(wanted)), "--progress-file", "progress.log"),
        *("--debug", "--data-dir", "kept here"),
    ]
    assert os.readlink(f"/proc/{pid}/cwd") == str(root.path)
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    for number in (1, 2):
        assert os.readlink(f"/proc/{pid}/fd/{number}") == str(root.log)
    assert os.getsid(pid) == pid != os.getsid(running.pid)
    assert "SERVER_READY" in root.progress.read_text()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    # The same as one that nobody launched but the test: nothing of the gateway's came along.
    ours, other = procs.fd_count(pid), solver().pid
    eventually(lambda: procs.fd_count(pid) == procs.fd_count(other), what=f"{ours} descriptors instead")
    assert signals_of(pid) == [signals_of(other)[0], 0]  # also where who runs the tests ignores some
    assert procs.children(running.pid) == []


def test_record_tells_who_the_solver_is(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root)
    gateway(wanted).wait_serving()
    record = record_of(root, wanted)
    pid = root.pid()
    assert record.stat().st_mode & 0o777 == 0o600
    lines = dict(line.split("=", 1) for line in record.read_text().splitlines())
    assert lines["pid"] == str(pid)
    assert lines["start"] == start_of(pid)
    assert lines["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert lines["token"] == environ_of(pid)["PENSTOCK_TOKEN"]


def test_environment_gpu_and_venv_reach_the_solver(gateway, penstock, profile, solver_root):
    venv = penstock.home / ".local/share/ppf-cts/venv/bin"
    venv.mkdir(parents=True)
    (venv / "activate").write_text('export VENV_MARK="a b"\nPATH="/of/venv:$PATH"\nexport PATH\n')
    root = solver_root()
    gateway(profile(root, gpu="GPU-1234", env="FIRST=a b'c$(touch x)\n    ps_root=other\n    PS1=#")).wait_serving()
    found = environ_of(root.pid())
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-1234"
    assert found["FIRST"] == "a b'c$(touch x)"
    assert found["ps_root"] == "other"
    assert found["VENV_MARK"] == "a b"
    assert found["PATH"].startswith("/of/venv:")
    assert {name for name in found if name.startswith("ps_")} == {"ps_root"}


@pytest.mark.parametrize(
    "name", ["a b'c$(touch x);", "-rf", "~", "*", "new\u00fc \U0001f680", '"q" \\ `touch x` & | < >', "a=b"]
)
def test_hostile_root(gateway, penstock, profile, solver_root, name):
    root = solver_root(name)
    wanted = profile(root, on_exit="stop")
    running = gateway(wanted)
    running.wait_serving()
    assert running.wire.tcmd()["root"].startswith(str(root.path))
    assert running.stop() == 0
    assert root.pids() == []
    made = {path.name for folder in (root.path, root.path.parent, penstock.home) for path in folder.iterdir()}
    assert "x" not in made


def test_home_is_expanded(gateway, penstock, profile, solver_root):
    root = solver_root("home/solver dir")
    gateway(profile("~/solver dir")).wait_serving()
    assert len(root.pids()) == 1


@pytest.mark.parametrize("inside", ["target", "target/release", "target/release/ppf-cts-server", "a/b/c/d/e/f"])
def test_sub_folder_of_the_root_will_do(gateway, profile, solver_root, inside):
    root = solver_root()
    chosen = root.path / inside
    if not chosen.exists():
        chosen.mkdir(parents=True)
    gateway(profile(chosen)).wait_serving()
    assert os.readlink(f"/proc/{root.pid()}/cwd") == str(root.path)


def test_older_solver_is_run_by_python(gateway, profile, solver_root):
    root = solver_root()
    moved = root.program.rename(root.path / "demo")
    (root.path / "server.py").write_text(f"import os, sys\nos.execv({str(moved)!r}, sys.argv)\n")
    gateway(profile(root)).wait_serving()
    assert command_of(root.pid())[0] == str(root.path / "server.py")


def test_program_can_be_named(gateway, profile, solver_root):
    root = solver_root()
    root.program.rename(root.path / "my solver")
    gateway(profile(root, program="my solver")).wait_serving()
    assert command_of(root.pid())[0] == str(root.path / "my solver")


def test_slow_start_is_waited_for(gateway, profile, solver_root):
    running = gateway(profile(solver_root(), env="DEMO_FAULT=slow-start:2.2"))
    running.wait_serving()
    told = [event["text"] for event in running.find_events("progress")]
    seconds = [int(text.split(", ")[1].split()[0]) for text in told if text.startswith("waiting for SERVER_READY, ")]
    assert len(seconds) >= 2 and seconds == sorted(set(seconds)), told


# --- finding --------------------------------------------------------------------------------------


def test_survives_the_gateway_and_is_adopted_at_once(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root)
    first = gateway(wanted)
    first.wait_serving()
    pid = root.pid()
    first.kill()
    began = time.monotonic()
    second = gateway(wanted)
    assert second.wait_serving()["adopted"] is True
    assert time.monotonic() - began < 1
    assert root.pid() == pid
    assert second.wire.tcmd()["protocol_version"] == "0.18"


def test_a_start_that_the_gateway_did_not_live_to_see_is_not_repeated(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root, env="DEMO_FAULT=slow-start:12")
    first = gateway(wanted)
    first.wait_event("leg", leg="launch")
    pid = root.pid()
    first.kill()
    second = gateway(wanted)
    second.wait_serving()
    assert root.pid() == pid
    assert "still starting" in second.wait_event("leg", leg="launch")["text"]


def test_two_gateways_launch_one_solver(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root, env="DEMO_FAULT=slow-start:0.5")
    both = [gateway(wanted), gateway(wanted)]
    for each in both:
        each.wait_serving()
    assert len(root.pids()) == 1


def test_two_solvers_share_a_folder(gateway, profile, solver_root):
    root = solver_root()
    first, second = profile(root), profile(root)
    gateway(first).wait_serving()
    gateway(second).wait_serving()
    assert len(root.pids()) == 2
    assert "SERVER_READY" in (root.path / f"progress-{endpoint_port(second)}.log").read_text()
    assert (root.path / f"server-{endpoint_port(second)}.log").exists()


def test_only_forwards_without_a_root(gateway, profile, solver):
    running = gateway({"transport": "local", "launch": "never", "endpoint": f"127.0.0.1:{solver().port}"})
    running.wait_serving()
    assert running.wire.echo(b"through") == b"through"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "0.0.0.0"])
def test_endpoint_by_name(gateway, solver, name):
    running = gateway({"transport": "local", "endpoint": f"{name}:{solver().port}"})
    running.wait_serving()


# --- what can be wrong ----------------------------------------------------------------------------


def listener(answer=b"220 hello\r\n"):
    """A server that is no solver, in this very process."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return server


def test_foreign_listener_is_named(gateway, solver_root):
    with listener() as server:
        port = server.getsockname()[1]
        error = failure_of(gateway({"transport": "local", "root": solver_root(), "endpoint": f"127.0.0.1:{port}"}), 7)
        server.shutdown(socket.SHUT_RDWR)
    comm = Path("/proc/self/comm").read_text().strip()
    assert error["leg"] == "endpoint"
    assert f"Port {port} on this machine is held by '{comm}' (pid {os.getpid()}, user root)" in error["what"]
    assert "no solver" in error["what"]
    assert "`endpoint` (" in error["next"] and "penstock0.ini:" in error["next"]


def test_solver_of_ours_that_does_not_answer_is_told_from_a_stranger(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root, env="DEMO_FAULT=mute", probe="tcp")
    gateway(wanted).wait_serving()
    error = failure_of(gateway({**wanted, "probe": "tcmd"}), 7)
    assert f"(pid {root.pid()}, " in error["what"]
    assert "that penstock launched and that does not answer" in error["what"]


def test_solver_that_finds_its_port_taken(gateway, profile, solver_root):
    wanted = profile(solver_root(), env="DEMO_FAULT=port-taken")
    error = failure_of(gateway(wanted), 7)
    assert f"Port {endpoint_port(wanted)} is in use" in error["what"]
    assert "os error 98" in error["detail"]


def test_never_ready_shows_the_end_of_the_log(gateway, profile, solver_root):
    root = solver_root()
    lines = "for i in $(seq 1 30); do echo line $i; done; printf '\\033[31m\\377red\\n'; exec sleep 60"
    make_program(root.path / "stuck", f"#!/bin/sh\n{lines}\n")
    began = time.monotonic()
    error = failure_of(gateway(profile(root, program="stuck", ready_timeout="2s")), 8)
    assert time.monotonic() - began < 5
    assert error["leg"] == "ready"
    assert error["what"] == "Server startup timed out."
    assert error["detail"].splitlines() == [f"line {number}" for number in range(12, 31)] + ["?[31m?red"]
    assert str(root.log) in error["next"] and "ready_timeout" in error["next"]


@pytest.mark.parametrize(
    "fault, words, log",
    [
        ("fail-start", "The solver's start failed: SERVER_FAILED", "the start fails"),
        ("die-start", "ended before it was ready", "dies as it starts"),
    ],
)
def test_failed_start_is_known_at_once(gateway, profile, solver_root, fault, words, log):
    began = time.monotonic()
    error = failure_of(gateway(profile(solver_root(), env=f"DEMO_FAULT={fault}")), 8)
    assert time.monotonic() - began < 5
    assert error["leg"] == "ready"
    assert words in error["what"]
    assert log in error["detail"]


def test_program_that_is_none(gateway, profile, solver_root):
    root = solver_root()
    make_program(root.path / "broken", "\x7fELF no more")
    error = failure_of(gateway(profile(root, program="broken")), 8)
    assert "ended before it was ready" in error["what"]
    assert "broken" in error["detail"]


def test_root_is_checked_before_the_launch(gateway, profile, solver_root, tmp):
    error = failure_of(gateway(profile(tmp / "none")), 3)
    assert error["what"] == f"Remote path not found ({tmp}/none)."
    assert "`root` (" in error["next"] and "penstock0.ini:" in error["next"]

    empty = tmp / "a/b/c/d/e/f/g/h"
    empty.mkdir(parents=True)
    error = failure_of(gateway(profile(empty)), 3)
    assert error["what"] == f"Remote path not found ({empty}/target/release/ppf-cts-server)."

    root = solver_root()
    root.program.unlink()  # it is a link to the one that the other tests run
    root.program.write_text("#!/bin/sh\n")
    error = failure_of(gateway(profile(root)), 3)
    assert str(root.program) in error["what"] and "chmod" in error["next"]

    root.program.chmod(0o755)
    root.progress.mkdir()
    error = failure_of(gateway(profile(root)), 3)
    assert error["what"] == f"{root.progress} cannot be written"
    root.progress.rmdir()
    assert root.pids() == []

    error = failure_of(gateway(profile()), 3)
    assert "does not say where to launch one" in error["what"]
    assert "launch = never" in error["next"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_own_port_as_endpoint(gateway, port, name):
    number = port()
    running = gateway({"transport": "local", "endpoint": f"{name}:{number}"}, settings={"listen": f"127.0.0.1:{number}"})
    error = failure_of(running, 3)
    assert "is the gateway's own port" in error["what"]
    assert "penstock0.ini:" in error["what"]
    assert "endpoint = 127.0.0.1:19090" in error["next"]


def test_check_knows_the_own_port(penstock, tmp, port):
    number = port()
    there = {"transport": "local", "endpoint": f"127.0.0.1:{number}", "listen": f"127.0.0.1:{number}"}
    done = penstock.run("check", "--config", write_ini(tmp / "penstock.ini", {"lab": there}))
    assert done.returncode == 3
    assert "is the gateway's own port" in done.stdout


# --- crashes --------------------------------------------------------------------------------------


def test_crash_is_mended_by_the_next_connection(gateway, profile, solver_root):
    root = solver_root()
    running = gateway(profile(root))
    running.wait_serving()
    first = root.pid()
    root.log.open("a").write("last words\n")
    root.kill()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    assert root.pid() != first
    assert "last words" in root.log.with_name("server.log.1").read_text()


def test_crash_that_leaves_a_child_with_the_socket(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root, env="DEMO_CHILD=1", retry_min="100ms", retry_max="200ms")
    running = gateway(wanted)
    running.wait_serving()
    assert len(root.pids()) == 2
    pid = int(record_of(root, wanted).read_text().splitlines()[0].split("=")[1])
    procs.kill(pid)
    eventually(lambda: not procs.alive(pid))
    running.stop()
    # The child still holds the port; nobody can be served there, and the message says whose it is.
    error = failure_of(gateway(wanted), 7)
    assert "that penstock launched" in error["what"]


def test_restart_limit(gateway, profile, solver_root):
    root = solver_root()
    running = gateway(profile(root, restart_limit=1))
    running.wait_serving()
    root.kill()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    root.kill()
    mark = running.mark()
    with running.wire.connect():
        event = running.wait_event("state", since=mark, state="down")
    assert "within 10 minutes" in event["error"]["what"]
    assert root.pids() == []


# --- ending ---------------------------------------------------------------------------------------


def test_keep_leaves_it_running(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root)
    running = gateway(wanted)
    running.wait_serving()
    pid = root.pid()
    assert running.stop() == 0
    assert procs.alive(pid) and record_of(root, wanted).exists()


def test_stop_ends_the_whole_tree(gateway, profile, solver_root):
    root = solver_root()
    # One child inherits the socket, another has left for a session of its own and ignores SIGTERM.
    make_program(
        root.path / "family",
        f"#!/bin/sh\nsetsid sh -c 'trap \"\" TERM; sleep 1000; :' &\nexec {shlex.quote(str(root.program))} \"$@\"\n",
    )
    wanted = profile(root, program="family", env="DEMO_CHILD=1", on_exit="stop")
    running = gateway(wanted)
    running.wait_serving()
    pids = eventually(lambda: len(root.pids()) == 4 and root.pids())
    assert running.stop() == 0
    assert [pid for pid in pids if procs.alive(pid)] == []
    assert not is_listening(endpoint_port(wanted))
    assert not record_of(root, wanted).exists()


def test_stop_ends_what_an_earlier_gateway_launched(gateway, profile, solver_root):
    root = solver_root()
    wanted = profile(root)
    gateway(wanted).wait_serving()
    second = gateway({**wanted, "on_exit": "stop"})
    assert second.wait_serving()["adopted"] is True
    assert second.stop() == 0
    assert root.pids() == []


def test_ipv4_listener_does_not_take_an_ipv6_port(gateway, solver_root):
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"[::1]:{other.getsockname()[1]}"
        running = gateway(
            {"transport": "local", "root": solver_root(), "endpoint": endpoint, "listen": "[::1]:0", "on_exit": "stop"}
        )
        assert running.wait_serving()["adopted"] is False
        assert running.stop() == 0


@pytest.mark.parametrize("wrong", ["start", "boot", "token", "pid"])
def test_stop_touches_nobody_else(gateway, solver, wrong):
    running = solver()
    port = running.port
    victim = subprocess.Popen(
        ["sleep", "1000"], env={"PATH": os.environ["PATH"], "PENSTOCK_TOKEN": "a" * 32}, start_new_session=True
    )
    try:
        eventually(lambda: command_of(victim.pid)[:1] == ["sleep"])
        record = {
            "pid": str(victim.pid),
            "start": start_of(victim.pid),
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "token": "a" * 32,
        }
        record[wrong] = {"start": "1", "boot": "other", "token": "b" * 32, "pid": "-1"}[wrong]
        if wrong == "start":
            record["token"] = "c" * 32  # the token alone would prove it
        path = running.root.path / f".penstock-{port}.solver"
        path.write_text("".join(f"{key}={value}\n" for key, value in record.items()))
        made = gateway(
            {"transport": "local", "root": running.root, "endpoint": f"127.0.0.1:{port}", "on_exit": "stop"}
        )
        assert made.wait_serving()["adopted"] is True
        assert made.stop() == 0
        assert victim.poll() is None and running.process.poll() is None
    finally:
        victim.kill()
        victim.wait()
