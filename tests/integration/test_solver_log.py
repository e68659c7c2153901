# SPDX-License-Identifier: MIT
"""`penstock logs --solver`: the end of the solver's log, and what comes after it, over whatever transport."""

import os
import pathlib
import subprocess

import pytest

from support.ports import free_port
from support.wait import eventually

OK, USAGE, CONFIG = 0, 2, 3


class Follower:
    """`penstock logs --solver -f`, line by line."""

    def __init__(self, penstock, *args):
        self.process = subprocess.Popen(
            [str(penstock.binary), "logs", "--solver", "-f", *args],
            env=penstock.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def until(self, line):
        """Reads up to a line; returns what came before it."""
        before = []
        for each in self.process.stdout:
            if each == line:
                return before
            before.append(each)
        raise AssertionError(f"ended before {line}: {before}, {self.process.stderr.read()}")

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def follow(penstock):
    made = []

    def start(*args):
        made.append(Follower(penstock, *args))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_end_of_a_log(served, penstock):
    with open(served.root.log, "ab") as log:
        log.write(b"one\ntwo\xff\x00\nthree")
    done = penstock.run("logs", "--solver", "-n", "2")
    assert (done.returncode, done.stdout.encode(errors="surrogateescape"), done.stderr) == (OK, b"two\xff\x00\nthree", "")
    assert "Listening on port" in penstock.run("logs", "--solver", "lab").stdout
    assert penstock.run("logs", "--solver", "-n0").stdout == ""


def test_log_is_followed_into_the_next_file(served, follow):
    """Also one that was put in its place, as a rotation or a new solver does."""
    log = served.root.log
    with open(log, "ab") as file:
        file.write(b"first\n")
    follower = follow("-n", "1")
    follower.until(b"first\n")
    with open(log, "ab") as file:
        file.write(b"added\n")
    assert follower.until(b"added\n") == []
    log.rename(log.with_suffix(".1"))
    log.write_bytes(b"of the next\n")
    assert follower.until(b"of the next\n") == []
    with open(log, "ab") as file:
        file.write(b"more\n")
    assert follower.until(b"more\n") == []


def test_follower_that_goes_leaves_nothing(served, follow, penstock):
    follower = follow()
    eventually(lambda: b"tail" in running_with(served.root.log), what="nobody follows")
    follower.close()
    eventually(lambda: b"tail" not in running_with(served.root.log), 20, what=served.gateway.story)


def running_with(path):
    """Programs that have the path on their command line."""
    done = subprocess.run(["pgrep", "-af", f"tail .*{path}"], capture_output=True, check=False)
    return done.stdout


def test_solver_that_does_not_start(gateway, solver_root, penstock):
    """Its log is what one wants to see then."""
    root = solver_root()
    keys = {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", "env": "DEMO_FAULT=fail-start"}
    other = {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", "launch": "never"}
    assert gateway(keys).wait() != OK
    running = gateway({**other, "retry_min": "60s", "retry_max": "60s"})
    running.wait_state("down")
    done = penstock.run("logs", "--solver")
    assert done.returncode == OK and done.stdout == root.log.read_text() != ""


def test_no_root(gateway, penstock):
    keys = {"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", "launch": "never"}
    gateway({**keys, "retry_min": "60s", "retry_max": "60s"}).wait_state("down")
    done = penstock.run("logs", "--solver")
    assert done.returncode == CONFIG and "no `root`" in done.stderr and done.stdout == ""


def test_no_log_yet(gateway, solver_root, penstock, follow):
    """It is said; and waited for by whoever follows."""
    root = solver_root()
    keys = {"transport": "local", "root": root, "endpoint": f"127.0.0.1:{free_port()}", "launch": "never"}
    gateway({**keys, "retry_min": "60s", "retry_max": "60s"}).wait_state("down")
    done = penstock.run("logs", "--solver")
    assert done.returncode != OK and "there is no log that can be read" in done.stderr and str(root.log) in done.stderr
    follower = follow()
    root.log.write_bytes(b"there it is\n")
    assert follower.until(b"there it is\n") == []


@pytest.mark.parametrize("lines", ["-1", "x", "", "1000001", "1.5"])
def test_counts_that_are_none(penstock, lines):
    done = penstock.run("logs", "--solver", f"--lines={lines}")
    assert done.returncode == USAGE and "logs" in done.stderr


def is_at_the_end(pid, log):
    """Has a process read a log to its end?"""
    folder = f"/proc/{pid}"
    try:
        of_log = [fd for fd in os.listdir(f"{folder}/fd") if os.readlink(f"{folder}/fd/{fd}").endswith("/server.log")]
        places = [pathlib.Path(f"{folder}/fdinfo/{fd}").read_text().split()[1] for fd in of_log]
        return str(os.path.getsize(log)) in places
    except OSError:  # it has ended
        return False


def test_in_a_container(place, over, box, penstock, follow):
    over(place, box).wait_serving(90)
    assert "Listening on port" in penstock.run("logs", "--solver").stdout
    follower = follow("-n", "0")
    log = box.path("/root/ppf/server.log")
    # What is added before it follows would not be shown.
    eventually(lambda: any(is_at_the_end(pid, log) for pid in box.pids() if "tail" in "".join(box.command(pid)[:1])))
    with open(log, "ab") as file:
        file.write(b"added\n")
    follower.until(b"added\n")
    follower.close()
    eventually(lambda: not any("tail" in word for pid in box.pids() for word in box.command(pid)), 20)


def test_of_a_container_whose_command_is_the_solver(engine, place, over, container, penstock, follow):
    box = container(engine, "-p", "127.0.0.1::9090", image="solver")
    up = over(place, box, root=None)
    up.wait_serving(90)
    said = box.logs()
    assert said and penstock.run("logs", "--solver").stdout.split() == said.split(), up.story()
    assert penstock.run("logs", "--solver", "-n", "1").stdout.split() == said.splitlines()[-1].split()
    follower = follow("-n", "1")
    assert follower.process.stdout.readline().split() == said.splitlines()[-1].encode().split()
    box.stop()
    assert follower.process.wait(30) == OK  # the engine says that there is no more
