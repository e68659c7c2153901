# SPDX-License-Identifier: MIT
"""`penstock check --connect`: every leg of the way with its time, and the next step where one fails."""

import json
import re

import pytest

from support.gateway import write_ini
from support.ports import free_port
from support.sshd import make_key

OK, CONFIG, UNREACHABLE, AUTH, IDENTITY = 0, 3, 4, 5, 6
LOGIN = ["dns", "tcp", "host-key", "auth"]


@pytest.fixture
def check(penstock, tmp):
    """check(profile, *args) runs it; returns the CompletedProcess."""

    def run(profile, *args):
        config = write_ini(tmp / "check.ini", {"gateway": {"listen": "127.0.0.1:0"}, "lab": profile})
        return penstock.run("check", "lab", "--connect", *args, "--config", config, timeout=60)

    return run


def legs(done):
    """The legs of --json: [(name, milliseconds, text, error), …]"""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [(each["leg"], each["ms"], each["text"], each["error"]) for each in events if each["event"] == "leg"]


def test_solver_that_is_launched(check, sshd, solver_root):
    profile = sshd().profile(root=solver_root(), endpoint=f"127.0.0.1:{free_port()}")
    done = check(profile, "--json")
    assert done.returncode == OK, done
    passed = legs(done)
    assert [leg for leg, *_ in passed] == [*LOGIN, "exec", "launch", "ready", "endpoint", "stream"]
    assert all(ms > 0 and text and not error for _, ms, text, error in passed)
    assert "protocol 0.18" in passed[-1][2]


def test_solver_that_runs(check, sshd, solver):
    profile = sshd().profile(endpoint=f"127.0.0.1:{solver().port}")
    done = check(profile)
    assert done.returncode == OK, done
    lines = re.findall(r"^  ([a-z-]+) +([\d.]+) (µs|ms|s)  (.+)$", done.stdout, re.M)
    assert [leg for leg, *_ in lines] == [*LOGIN, "endpoint", "stream"]
    spared = re.findall(r"^  (\w+) +-  not needed: ", done.stdout, re.M)
    assert spared == ["exec", "launch", "ready"]
    assert "ok: a solver runs, protocol 0.18" in done.stdout


def failing(done, code):
    """Checks that the last leg is the one that failed, with a next step; returns the legs and the error."""
    assert done.returncode == code, done
    passed = legs(done)
    error = passed[-1][3]
    assert error and error["leg"] == passed[-1][0] and error["next"]
    assert not any(each[3] for each in passed[:-1])
    return [leg for leg, *_ in passed], error


def test_failing_legs(check, sshd, solver_root, tmp):
    server = sshd()
    profile = server.profile(root=solver_root(), endpoint=f"127.0.0.1:{free_port()}")
    told, _ = failing(check({**profile, "host": "no-such-host.invalid"}, "--json"), UNREACHABLE)
    assert told == ["dns"]
    told, _ = failing(check({**profile, "port": free_port()}, "--json"), UNREACHABLE)
    assert told == ["dns", "tcp"]
    told, error = failing(check({**profile, "known_hosts": tmp / "none"}, "--json"), IDENTITY)
    assert told == ["dns", "tcp", "host-key"] and "penstock trust lab" in error["next"]
    for_people = check({**profile, "known_hosts": tmp / "none"}).stdout  # to be pasted, so with the same file
    assert f"penstock --config {tmp / 'check.ini'} trust lab" in for_people
    told, error = failing(check({**profile, "key": make_key(tmp / "wrong")}, "--json"), AUTH)
    assert told == LOGIN and "ssh-copy-id" in error["next"]
    told, _ = failing(check({**profile, "root": tmp / "nowhere"}, "--json"), CONFIG)
    assert told == [*LOGIN, "launch"]
    told, error = failing(check(profile, "--json", "--no-launch"), UNREACHABLE)
    assert told == [*LOGIN, "endpoint"] and "leave out --no-launch" in error["next"]


def test_failed_leg_has_its_time(check, sshd, tmp):
    done = check(sshd().profile(endpoint=f"127.0.0.1:{free_port()}", known_hosts=tmp / "none"))
    assert done.returncode == IDENTITY
    assert re.search(r"^  host-key +[\d.]+ (µs|ms|s)  failed$", done.stdout, re.M), done.stdout
    assert "  Next: " in done.stdout
