# SPDX-License-Identifier: MIT
"""All that is measured: the work, the ways that it is done on, and the goal."""

from dataclasses import dataclass, field

import groups
from goals import Goal
from kinds import MB, Bulk, Exchange, Idle, Kind, Loaded, Poll, Quiet, Start
from routes import OURS

GROUPS = {
    "local": (groups.local, "sockets on this machine"),
    "ssh": (groups.ssh, f"SSH, {groups.CIPHER} on both sides"),
    "ahead": (groups.ahead, f"SSH, {groups.CIPHER} on both sides, two streams opened ahead as for a solver"),
    "default": (groups.defaults, "SSH, default settings on both sides"),
    "rtt40": (groups.long_way, f"SSH, {groups.ROUND_TRIP_MS} ms there and back"),
    "poll": (groups.poll_far, f"polls of a solver, {groups.ROUND_TRIP_MS} ms there and back"),
    "start": (groups.start, "from nothing to a solver's first byte"),
    "idle-local": (groups.idle_local, "idle streams on this machine"),
    "idle-ssh": (groups.idle_ssh, "idle streams over one SSH session"),
    "quiet": (groups.quiet, "connected, and nothing to do"),
    "lanes": (groups.lanes, "SSH, several sessions"),
    "lanes40": (groups.lanes_far, f"SSH, several sessions, {groups.ROUND_TRIP_MS} ms there and back"),
}


@dataclass
class Row:
    key: str
    title: str
    group: str
    kind: Kind
    goals: list = field(default_factory=list)
    ours: str = OURS
    is_long: bool = False  # so that a quick run has one round of it


def at_least(factor, peer, figure="rate"):
    return Goal(figure, "≥", factor, peer)


def at_most(factor, peer, figure):
    return Goal(figure, "≤", factor, peer)


def limit(value, figure, beside):
    return Goal(figure, "≤", value, beside=beside)


LOCAL_GOALS = [at_least(1.2, "socat"), at_least(1.5, "haproxy splice"), at_most(0.5, "haproxy splice", "cpu")]
LESS_CPU = at_most(0.75, "ssh -L", "cpu")


def _local_rows():
    size = {"size": 1024 * MB, "quick_size": 96 * MB}
    for streams in (1, 4):
        for direction in ("up", "down"):
            kind = Bulk(direction, streams, **size)
            yield Row(f"local-{direction}{streams}", bulk_title(direction, streams), "local", kind, LOCAL_GOALS)
    connect = Exchange("connect")
    yield Row("local-connect", "connect + 64 B", "local", connect, [at_most(1.0, "haproxy", "us")])
    yield Row("local-pingpong", "ping-pong, 64 B", "local", Exchange("pingpong"))
    yield Row("local-loaded", "ping-pong during an upload", "local", Loaded("up"))


def bulk_title(direction, streams=1):
    return f"bulk {direction}, {streams} stream{'s' if streams > 1 else ''}"


def _ssh_rows():
    for direction, streams, factor in (("up", 1, 1.4), ("down", 1, 1.15), ("up", 4, 1.2), ("down", 4, 1.0)):
        goals = [at_least(factor, "ssh -L"), LESS_CPU]
        title = bulk_title(direction, streams)
        yield Row(f"ssh-{direction}{streams}", title, "ssh", Bulk(direction, streams), goals)
    yield Row("ssh-connect", "connect + 64 B", "ssh", Exchange("connect"), [at_most(0.9, "ssh -L", "us")])
    yield Row("ssh-pingpong", "ping-pong, 64 B", "ssh", Exchange("pingpong"))
    for direction, factor in (("up", 1.4), ("down", 1.15)):
        goals = [at_most(0.9, "ssh -L", "us"), at_least(factor, "ssh -L")]
        title = f"ping-pong during {'an upload' if direction == 'up' else 'a download'}"
        yield Row(f"ssh-loaded-{direction}", title, "ssh", Loaded(direction), goals)


def _other_ssh_rows():
    for direction in ("up", "down"):
        yield Row(f"default-{direction}", bulk_title(direction), "default", Bulk(direction), [at_least(2, "ssh -L")])
    yield Row("ahead-connect", "connect + 64 B", "ahead", Exchange("connect"), [at_most(0.9, "ssh -L", "us")])
    yield Row("default-connect", "connect + 64 B", "default", Exchange("connect"))
    for direction, factor in (("up", 1), ("down", 3)):
        kind = Bulk(direction, size=160 * MB, quick_size=64 * MB)
        yield Row(f"rtt40-{direction}", bulk_title(direction), "rtt40", kind, [at_least(factor, "ssh -L")])
    # One round trip of 40 ms, and what machine and relay add; two would be 80.
    yield Row("poll", "a poll", "poll", Poll(), [at_most(0.5, "ssh -L", "ms"), limit(50, "ms", "ssh -L")])
    yield Row("start", "`penstock up` to first byte", "start", Start(), [limit(60, "ms", "ssh -L")])


def _rest():
    goals = [limit(4, "rss", "haproxy")]
    yield Row("idle-local", "10,000 idle streams, each", "idle-local", Idle(10000, 2000), goals, is_long=True)
    goals = [limit(32, "rss", "ssh -L")]
    yield Row("idle-ssh", "1,000 idle streams, each", "idle-ssh", Idle(1000, 200), goals, is_long=True)
    goals = [Goal("wakeups", "≤", 1, beside="ssh -L", way=way) for way in (OURS, groups.OURS_LOCAL)]
    yield Row("quiet", "an idle gateway", "quiet", Quiet(), goals, is_long=True)


def _lane_rows():
    for group, sizes in (("lanes", (400 * MB, 60 * MB)), ("lanes40", (320 * MB, 16 * MB))):
        for direction in ("up", "down"):
            kind = Bulk(direction, 4, *sizes)
            yield Row(f"{group}-{direction}4", bulk_title(direction, 4), group, kind, ours="4 lanes", is_long=True)
        yield Row(f"{group}-connect", "connect + 64 B", group, Exchange("connect", 20, 5), ours="4 lanes", is_long=True)


ROWS = [*_local_rows(), *_ssh_rows(), *_other_ssh_rows(), *_rest(), *_lane_rows()]
