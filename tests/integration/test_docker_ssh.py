# SPDX-License-Identifier: MIT
"""What is docker-ssh's own: one session, few channels, servers that allow less, and a pasted line."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern
from support.wait import eventually

MIB = 1 << 20


@pytest.fixture
def far(engine, place_of):
    """far(config=[lines of sshd_config]) is a place behind a server that has them."""

    def make(*config, transport="docker-ssh"):
        place = place_of(transport, engine)
        place.server_config = config
        return place

    return make


def test_pasted_line(far, over, box):
    up = over(far(transport="docker-ssh-command"), box)
    assert up.wait_serving(90)["adopted"] is False
    assert up.wire.echo(b"through") == b"through"
    assert len(box.solvers()) == 1


@pytest.mark.parametrize("options", [["-p", "127.0.0.1::9090"], ["--network", "none"]])
def test_one_session_with_two_channels(engine, far, over, container, options):
    """However many streams: sshd counts sessions, which are commands, and not forwarded connections."""
    place = far("MaxSessions 2")
    box = container(engine, *options)
    up = over(place, box)
    up.wait_serving(90)
    assert place.server.log.count("Accepted publickey") == 1
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(lambda number: up.wire.echo(b"x"), range(6))) == {b"x"}


@pytest.mark.parametrize("options", [["-p", "127.0.0.1::9090"], []])
def test_server_that_forwards_nothing(engine, far, over, container, options):
    """Commands are enough: the exec way needs no forwarding."""
    box = container(engine, *options)
    up = over(far("AllowTcpForwarding no"), box)
    up.wait_serving(90)
    size = 4 * MIB + 1
    assert up.wire.source(size) == (size, pattern.sha256(size))
    assert box.option("--host") == "127.0.0.1"


def test_session_that_breaks_heals(far, over, box):
    place = far()
    up = over(place, box, retry_min="50ms")
    up.wait_serving(90)
    pid = box.solver()
    mark = up.mark()
    place.server.kill_sessions()
    up.wait_state("down", since=mark)
    up.wait_serving(90, since=mark)
    assert up.find_events("state", mark, state="launching") == []
    assert box.solver() == pid
    assert up.wire.echo(b"through") == b"through"


def test_errors_name_the_host(engine, far, over):
    error = over(far(), "nowhere").first_error()
    assert "127.0.0.1" in error["what"] + error["next"] + error.get("detail", "")


def test_login_shell_that_is_no_posix_shell(far, over, box):
    place = far()
    place.server_options = {"shell": "/bin/tcsh"}
    up = over(place, box)
    up.wait_serving(90)
    eventually(box.solvers)
