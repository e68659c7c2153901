# SPDX-License-Identifier: MIT
"""docker and docker-ssh: the ways to the port of a container, which one is taken, and what passes over each."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern
from support.gateway import write_ini
from support.images import SOLVER
from support.login import failed
from support import procs
from support.ports import free_port
from support.wait import eventually
from support.wire import ended_by, read_all, read_exact

CONFIG, PORT = 3, 7
MIB = 1 << 20
WAYS = ["published", "bridge", "exec"]


@pytest.fixture(params=WAYS)
def by(request, place, over, box):
    """A gateway that serves over a way that the profile fixes: by.way, to a solver in by.box."""
    up = over(place, box, reach=request.param)
    up.wait_serving(90)
    up.way, up.box, up.transport = request.param, box, place.transport
    return up


# --- what each way carries -----------------------------------------------------------------------------------


def test_every_byte_arrives(by):
    size = 64 * MIB + 3
    assert by.wire.source(size, seed=3) == (size, pattern.sha256(size, seed=3))
    assert by.wire.sink(pattern.chunks(size, seed=5)) == (size, pattern.sha256(size, seed=5))


def test_connections_and_their_ends(by):
    # The solver listens no further than the way needs.
    expected = {"published": "0.0.0.0", "bridge": by.box.address, "exec": "127.0.0.1"}
    assert by.box.option("--host") == expected[by.way]
    named = {"published": "published port", "bridge": "container address", "exec": "exec"}
    assert by.find_events("leg", leg="endpoint")[-1]["text"].startswith(f"open by {named[by.way]}")
    # Directions end separately: the old solver answers after the client's half-close, another half-closes first. After
    # that nothing goes to the solver by exec: the engine's client ends with the output of its command.
    wire = by.wire
    assert wire.tcmd(legacy=True)["protocol_version"] == "0.18"
    assert wire.bdat(b"x" * 100_000) == b"BINARY_OK"
    with wire.open(b"HALF") as sock:
        assert read_all(sock) == b"HALF"
        if by.way != "exec":
            sock.sendall(b"x" * 1234)
        sock.shutdown(socket.SHUT_WR)
    least = 0 if by.way == "exec" else 1234
    eventually(lambda: [row for row in wire.stats()["recent"] if row["kind"] == "HALF" and row["in"] >= least])
    # What the solver aborts does not end cleanly, where it can be told: docker-proxy, sshd and exec make an end of it.
    with wire.open_abort(1000) as sock:
        assert len(read_exact(sock, 1000)) == 1000
        assert ended_by(sock) == "reset" or by.way != "bridge" or by.transport != "docker"
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(lambda number: wire.echo(b"%d" % number), range(100))) == [b"%d" % n for n in range(100)]


# --- where a port is published -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["127.0.0.9:{port}", "[::1]:{port}", "127.0.0.1:"])
def test_port_that_is_published_elsewhere(engine, here, over, container, where):
    box = container(engine, "-p", f"{where.format(port=free_port())}:9090")
    up = over(here, box, reach="published")
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert box.option("--host") == "0.0.0.0"


def test_port_that_is_published_on_the_address_of_the_bridge(engine, here, over, container):
    box = container(engine, "-p", f"{engine.address}:{free_port()}:9090")
    up = over(here, box, reach="published")
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert f"publishes its port 9090 on {engine.address}:{box.port} of this machine" in up.log


def test_port_that_is_the_gateways_own(engine, here, over, container, penstock, tmp):
    """The engine holds it: another way would lead into the container, but not one to the gateway."""
    address = f"127.0.0.1:{free_port()}"
    box = container(engine, "-p", f"{address}:9090")
    up = over(here, box, settings={"listen": address})
    assert up.wait() == PORT
    config = write_ini(tmp / "check.ini", {"gateway": {"listen": address}, "lab": here.profile(box)})
    done = penstock.run("check", "lab", "--connect", "--config", config, env=here.env, timeout=60)
    assert done.returncode == PORT, done
    assert "Port " + address.partition(":")[2] + " is in use by 'docker-proxy'" in done.stdout
    assert "a container publishes this port" in done.stdout
    assert box.solvers() == []


@pytest.mark.parametrize("where", ["0.0.0.0:{port}", "{port}", "[::]:{port}"])
def test_port_that_all_interfaces_publish_is_warned_of(engine, here, over, container, where):
    box = container(engine, "-p", f"{where.format(port=free_port())}:9090")
    up = over(here, box)
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert "all interfaces" in up.log and f"-p 127.0.0.1:{box.port}:9090" in up.log


def test_port_that_all_interfaces_publish_can_be_refused(engine, here, over, container):
    box = container(engine, "-p", f"{free_port()}:9090")
    error = failed(over(here, box, expose_warning="error"), CONFIG)
    assert "all interfaces" in error["what"] and f"-p 127.0.0.1:{box.port}:9090" in error["next"]
    assert box.solvers() == []


def test_check_counts_what_it_warns_of(engine, here, container, penstock, tmp):
    box = container(engine, "-p", f"{free_port()}:9090")
    config = write_ini(tmp / "check.ini", {"gateway": {"listen": "127.0.0.1:0"}, "lab": here.profile(box)})
    done = penstock.run("check", "lab", "--connect", "--config", config, env=here.env, timeout=60)
    assert done.returncode == 0 and done.stderr.count("all interfaces") == 1, done
    assert done.stdout.splitlines()[-1].endswith("0 errors, 1 warning; 1 way tried, 0 failed")


def test_solver_that_all_reach_in_the_hosts_network_can_be_refused(engine, here, over, container):
    port = free_port()
    box = container(engine, "--network", "host", command=[*SOLVER[:1], "--host", "0.0.0.0", "--port", str(port)])
    keys = {"endpoint": f"127.0.0.1:{port}", "root": None}
    error = failed(over(here, box, expose_warning="error", **keys), CONFIG)
    assert f"0.0.0.0:{port} is listened to there" in error["what"] and "--host 127.0.0.1" in error["next"]
    up = over(here, box, **keys)
    up.wait_serving(90)
    assert f"0.0.0.0:{port} is listened to there" in up.log


def test_port_that_all_interfaces_publish_without_a_word(engine, here, over, container):
    box = container(engine, "-p", f"{free_port()}:9090")
    up = over(here, box, expose_warning="off")
    up.wait_serving(90)
    assert "all interfaces" not in up.log


def test_other_port_of_the_container(engine, here, over, container):
    """9090 is published too, and is not what the profile means."""
    box = container(engine, "-p", "127.0.0.1::9090", "-p", f"127.0.0.1:{free_port()}:7070", image="tools")
    up = over(here, box, endpoint="127.0.0.1:7070")
    up.wait_serving(90)
    assert box.option("--port") == "7070"
    assert up.wire.echo(b"through") == b"through"


# --- networks ------------------------------------------------------------------------------------------------


def test_network_of_its_own(engine, here, over, container):
    box = container(engine, "--network", engine.make_network())
    up = over(here, box)
    up.wait_serving(90)
    assert box.option("--host") == box.address
    assert up.wire.echo(b"through") == b"through"


def test_network_of_another_container(engine, place, over, container):
    """Ports and addresses are the other one's."""
    other = container(engine, "-p", "127.0.0.1::9090", image="bare")
    box = container(engine, "--network", f"container:{other}")
    up = over(place, box)
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert box.option("--host") == "0.0.0.0"


def test_network_of_another_container_that_publishes_nothing(engine, here, over, container):
    other = container(engine, image="bare")
    box = container(engine, "--network", f"container:{other}")
    up = over(here, box)
    up.wait_serving(90)
    assert up.wire.echo(b"through") == b"through"
    assert box.option("--host") == other.address


def test_no_network_at_all(engine, place, over, container):
    box = container(engine, "--network", "none")
    up = over(place, box)
    up.wait_serving(90)
    assert box.option("--host") == "127.0.0.1"
    assert up.wire.echo(b"through") == b"through"


def test_solver_that_only_listens_on_the_loopback_inside(engine, place, over, container):
    """It is adopted, over the only way that leads there, though its port is published."""
    command = [*SOLVER[:1], "--host", "127.0.0.1"]
    box = container(engine, "-p", "127.0.0.1::9090", command=command)
    up = over(place, box)
    assert up.wait_serving(90)["adopted"] is True
    assert up.wire.echo(b"through") == b"through"
    assert len(box.solvers()) == 1


# --- helpers of the exec way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("image", ["bash", "socat", "netcat", "python", "perl"])
def test_helper_in_the_container(engine, here, over, container, image):
    box = container(engine, "--network", "none", image=image)
    up = over(here, box)
    up.wait_serving(90)
    size = 4 * MIB + 1
    assert up.wire.source(size, seed=1) == (size, pattern.sha256(size, seed=1))
    up.wire.data_send("demo/frame", pattern.data(size, seed=2))
    if image != "bash":  # it cannot end one direction alone
        assert up.wire.sink(pattern.chunks(size, seed=2)) == (size, pattern.sha256(size, seed=2))
        assert up.wire.tcmd(legacy=True)["protocol_version"] == "0.18"


def test_helpers_end_with_their_connections(engine, place, over, container):
    box = container(engine, "--network", "none")
    up = over(place, box)
    up.wait_serving(90)
    held = [up.wire.open(b"HOLD") for _ in range(3)]
    up.wire.wait_for("HOLD", 3)
    for sock in held:
        sock.close()
    solver = box.solver()
    watcher = int(procs.stat(solver)[1])  # waits for its end
    first = {box.state["Pid"], *[pid for pid in box.pids() if box.command(pid)[-2:] == ["/bin/sleep", "infinity"]]}
    eventually(lambda: not set(box.pids()) - first - {solver, watcher}, what=lambda: [box.command(pid) for pid in box.pids()])


# --- when all ways fail --------------------------------------------------------------------------------------


def test_all_ways_that_fail_are_named(engine, place, over, container):
    """Nothing is published, the solver listens on its loopback, and nothing in there could carry a connection."""
    box = container(engine, image="bare", command=[*SOLVER[:1], "--host", "127.0.0.1"])
    error = over(place, box).first_error()
    said = error["what"] + error.get("detail", "")
    assert f"Docker port 9090 is not exposed on container '{box}'" in error["what"]
    for word in ("publish", "address", "exec"):
        assert word in said, error
    assert "--host 0.0.0.0" in error["next"] and "docker run" not in error["next"]  # to publish it would not help


def test_fixed_way_that_is_not_there(engine, here, over, container):
    box = container(engine)
    error = over(here, box, reach="published").first_error()
    assert "9090" in error["what"] and str(box) in error["what"]
    line = f"docker run -d --name {box} --init -p 127.0.0.1:9090:9090 {box.inspect()['Config']['Image']}"
    assert f"{line} /bin/sleep infinity`" in error["next"]
