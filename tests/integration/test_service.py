# SPDX-License-Identifier: MIT
"""A gateway that a service manager starts: what it is told."""

import signal
import socket

import pytest

from support.ports import free_port
from support.service import Manager

OK = 0


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


# -- sd_notify ----------------------------------------------------------------------------------------------


def test_it_is_ready_when_the_port_is_open(gateway, manager):
    """Nobody serves behind it, and connections are held: whoever waits for it can go on."""
    running = gateway(
        {"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", "launch": "never", "probe": "tcmd"},
        env=manager.env,
    )
    told = manager.next("READY")
    assert told["READY"] == "1"
    assert told["STATUS"] == f"lab (local) on {running.address}: connecting"
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
