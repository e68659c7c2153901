# SPDX-License-Identifier: MIT
"""Plugins of third parties: built against the installed headers alone, loaded, serving; or refused before they run."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support import pattern
from support.build import CHECKOUT, Build
from support.gateway import write_ini
from support.procs import fd_count
from support.wait import eventually
from support.wire import Wire, abort, hash_all, read_all, read_exact

MIB = 1 << 20
NULL = {"transport": "null", "probe": "none"}


def run(*command, env=None):
    """Runs a tool that must succeed; returns its output."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env={**os.environ, **(env or {})})
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix():
    """penstock, installed into a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pst-prefix-") as name:
        run("cmake", "--install", Build(name, name).folder, "--prefix", name)
        yield Path(name)


@pytest.fixture(scope="module")
def null_folder(prefix):
    """A folder with null.so, built outside the tree, with nothing of ours but the headers."""
    with tempfile.TemporaryDirectory(prefix="pst-null-") as name:
        headers, source, build, out = (Path(name) / part for part in ("headers", "source", "build", "out"))
        shutil.copytree(prefix / "include", headers)
        shutil.copytree(CHECKOUT / "plugins" / "examples" / "null", source)
        run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DPENSTOCK_INCLUDE_DIR={headers}", "-DCMAKE_C_FLAGS=-Werror")
        run("cmake", "--build", build)
        out.mkdir()
        shutil.copy(build / "null.so", out)
        yield out


@pytest.fixture
def own_folder(tmp):
    """An empty plugin folder that a test may spoil."""
    folder = tmp / "plugins"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def null(gateway, null_folder):
    """null(key=value…) starts a gateway with the null plugin, found by plugin_path."""

    def start(**keys):
        return gateway({**NULL, "plugin_path": null_folder, **keys}).wait_listening()

    return start


# -- built by third parties ---------------------------------------------------------------------------------


def test_plugin_is_built_and_installed_with_pkg_config(prefix, tmp):
    """penstock.pc tells where headers and plugins are, and the program finds what lies there, also after a move."""
    moved = tmp / "moved"
    shutil.copytree(prefix, moved)
    found = list(moved.rglob("penstock.pc"))
    assert len(found) == 1
    env = {"PKG_CONFIG_PATH": str(found[0].parent), "HOME": str(tmp)}
    flags = run("pkg-config", "--cflags", "penstock", env=env).split()
    plugins = Path(run("pkg-config", "--variable=plugindir", "penstock", env=env).strip())
    plugins.mkdir(mode=0o755, parents=True, exist_ok=True)
    source = CHECKOUT / "plugins" / "examples" / "null" / "null.c"
    run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *flags, "-o", plugins / "null.so", source)

    listed = json.loads(run(moved / "bin" / "penstock", "plugin", "list", "--json", env=env))
    assert len(listed["folders"]) == 1
    assert Path(listed["folders"][0]).resolve().is_relative_to(moved)
    names = [transport["name"] for plugin in listed["plugins"] for transport in plugin["transports"]]
    assert "null" in names


def test_null_is_short():
    """The example is meant to be read in one go."""
    source = CHECKOUT / "plugins" / "examples" / "null" / "null.c"
    assert len(source.read_text().splitlines()) < 150


# -- serving ------------------------------------------------------------------------------------------------


def test_echo_64_mib_both_ways(null):
    size = 64 * MIB
    with Wire(null().port).connect() as sock:

        def send():
            for chunk in pattern.chunks(size, 7):
                sock.sendall(chunk)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert hash_all(sock) == (size, pattern.sha256(size, 7))
        sender.join()


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300_001])
def test_half_close_brings_all_bytes_and_then_the_end(null, size):
    data = pattern.data(size)
    with Wire(null().port).connect() as sock:
        if size:
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == data


def test_end_comes_only_after_the_half_close(null):
    with Wire(null().port).connect() as sock:
        sock.sendall(b"first")
        assert read_exact(sock, 5) == b"first"
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(10)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


@pytest.mark.memory
def test_reader_that_stops_holds_up_the_sender(null):
    """Without reading, only what the buffers on the way hold can be sent; nothing is lost of it."""
    running = null()
    before = running.rss_kib()
    with Wire(running.port).connect(receive_buffer=65536) as sock:
        sent = 0
        digest = hashlib.sha256()
        chunk = pattern.data(65536)
        sock.settimeout(1)
        try:
            while sent < 256 * MIB:
                count = sock.send(chunk)
                digest.update(chunk[:count])
                sent += count
        except TimeoutError:
            pass
        assert sent < 64 * MIB
        assert running.rss_kib() - before < 8 * 1024
        sock.settimeout(30)
        sock.shutdown(socket.SHUT_WR)
        assert hash_all(sock) == (sent, digest.hexdigest())


def test_aborts_leave_nothing_behind(null):
    running = null()
    wire = Wire(running.port)
    with wire.connect() as sock:
        sock.sendall(b"x")
        assert read_exact(sock, 1) == b"x"
    idle = fd_count(running.pid)
    for _ in range(20):
        sock = wire.connect()
        sock.sendall(pattern.data(200_000))
        abort(sock)
    eventually(lambda: fd_count(running.pid) <= idle, what=running.story)
    with wire.connect() as sock:
        sock.sendall(b"y")
        assert read_exact(sock, 1) == b"y"
    assert running.stop() == 0


def test_many_streams_at_once(null):
    wire = Wire(null().port)
    data = [pattern.data(50_000, seed) for seed in range(40)]
    socks = [wire.connect() for _ in data]
    for sock, payload in zip(socks, data):
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)
    for sock, payload in zip(socks, data):
        assert read_all(sock) == payload
        sock.close()


def test_declared_option_reaches_the_plugin(null):
    with Wire(null(delay="400ms").port).connect() as sock:
        began = time.monotonic()
        sock.sendall(b"x")
        assert read_exact(sock, 1) == b"x"
        assert time.monotonic() - began >= 0.4


def test_plugin_named_by_its_file_with_the_right_pin(null_folder, gateway, own_folder):
    path = own_folder / "any name.so"
    shutil.copy(null_folder / "null.so", path)
    pin = hashlib.sha256(path.read_bytes()).hexdigest()
    running = gateway({**NULL, "plugin": path, "plugin_sha256": pin}).wait_listening()
    with Wire(running.port).connect() as sock:
        sock.sendall(b"x")
        assert read_exact(sock, 1) == b"x"


# -- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"delay": "2h"}, ["delay", "1m"]),
        ({"delay": "soon"}, ["delay", "soon"]),
        ({"dealy": "1s"}, ["dealy", "delay"]),
    ],
)
def test_wrong_settings_are_told_with_their_place(penstock, null_folder, tmp, keys, words):
    config = write_ini(tmp / "p.ini", {"lab": {**NULL, "plugin_path": null_folder, **keys}})
    done = penstock.run("check", "lab", "--config", config)
    assert done.returncode == 3
    told = done.stdout + done.stderr
    assert f"{config}:5:" in told
    for word in words:
        assert word in told, told


# -- refused, by name, before any code of theirs runs --------------------------------------------------------


def place(penstock, folder, name):
    """Copies one of tests/plugins as lab.so."""
    return Path(shutil.copy(penstock.folder / "tests" / "plugins" / f"{name}.so", folder / "lab.so"))


def other_major(penstock, folder):
    place(penstock, folder, "other-major")
    return {}, ["version 2 of the plugin interface, this penstock has version 1", "newer penstock"]


def missing_symbol(penstock, folder):
    place(penstock, folder, "no-symbol")
    return {}, ["does not export penstock_plugin_1"]


def function(penstock, folder):
    place(penstock, folder, "function")
    return {}, ["penstock_plugin_1 is a function"]


def truncated(penstock, folder):
    path = place(penstock, folder, "good")
    os.truncate(path, path.stat().st_size // 2)
    return {}, ["truncated", "again"]


def no_library(penstock, folder):
    (folder / "lab.so").write_text("#!/bin/sh\n")
    return {}, ["not an ELF file"]


def group_writable_file(penstock, folder):
    place(penstock, folder, "good").chmod(0o664)
    return {}, ["file can be written by its group", "mode 0664", "chmod go-w"]


def world_writable_file(penstock, folder):
    place(penstock, folder, "good").chmod(0o646)
    return {}, ["file can be written by everyone", "mode 0646", "chmod go-w"]


def group_writable_folder(penstock, folder):
    place(penstock, folder, "good")
    folder.chmod(0o770)
    return {}, ["folder can be written by its group", "mode 0770", "chmod go-w"]


def world_writable_folder(penstock, folder):
    place(penstock, folder, "good")
    folder.chmod(0o707)
    return {}, ["folder can be written by everyone", "mode 0707", "chmod go-w"]


def wrong_pin(penstock, folder):
    path = place(penstock, folder, "good")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"plugin_sha256": "0" * 64}, [found, "0" * 64]


REFUSALS = [
    other_major,
    missing_symbol,
    function,
    truncated,
    no_library,
    group_writable_file,
    world_writable_file,
    group_writable_folder,
    world_writable_folder,
    wrong_pin,
]


@pytest.mark.parametrize("spoil", REFUSALS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("command", ["check", "up"])
def test_refused_file_never_runs(penstock, tmp, own_folder, spoil, command):
    keys, words = spoil(penstock, own_folder)
    config = write_ini(tmp / "p.ini", {"lab": {"transport": "lab", "plugin_path": own_folder, **keys}})
    tripwire = tmp / "tripwire"
    done = penstock.run(command, "lab", "--config", config, env={"PENSTOCK_TEST_TRIPWIRE": tripwire})
    assert done.returncode == 3, done
    told = done.stdout + done.stderr
    for word in [str(own_folder), *words]:
        assert word in told, told
    assert not tripwire.exists()


def test_tripwire_is_left_by_a_plugin_that_loads(penstock, tmp, own_folder):
    """What the test above relies on."""
    place(penstock, own_folder, "good")
    tripwire = tmp / "tripwire"
    done = penstock.run("plugin", "show", own_folder / "lab.so", env={"PENSTOCK_TEST_TRIPWIRE": tripwire})
    assert done.returncode == 0
    assert tripwire.exists()


# -- penstock plugin ----------------------------------------------------------------------------------------


def test_list_tells_what_is_there_and_what_is_refused(penstock, own_folder, null_folder):
    place(penstock, own_folder, "other-major")
    done = penstock.run("plugin", "list", "--json", "--path", f"{null_folder}:{own_folder}")
    assert done.returncode == 0, done
    listed = json.loads(done.stdout)
    assert listed["folders"][:2] == [str(null_folder), str(own_folder)]
    by_path = {plugin["path"]: plugin for plugin in listed["plugins"]}
    null = by_path[str(null_folder / "null.so")]
    assert (null["name"], null["version"], null["error"]) == ("null", "1.0", None)
    assert [transport["name"] for transport in null["transports"]] == ["null"]
    refused = by_path[str(own_folder / "lab.so")]
    assert "version 2" in refused["error"]["what"]
    assert refused["error"]["class"] == "config"

    text = penstock.run("plugin", "list", "--path", f"{null_folder}:{own_folder}:/nowhere").stdout
    assert str(null_folder / "null.so") in text
    assert f"{own_folder}/lab.so: refused" in text
    assert "No plugin files (*.so) in /nowhere" in text


def test_show_tells_the_options(penstock):
    folder = penstock.folder / "tests" / "plugins"
    shown = json.loads(penstock.run("plugin", "show", "good", "--json", "--path", folder).stdout)
    assert [transport["name"] for transport in shown["transports"]] == ["good", "better"]
    options = {option["key"]: option for option in shown["transports"][0]["options"]}
    assert options["place"] == {
        "key": "place",
        "type": "address",
        "default": None,
        "min": None,
        "max": None,
        "choices": None,
        "flags": ["required"],
        "help": "Where to go.",
    }
    assert (options["depth"]["min"], options["depth"]["max"], options["depth"]["flags"]) == (1, 9, ["live"])
    assert options["colour"]["choices"] == ["red", "green"]

    text = penstock.run("plugin", "show", "good.so", cwd=folder).stdout
    for line in ["int 1..9, default 3, live", "choice red|green, default red", "duration 0s..1m, default 1500ms"]:
        assert line in text, text


def test_unknown_transport_gets_the_nearest_and_the_folders(penstock, tmp, null_folder):
    config = write_ini(tmp / "p.ini", {"lab": {"transport": "nul", "plugin_path": null_folder}})
    done = penstock.run("check", "lab", "--config", config)
    assert done.returncode == 3
    assert "there is no transport 'nul'; did you mean 'null'?" in done.stdout + done.stderr
    done = penstock.run("plugin", "show", "nul", "--path", null_folder)
    assert done.returncode == 3
    for word in ["did you mean 'null'?", str(null_folder), str(penstock.plugins)]:
        assert word in done.stderr, done.stderr


def test_plugin_path_of_the_gateway_section_counts(penstock, gateway, tmp, null_folder):
    config = write_ini(tmp / "p.ini", {"gateway": {"plugin_path": null_folder}, "lab": NULL})
    shown = penstock.run("plugin", "show", "null", "--json", "--config", config)
    assert json.loads(shown.stdout)["name"] == "null"
    running = gateway(NULL, settings={"plugin_path": null_folder}).wait_listening()
    with Wire(running.port).connect() as sock:
        sock.sendall(b"x")
        assert read_exact(sock, 1) == b"x"


def test_wrong_command_lines_are_told(penstock):
    for line in (["plugin"], ["plugin", "lits"], ["plugin", "show"], ["plugin", "list", "extra"]):
        done = penstock.run(*line)
        assert done.returncode == 2, done
        assert "penstock plugin" in done.stderr


def test_plugin_without_commands(null, penstock):
    """It has no penstock.exec/1: that is said, and the plugin goes on."""
    running = null()
    running.wait_serving()
    done = penstock.run("exec", "--", "true")
    assert done.returncode == 125 and "the transport 'null' cannot run commands" in done.stderr
    done = penstock.run("logs", "--solver")
    assert done.returncode == 3 and "does not know where the solver's log is" in done.stderr
    assert running.process.poll() is None
