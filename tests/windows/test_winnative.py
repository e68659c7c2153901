# SPDX-License-Identifier: MIT
"""The life of a solver on Windows: found, launched, adopted, ended as a tree, or left running as one."""
import hashlib
import os
import socket
import threading

import pytest

from conftest import ask, free_port, wait_for, windows_path

EXIT_CONFIG, EXIT_LAUNCH, EXIT_PORT = 3, 8, 7


def down(windows):
    done = windows.run("down")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_solver_is_launched_and_ends_with_the_gateway(windows, solver):
    lab = solver("dev")
    inner = lab.folder / "src" / "cpp"
    inner.mkdir(parents=True)
    (lab.folder / "build-win-native" / "cuda" / "bin").mkdir(parents=True)
    config = lab.profile(root=windows_path(inner), on_exit="stop", gpu="GPU-7", env="MORE=x y", args="--more, a b")
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_event("serving")
        assert ask(lab.listen)["protocol_version"] == "0.18"
        root = windows_path(lab.folder)
        path = lab.notes("path")[0].split(";")
        assert path[:4] == [
            root + "\\build-win-native\\python",
            root + "\\target\\release",
            root + "\\src\\cpp\\build\\lib",
            root + "\\build-win-native\\cuda\\bin",
        ]
        assert any("system32" in entry.lower() for entry in path[4:])
        assert lab.notes("pythonpath")[0].split(";")[0] == root
        assert lab.notes("cuda") == [root + "\\build-win-native\\cuda"]
        assert lab.notes("gpu") == ["GPU-7"]
        assert lab.notes("window") == ["none"]
        assert lab.notes("word") == [
            *("--host", "127.0.0.1", "--port", str(lab.port), "--progress-file", "progress.log", "--more", "a b"),
        ]
        log = (lab.folder / "server.log").read_text("utf-8")
        assert "stand-in says hello" in log and "stand-in complains" in log
        wait_for(lambda: len(lab.alive()) == 3, lambda: f"not three: {lab.alive()}")
        down(windows)
        assert gateway.wait_end() == 0
    assert lab.notes("asked") == ["ctrl-c"]
    lab.wait_all_gone()


@pytest.mark.parametrize("layout", ["bundle", "root"])
def test_other_layouts(windows, solver, layout):
    lab = solver(layout)
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        root = windows_path(lab.folder)
        assert lab.notes("path")[0].split(";")[:3] == [root + "\\python", root + "\\bin", root + "\\target\\release"]
        assert lab.notes("cuda") == [""]
        down(windows)
        assert gateway.wait_end() == 0
    lab.wait_all_gone()


def test_one_that_is_stubborn_is_ended_by_force(windows, solver):
    lab = solver()
    with windows.gateway(lab.profile(on_exit="stop", env="STANDIN=stubborn"), "lab") as gateway:
        gateway.wait_event("serving")
        down(windows)
        assert gateway.wait_end() == 0
    assert lab.notes("asked") == ["ctrl-c"]
    lab.wait_all_gone()


def test_a_solver_that_dies_is_launched_again(windows, solver):
    lab = solver()
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        first = lab.alive()
        for pid, line in first.items():
            if "--progress-file" in line:
                os.kill(pid, 9)
        wait_for(lambda: ask(lab.listen, 30), gateway.said)
        assert len(lab.notes("pid")) == 2
        assert not set(first) & set(lab.alive()), "its child held the port"
        assert "stand-in says hello" in (lab.folder / "server.log.1").read_text("utf-8")
        down(windows)
        assert gateway.wait_end() == 0
    lab.wait_all_gone()


@pytest.mark.parametrize(
    "mode, words",
    [
        ("die", ["ended before it was ready", "stand-in dies"]),
        ("fail", ["The solver's start failed: FAILED: no GPU here", "stand-in complains"]),
        ("slow", ["Server startup timed out.", "stand-in says hello"]),
    ],
)
def test_launches_that_fail(windows, solver, mode, words):
    lab = solver()
    config = lab.profile(on_exit="stop", env="STANDIN=" + mode, ready_timeout="3s")
    with windows.gateway(config, "lab") as gateway:
        code = gateway.wait_end(100)
        assert code == EXIT_LAUNCH, gateway.said()
        for word in words:
            assert word in gateway.said()


def test_who_has_the_port_is_told(windows, solver):
    lab = solver()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", lab.port))
        taken.listen()
        with windows.gateway(lab.profile(), "lab") as gateway:
            code = gateway.wait_end(100)
            assert code == EXIT_PORT, gateway.said()
            assert f"Port {lab.port}" in gateway.said()
    assert not lab.notes("pid")


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda lab: (lab.folder / "build-win-native/python/python.exe").unlink(), ["Embedded Python not found in", "build-win-native\\python", " or "]),
        (lambda lab: (lab.folder / "target/release/ppf-cts-server.exe").unlink(), ["There is no solver at", "six folders above"]),
    ],
)
def test_what_is_missing_is_named(windows, solver, change, words):
    lab = solver()
    change(lab)
    with windows.gateway(lab.profile(), "lab") as gateway:
        assert gateway.wait_end(100) != 0
        for word in words:
            assert word.replace("\\", "\\\\") in gateway.said() or word in gateway.said()


def send_and_compare(port, size):
    """Sends and gets back `size` bytes through an echo; returns both sums."""
    block = os.urandom(1 << 20)
    sent, got = hashlib.sha256(), hashlib.sha256()
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        def send():
            client.sendall(b"ECHO")
            sent.update(b"ECHO")
            for i in range(size >> 20):
                part = i.to_bytes(8, "big") + block[8:]
                client.sendall(part)
                sent.update(part)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while part := client.recv(1 << 18):
            got.update(part)
        sender.join()
    return sent.hexdigest(), got.hexdigest()


def test_bytes_both_ways(windows, solver):
    lab = solver()
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        sums = []
        streams = [threading.Thread(target=lambda: sums.append(send_and_compare(lab.listen, 8 << 20))) for _ in range(4)]
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.join()
        assert len(sums) == 4 and all(sent == got for sent, got in sums)
        down(windows)
        assert gateway.wait_end() == 0


def test_the_port_of_the_gateway_itself_is_refused(windows, solver):
    lab = solver()
    config = lab.profile(endpoint=f"127.0.0.1:{lab.listen}")
    done = windows.run("check", "lab", "--config", windows_path(config))
    assert done.returncode == EXIT_CONFIG and "is the gateway's own port" in done.stdout + done.stderr


def test_a_port_of_somebody_else(windows, solver):
    lab = solver()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", lab.listen))
        taken.listen()
        with windows.gateway(lab.profile(), "lab") as gateway:
            assert gateway.wait_end() == EXIT_PORT
            assert f"Port {lab.listen} is in use" in gateway.said()
    assert not lab.notes("pid")
    assert free_port() != lab.listen
