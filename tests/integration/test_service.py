# SPDX-License-Identifier: MIT
"""A gateway that a service manager starts: what it is told, and the socket that it passes."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.control import socket_path
from support.need import as_nobody, need_program
from support.ports import free_port
from support.service import Manager, passing
from support.wait import eventually
from support.wire import Wire

OK, CONFIG = 0, 3


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


@pytest.fixture
def manager(tmp):
    made = Manager(tmp / "notify")
    yield made
    made.close()


@pytest.fixture
def listener():
    """listener(host, port) opens a listening socket, as a socket unit does."""
    made = []

    def make(host="127.0.0.1", port=0):
        made.append(socket.create_server((host, port)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def environ_of(pid):
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if pair)


# -- sd_notify ----------------------------------------------------------------------------------------------


def test_it_is_ready_when_the_port_is_open(gateway, manager, penstock):
    """Nobody serves behind it, and connections are held: whoever waits for it can go on."""
    running = gateway(
        {"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", "launch": "never", "probe": "tcmd"},
        env=manager.env,
    )
    told = manager.next("READY")
    assert told["READY"] == "1"
    assert told["STATUS"] == f"lab (local) on {running.address}: connecting"
    assert socket_path(penstock, running).exists()  # so that it can be asked
    with socket.create_connection(("127.0.0.1", running.port)):
        down = manager.next("STATUS", lambda status: ": down" in status)["STATUS"]
        assert down.startswith(f"lab (local) on {running.address}: down: ") and "127.0.0.1" in down.split("down: ")[1]
        again = manager.next("STATUS", lambda status: "anew" in status)["STATUS"]
        assert ": connecting anew, since " in again


def test_its_states_and_its_end_are_told(gateway, manager, forward):
    running = gateway(forward, settings={"stop_timeout": "7m"}, env=manager.env)
    manager.next("READY")
    manager.next("STATUS", lambda status: status == f"lab (local) on {running.address}: up")
    running.send_signal(signal.SIGTERM)
    told = manager.next("STOPPING")
    assert told["STOPPING"] == "1"
    assert int(told["EXTEND_TIMEOUT_USEC"]) > 7 * 60 * 1000000
    assert running.wait() == OK


def test_a_hostile_profile_name_is_one_line_of_status(gateway, manager, forward):
    """What is told is lines: none of them may be made by a name or a reason."""
    gateway(forward, name="a READY=1 \u2028 MAINPID=1", env=manager.env)
    told = manager.next("READY")
    assert set(told) == {"READY", "STATUS"}


def test_signs_of_life_as_often_as_they_are_wanted(gateway, manager, forward):
    running = gateway(forward, env={**manager.env, "WATCHDOG_USEC": "200000"})
    for _ in range(5):
        assert manager.next("WATCHDOG")["WATCHDOG"] == "1"
    assert running.stop() == OK


def test_a_watchdog_of_another_process_is_not_ours(gateway, manager, forward):
    running = gateway(forward, env={**manager.env, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    running.wait_serving()
    assert running.stop() == OK
    manager.socket.setblocking(False)
    told = b""
    with pytest.raises(BlockingIOError):
        while True:
            told += manager.socket.recv(4096) + b"\n"
    assert b"STOPPING=1" in told and b"WATCHDOG" not in told


def test_what_the_manager_says_is_not_passed_on(gateway, manager, solver_root, listener):
    root = solver_root()
    given = listener()
    env = {**manager.env, "WATCHDOG_USEC": "60000000"}
    endpoint = f"127.0.0.1:{free_port()}"
    profile = {"transport": "local", "root": root, "endpoint": endpoint}
    running = gateway(profile, settings={"listen": f"127.0.0.1:{given.getsockname()[1]}"}, env=env, **passing(given))
    running.wait_serving()
    pid = root.pid()
    names = environ_of(pid)
    assert not [name for name in names if name.startswith(("NOTIFY_", "WATCHDOG_", "LISTEN_"))]
    held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert f"socket:[{os.fstat(given.fileno()).st_ino}]" not in held


@pytest.mark.parametrize("place", ["/nowhere/at/all", "@", "vsock:1:2", "x" * 200])
def test_a_manager_that_cannot_be_told_does_no_harm(gateway, forward, place):
    running = gateway(forward, env={"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "10000"})
    running.wait_serving()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    assert running.stop() == OK


def test_a_manager_that_does_not_read_does_no_harm(gateway, manager, forward):
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    with filler, pytest.raises(BlockingIOError):
        while True:
            filler.sendto(b"X=1", manager.env["NOTIFY_SOCKET"])
    running = gateway(forward, env=manager.env)
    running.wait_serving()
    assert running.wire.tcmd()["protocol_version"] == "0.18"
    assert running.stop() == OK


# -- socket activation --------------------------------------------------------------------------------------


def test_the_first_connection_starts_the_gateway_and_is_served(gateway, penstock, forward):
    """By systemd's own tool, which starts the program when somebody connects, and not before."""
    address = f"127.0.0.1:{free_port()}"
    env = penstock.environment()
    names = [f"--setenv={name}" for name in env if name not in ("PATH", "HOME")]
    activate = need_program("systemd-socket-activate", "systemd")
    running = gateway(forward, settings={"listen": address}, under=[activate, "-l", address, *names])
    wire = Wire(int(address.rsplit(":", 1)[1]))
    eventually(lambda: f"Listening on {address}" in running.log, what=lambda: running.log)
    assert running.events == []
    assert wire.tcmd()["protocol_version"] == "0.18"
    assert running.address == address
    assert wire.tcmd()["protocol_version"] == "0.18"
    assert running.stop() == OK


def test_connections_wait_from_one_gateway_to_the_next(gateway, forward, listener):
    """The socket is the manager's: a restart closes nothing and refuses nobody."""
    given = listener()
    address = f"127.0.0.1:{given.getsockname()[1]}"
    first = gateway(forward, settings={"listen": address}, **passing(given))
    first.wait_serving()
    assert first.wire.tcmd()["protocol_version"] == "0.18"
    assert first.address == address and "listen =" not in first.log
    assert first.stop() == OK
    with socket.create_connection(given.getsockname()) as between:
        between.settimeout(20)
        second = gateway(forward, settings={"listen": address}, **passing(given))
        between.sendall(b"TCMD\0\0\0\x0b--name demo")
        assert between.recv(1) == b"{"
    assert second.stop(signal.SIGTERM) == OK


def test_a_socket_on_another_port_is_served_and_both_are_named(gateway, forward, listener):
    given = listener()
    listen = f"127.0.0.1:{free_port()}"
    running = gateway(forward, settings={"listen": listen}, **passing(given))
    running.wait_serving()
    assert running.port == given.getsockname()[1]
    (warning,) = [line for line in running.log.splitlines() if "warn" in line and "passed" in line]
    assert running.address in warning and listen in warning
    assert running.wire.tcmd()["protocol_version"] == "0.18"


def test_of_several_sockets_it_is_the_profile_s(gateway, forward, listener):
    other, given = listener(), listener()
    listen = f"127.0.0.1:{given.getsockname()[1]}"
    running = gateway(forward, settings={"listen": listen}, **passing(other, given))
    running.wait_serving()
    assert running.address == listen and "passed 2 sockets" in running.log


def test_a_socket_that_others_reach_is_refused(gateway, forward, listener):
    """`expose` is the profile's to say, not the socket unit's."""
    given = listener("0.0.0.0")
    running = gateway(forward, **passing(given))
    assert running.wait() == CONFIG
    assert "other machines could reach" in running.log and "ListenStream=127.0.0.1" in running.log


@pytest.mark.parametrize(
    "bound, listen, is_served",
    [
        ("0.0.0.0", "10.0.0.1:9090", False),  # one network was meant, not all of them
        ("0.0.0.0", "0.0.0.0:9090", True),
        ("127.0.0.1", "10.0.0.1:9090", True),  # fewer may come, not more
    ],
)
def test_no_socket_is_wider_than_listen(gateway, forward, listener, bound, listen, is_served):
    given = listener(bound)
    running = gateway({**forward, "listen": listen, "expose": "yes"}, **passing(given))
    if is_served:
        running.wait_serving()
    else:
        assert running.wait() == CONFIG
        assert f"listen = {listen}" in running.log and f"ListenStream={listen}" in running.log


def test_what_is_no_listening_socket_is_refused(gateway, forward, tmp):
    with socket.socket(socket.AF_UNIX) as given:
        given.bind(str(tmp / "unix"))
        given.listen()
        running = gateway(forward, **passing(given))
        assert running.wait() == CONFIG
        assert "no listening TCP socket" in running.log and "Accept=no" in running.log


def test_a_socket_that_was_passed_to_another_process_stays_its_own(gateway, forward):
    running = gateway(forward, env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    running.wait_serving()
    assert running.stop() == OK


def test_others_may_not_connect_to_a_socket_that_was_passed(gateway, forward, listener):
    """`peers = own` holds there too."""
    given = listener()
    running = gateway(forward, **passing(given))
    running.wait_serving()
    code = (
        "import socket, sys\n"
        "try: s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10); print('answered', s.recv(1))\n"
        "except ConnectionResetError: print('reset')"
    )
    line = as_nobody("/usr/bin/python3", "-c", code, str(running.port))
    done = subprocess.run(line, capture_output=True, text=True, timeout=20)
    assert done.stdout.strip() == "reset", done


@pytest.mark.parametrize("line", [["enable", "lab"], ["disable"], ["status"]])
def test_autostart_names_the_systems_own_way(penstock, line):
    done = penstock.run("autostart", *line)
    assert done.returncode == CONFIG and "systemctl --user enable --now penstock@" in done.stderr, done
