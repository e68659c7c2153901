# SPDX-License-Identifier: MIT
"""A day in the life of a gateway, without its waits: in the last hours it is as it was in the first.

What a day is made of. Each hour, four times the link breaks (a lid that is shut, a Wi-Fi that roams, a NAT that
forgets), the SSH server is restarted once, the way is gone once while clients come, the network of this machine
changes three times, the solver crashes twice, somebody says `reconnect`, the profile is changed to this machine's own
and back; twelve times clients go away in the middle of a download and of an upload, and twelve times one without a
word; and Blender polls 3,600 times, which is three a second through a working day of eight hours (86,400 in all).
Meanwhile clients transfer data both ways and compare every byte. In 24 hours that is 96 drops, 24 restarts, 24
outages, 72 changes of the network, 48 crashes, 24 reconnects, 48 swaps, 576 transfers that their client breaks off,
288 clients that say nothing. Most machines see less in a month.

What only a clock brings (a keepalive every 5 s, streams opened ahead that go after 20 s) is not in it.
"""

import random
import socket
import statistics

import pytest

import network
from day import FAR, NEAR, POLLS, Day, shares
from support.control import Control, socket_path
from support.ports import free_port
from support.relay import Relay
from support.service import passing
from support.wire import Wire
from test_drops import LEAN

SEED_ROOM = 1 << 30


@pytest.fixture
def a_day(gateway, penstock, solver_root, sshd, tmp):
    """a_day(seed) starts a gateway in a network of its own, which a test can change; clients come by a socket that was
    passed to it. It launches its solvers: one on this machine, one over SSH.
    """
    opened = []

    def start(seed):
        server, roots = sshd(), {"far": solver_root("far"), "near": solver_root("near")}
        given = socket.create_server(("127.0.0.1", 0), backlog=256)
        opened.append(given)
        address = f"127.0.0.1:{given.getsockname()[1]}"
        port = free_port()
        known_hosts = tmp / "known_hosts"
        known_hosts.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{port} "))
        common = {"restart_limit": 1000, "drain": "1h", "retry_max": "1s", "peers": "any"}  # others than in its network
        far = {**server.profile(port=port, known_hosts=known_hosts), "root": roots["far"], **common}
        near = {"transport": "local", "root": roots["near"], **common}
        for keys in (far, near):
            keys["endpoint"] = f"127.0.0.1:{free_port()}"
        passed = passing(given)
        running = gateway(
            far,
            name="far",
            sections={"near": near},
            settings={"listen": address, "log_level": "info"},
            env=LEAN,
            under=[*network.UNDER, *passed["under"]],
            pass_fds=passed["pass_fds"],
        ).wait_listening()
        relay = Relay(server.port, port=port, listen=network.listener_of(running.pid))
        opened.append(relay)
        running.wait_serving(40)
        control = Control(socket_path(penstock, running, "far"), timeout=120)
        opened.append(control)
        return Day(seed, running, Wire(given.getsockname()[1]), control, relay, server, roots)

    yield start
    for each in reversed(opened):
        each.close()


def live(day, parts, of_parts, polls):
    """Returns a sample of each part; prints a row of each."""
    print(f"seed {day.seed}")
    print("  part  drops restarts outages crashes network swaps  whole    cut  polls  KiB    fds threads children")
    samples = []
    for number, (far, near) in enumerate(shares(day.seed, parts, of_parts)):
        samples.append(day.pass_by(far, near, polls))
        count, sample = day.counts, samples[-1]
        print(
            f"  {number + 1:4} {count['drop']:6} {count['server']:8} {count['outage']:7} {count['crash']:7}"
            f" {count['network']:7} {count['swap']:5} {count['whole']:6} {count['cut']:6} {count['polls']:6}"
            f" {sample.rss:6} {sample.fds:4} {sample.threads:7} {sample.children:8}"
        )
    status = day.control.result("status")
    print(f"  {status['streams_ended']} streams, {(status['up_bytes'] + status['down_bytes']) >> 20} MiB;"
          f" {day.counts['held']} were held and served, {day.counts['kept']} kept open over a swap,"
          f" {day.counts['crossed']} crossed with the end of their stream")
    return samples


def check(day, samples, parts, of_parts, room_kib):
    """The last quarter is as the second one. (The first is for allocators and tables to reach their size.)"""
    expected = {name: FAR.get(name, 0) + NEAR.get(name, 0) for name in {**FAR, **NEAR}}
    for name, each_hour in expected.items():
        assert day.counts[name] == each_hour * parts // of_parts, day.counts
    assert day.counts["swap"] == 2 * parts and day.counts["whole"] > 10 * parts, day.counts
    assert day.counts["cut"] > 0, "what happened has hit nobody"
    quarter = parts // 4
    early, late = samples[quarter : 2 * quarter], samples[3 * quarter :]
    grown = statistics.mean(each.rss for each in late) - statistics.mean(each.rss for each in early)
    print(f"  {grown:+.0f} KiB from the second quarter to the last")
    assert grown <= room_kib, f"seed {day.seed}: {[each.rss for each in samples]}"
    for name in ("fds", "threads", "children"):
        then, now = (max(getattr(each, name) for each in some) for some in (early, late))
        assert now <= then, f"seed {day.seed}: {name}: {[getattr(each, name) for each in samples]}"
    for root in day.roots.values():
        assert len(root.pids()) == 1, f"{root}: {root.pids()}"
    assert day.gateway.stop() == 0


@pytest.mark.memory
def test_two_hours(a_day, penstock):
    """Looked at every quarter of an hour."""
    day = a_day(random.randrange(SEED_ROOM))
    check(day, live(day, 8, 4, 40), 8, 4, 65536 if penstock.is_sanitized() else 2048)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_day(a_day, penstock):
    day = a_day(random.randrange(SEED_ROOM))
    check(day, live(day, 24, 1, POLLS), 24, 1, 65536 if penstock.is_sanitized() else 1024)
