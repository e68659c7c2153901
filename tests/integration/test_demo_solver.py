# SPDX-License-Identifier: MIT
"""The demo solver itself, spoken to directly: the other tests rest on it."""

import hashlib
import os
import signal
import socket
import struct
import threading

import pytest

from support import pattern, procs
from support.ports import is_listening
from support.wait import eventually
from support.wire import WireError, abort, ended_by, read_all, read_exact


def last(solver, kind):
    """The newest ended connection of a kind, once there is one."""
    found = eventually(lambda: [row for row in solver.wire.stats()["recent"] if row["kind"] == kind])
    return found[-1]


@pytest.mark.parametrize("legacy", [False, True])
def test_tcmd_answers_in_both_forms(solver, legacy):
    answer = solver().wire.tcmd("--name demo", legacy=legacy)
    assert answer["protocol_version"] == "0.18"
    assert answer["status"] == "NO_DATA"
    assert answer["root"].endswith("/data/demo")


def test_tcmd_without_a_project_is_an_error(solver):
    wire = solver().wire
    for text in ("", "--build", "--name ../x", "--name .hidden"):
        assert "error" in wire.tcmd(text)


def test_states_follow_what_is_sent(solver):
    wire = solver().wire
    root = wire.tcmd()["root"]
    wire.upload_atomic(root, b"data", b"param")
    assert wire.tcmd()["status"] == "NO_BUILD"
    assert wire.tcmd("--name demo --build")["status"] == "BUILDING"
    eventually(lambda: wire.tcmd()["status"] == "READY")
    assert wire.tcmd("--name demo --start")["status"] == "BUSY"
    eventually(lambda: wire.tcmd()["frame"] > 0)
    assert wire.tcmd("--name demo --terminate")["status"] == "RESUMABLE"
    assert wire.tcmd("--name demo --resume")["status"] == "BUSY"
    assert "cannot" in wire.tcmd("--name demo --build")["error"]


def test_files_go_both_ways(solver):
    wire = solver().wire
    root = wire.tcmd()["root"]
    payload = os.urandom(1_000_003)
    wire.data_send(f"{root}/frames/a b.bin", payload)
    assert wire.data_receive(f"{root}/frames/a b.bin") == (len(payload), hashlib.sha256(payload).hexdigest())
    with pytest.raises(WireError, match="No such file"):
        wire.data_receive(f"{root}/frames/other.bin")


def test_upload_atomic_checks_hashes_and_leaves_nothing_behind(solver):
    running = solver()
    root = running.wire.tcmd()["root"]
    with pytest.raises(WireError, match="hash mismatch"):
        running.wire.upload_atomic(root, b"data", b"param", param_hash="0" * 64)
    assert running.wire.tcmd()["status"] == "NO_DATA"
    assert [path for path in running.root.path.glob("data/**/*") if path.is_file()] == []
    running.wire.upload_atomic(root, b"data", b"param")
    answer = running.wire.tcmd()
    assert answer["data_hash"] == hashlib.sha256(b"data").hexdigest()


def test_upload_notify_wants_the_files_to_be_there(solver):
    running = solver()
    with pytest.raises(WireError, match="not there"):
        running.wire.upload_notify()
    folder = running.root.path / "data" / "demo"
    folder.mkdir()
    (folder / "data.pickle").write_bytes(b"data")
    running.wire.upload_notify(has_param=False, data_hash="h")
    assert running.wire.tcmd()["status"] == "NO_BUILD"


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "demo/../../out", "", ".", "link/out"])
def test_paths_stay_in_the_data_folder(solver, path):
    running = solver()
    (running.root.path / "data" / "link").symlink_to(running.root.path)
    with pytest.raises(WireError):
        running.wire.data_send(path, b"x")
    assert not (running.root.path / "out").exists()


def test_other_headers_are_errors(solver):
    wire = solver().wire
    assert wire.bdat(b"x" * 100_000) == b"BINARY_OK"
    with wire.open(b"WHAT") as sock:
        assert b"error" in read_all(sock)
    assert b"error" in wire.json({"request": "nothing"})
    with wire.open(b"JSON{]\n") as sock:
        assert b"error" in read_all(sock)


def test_the_test_headers(solver):
    running = solver()
    wire = running.wire
    payload = os.urandom(70_000)
    assert wire.echo(payload) == payload
    assert wire.sink(payload) == (len(payload), hashlib.sha256(payload).hexdigest())
    assert wire.source(1_000_001, 7) == (1_000_001, pattern.sha256(1_000_001, 7))
    with wire.open_abort(100_000) as sock:
        read_exact(sock, 100_000)
        assert ended_by(sock) == "reset"
    with wire.open(b"HALF") as sock:
        assert read_all(sock) == b"HALF"
        sock.sendall(payload)
    assert last(running, "HALF")["sha256"] == hashlib.sha256(payload).hexdigest()
    abort(wire.open(b"HOLD"))
    assert last(running, "HOLD")["end"] == "reset"


def test_five_hundred_connections_at_once(solver):
    running = solver()
    socks = [running.wire.open(b"ECHO") for _ in range(500)]
    for number, sock in enumerate(socks):
        sock.sendall(struct.pack(">I", number))
    for number, sock in enumerate(socks):
        assert read_exact(sock, 4) == struct.pack(">I", number)
    assert running.wire.stats()["open"] == 501
    for sock in socks:
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""
        sock.close()
    eventually(lambda: running.wire.stats()["open"] == 1)


def test_large_files_need_little_memory(solver):
    running = solver()
    size = 256 << 20
    running.wire.data_send("demo/big", pattern.chunks(size), size=size)
    assert running.wire.data_receive("demo/big")[1] == pattern.sha256(size)
    assert procs.rss_kib(running.pid) < 64 * 1024


def test_port_taken_is_said_as_the_real_solver_does(solver, port):
    number = port()
    solver(port=number)
    second = solver(port=number, wait=False)
    assert second.process.wait(10) == 1
    assert "Address already in use (os error 98)" in second.text()
    assert second.progress_text() == "SERVER_STARTING\n"


def test_progress_is_reported(solver, solver_root):
    root = solver_root("progress")
    root.progress.write_text("SERVER_READY of an earlier run\n")
    running = solver(root=root)
    assert running.progress_text() == "SERVER_STARTING\nSERVER_READY\n"
    assert running.stop() == 0
    assert running.text().endswith("Stopped\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_with_connections_open(solver, number):
    running = solver()
    sock = running.wire.open(b"HOLD")
    running.wire.wait_for("HOLD")
    assert running.stop(number) == 0
    sock.close()


@pytest.mark.parametrize(
    "fault, code, progress",
    [
        ("fail-start", 1, "SERVER_STARTING\nSERVER_FAILED: demo fault\n"),
        ("die-start", 1, "SERVER_STARTING\n"),
        ("port-taken", 1, "SERVER_STARTING\n"),
        ("slow-start:0.01+die-start", 1, "SERVER_STARTING\n"),
        ("no-such-fault", 2, ""),
        ("reset-after:much", 2, ""),
    ],
)
def test_faults_that_end_the_start(solver, fault, code, progress):
    running = solver(fault=fault, wait=False)
    assert running.process.wait(10) == code
    assert running.progress_text() == progress


def test_never_ready_lives_without_a_port(solver, port):
    number = port()
    running = solver(fault="never-ready", port=number, wait=False)
    eventually(lambda: running.progress_text() == "SERVER_STARTING\n")
    assert not is_listening(number)
    assert running.stop() == 0


@pytest.mark.parametrize("fault, end", [("reset-after:100000", "reset"), ("truncate-after:100000", "clean")])
def test_faults_that_cut_a_transfer(solver, fault, end):
    running = solver(fault=fault)
    with running.wire.open_source(1 << 20) as sock:
        assert len(read_exact(sock, 100_000 - 20)) == 100_000 - 20
        assert ended_by(sock) == end


def test_stall_moves_nothing_more(solver):
    running = solver(fault="stall-after:100000")
    sock = running.wire.open_source(1 << 20)
    read_exact(sock, 100_000 - 20)
    sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    sock.close()


def test_exit_after_counts_requests(solver):
    running = solver(fault="exit-after:3")
    for _ in range(3):
        running.wire.tcmd()
    assert running.process.wait(10) == 3


@pytest.mark.parametrize("fault", ["close-early", "mute", "garbage"])
def test_faults_that_are_no_solver(solver, fault):
    with solver(fault=fault).wire.connect(timeout=0.3) as sock:
        sock.sendall(b"TCMD" + struct.pack(">I", 16) + b"--name __probe__")
        try:
            answer = read_all(sock)
        except (TimeoutError, ConnectionResetError):
            answer = b""
        assert b"protocol_version" not in answer


def test_the_child_keeps_the_port(solver):
    running = solver(child=True)
    (child,) = procs.children(running.pid)
    assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    assert procs.alive(child)
    assert is_listening(running.port)


def test_uploads_at_once_do_not_mix(solver):
    running = solver()
    failures = []

    def upload(number):
        payload = pattern.data(300_000, number)
        try:
            running.wire.data_send(f"demo/{number}", payload)
            assert running.wire.data_receive(f"demo/{number}")[1] == hashlib.sha256(payload).hexdigest()
        except Exception as error:  # reported by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
