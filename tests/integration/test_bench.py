# SPDX-License-Identifier: MIT
"""tests/bench: what it makes of its samples, its long way, and that a row runs from one end to the other."""

import contextlib
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import xml.dom.minidom
from pathlib import Path

import pytest

from support.wait import eventually
from support.wire import read_exact

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.append(str(BENCH))

from evidence import Call, parse_calls, parse_functions  # noqa: E402
from goals import Goal, compare_all, judge, ratio, summarize  # noqa: E402
from plot import plots  # noqa: E402
from report import text  # noqa: E402
from rows import GROUPS, ROWS  # noqa: E402
from scene import Helper  # noqa: E402
from usage import cpu_seconds, wakeups  # noqa: E402

DELAY = 0.02


def ways_of(ours, theirs, figure="rate"):
    """Summaries of two ways from one figure's samples."""
    both = {"penstock": ours, "ssh -L": theirs}
    return {name: summarize([{figure: value} for value in values]) for name, values in both.items()}


def document_of(rows):
    return {
        "machine": "2 x CPU", "when": "2000-01-01", "commit": "abc", "quick": False, "rounds": 3,
        "notes": ["less of it"], "groups": {"ssh": "SSH"}, "rows": rows,
    }


def row_of(ways, goals, figure="rate", error=None):
    judged = [judge(goal, ways, "penstock") for goal in goals] if ways else []
    return {
        "key": "ssh-up", "title": "bulk <up>", "group": "ssh", "figures": [figure], "ours": "penstock",
        "ways": ways, "goals": judged, "error": error,
    }


# -- samples ------------------------------------------------------------------------------------------


def test_a_ratio_is_of_medians_and_ranges_over_the_rounds():
    ways = ways_of([100, 300, 200], [100, 100, 400])
    found = ratio("rate", ways["penstock"], ways["ssh -L"])
    assert (found["median"], found["low"], found["high"]) == (2.0, 0.5, 3.0)
    assert ratio("rate", ways["penstock"], ways_of([1], [0])["ssh -L"]) is None


@pytest.mark.parametrize(
    "relation, limit, ours, met",
    [("≥", 1.4, 140, True), ("≥", 1.4, 139, False), ("≤", 0.75, 75, True), ("≤", 0.75, 76, False),
     # what is printed decides: 0.75, 0.76
     ("≤", 0.75, 75.4, True), ("≤", 0.75, 75.6, False)],
)
def test_a_goal_over_a_peer(relation, limit, ours, met):
    assert judge(Goal("rate", relation, limit, "ssh -L"), ways_of([ours], [100]), "penstock")["met"] is met


@pytest.mark.parametrize("ours, met", [(60, True), (61, False)])
def test_a_goal_of_its_own_shows_the_peer_beside(ours, met):
    judged = judge(Goal("ms", "≤", 60, beside="ssh -L"), ways_of([ours], [180], "ms"), "penstock")
    assert judged["met"] is met
    assert (judged["words"], judged["theirs"]) == ("≤ 60 ms", 180)


def test_how_many_times_a_goal_is_met_counts_both_kinds_alike():
    ways = ways_of([200], [100])
    assert judge(Goal("rate", "≥", 1.0, "ssh -L"), ways, "penstock")["times"] == 2.0
    assert judge(Goal("rate", "≤", 4.0, "ssh -L"), ways, "penstock")["times"] == 2.0


def test_goals_name_figures_and_peers_that_their_rows_have():
    for row in ROWS:
        assert row.group in GROUPS
        assert {goal.figure for goal in row.goals} <= set(row.kind.figures), row.key
    assert len({row.key for row in ROWS}) == len(ROWS)


# -- reports ------------------------------------------------------------------------------------------


def test_a_report_tells_goal_figures_ratio_and_verdict():
    ways = ways_of([100, 130, 120], [100, 100, 100])
    report = text(document_of([row_of(ways, [Goal("rate", "≥", 1.4, "ssh -L"), Goal("rate", "≥", 1.2, "ssh -L")])]))
    lines = [" ".join(line.split()) for line in report.splitlines()]
    told = "| 120 MB/s | 100 MB/s (ssh -L) | 1.20 (1.00 to 1.30) |"
    assert f"| ssh-up | bulk <up> | ≥ 1.4 x ssh -L {told} **short** |" in lines
    assert f"| ssh-up | bulk <up> | ≥ 1.2 x ssh -L {told} met |" in lines
    assert "1 of 2 goals are met." in lines
    assert "Note: less of it" in lines


def test_a_row_without_goals_is_compared_all_the_same():
    ways = ways_of([100], [50])
    row = {**row_of(ways, []), "goals": compare_all("rate", ways, "penstock")}
    report = text(document_of([row]))
    assert "2.00 (2.00 to 2.00)" in report
    assert "0 of 0 goals" in report and "short" not in report


def test_a_row_that_failed_is_told():
    assert "NOT MEASURED: ssh-up: no sshd" in text(document_of([row_of({}, [], error="no sshd")]))


def test_plots_are_svg():
    ways = ways_of([100, 130], [50, 60])
    made = plots(document_of([row_of(ways, [Goal("rate", "≥", 1.4, "ssh -L")]), row_of({}, [], error="no sshd")]))
    assert set(made) == {"rate.svg", "goals.svg"}
    for svg in made.values():
        assert xml.dom.minidom.parseString(svg).documentElement.tagName == "svg"
    assert plots(document_of([])) == {}


# -- what the time goes into --------------------------------------------------------------------------


def test_calls_are_read_from_straces_table():
    table = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.50    0.000268           8      3000        13 recvfrom
  9.40    0.000216          10        40           splice
  0.10    0.000001           1         2           madvise
------ ----------- ----------- --------- --------- ----------------
100.00    0.000484           9      3042        13 total
"""
    assert parse_calls(table, 100.0) == [Call("recvfrom", 30.0, 90.5), Call("splice", 0.4, 9.4)]


def test_functions_are_read_from_perfs_table():
    table = """# Overhead  Shared Object      Symbol                   IPC   [IPC Coverage]
# ........  .................  .......................  ....................
#
    1.55%  [kernel.kallsyms]  [k] _copy_from_iter      -      -
   29.95%  libc.so.6          [.] __memmove_avx        -      -
"""
    assert parse_functions(table) == [
        (29.95, "libc.so.6", "__memmove_avx"),
        (1.55, "[kernel.kallsyms]", "_copy_from_iter"),
    ]


# -- what processes use -------------------------------------------------------------------------------


def test_cpu_time_counts_children_that_have_ended():
    busy = "import time\nwhile time.process_time() < 0.3: pass\n"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\nprint()\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert 0.3 <= cpu_seconds(process.pid) < 3
        process.stdin.close()


def test_wakeups_are_counted():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        _await_sleep(process.pid)
        before = wakeups(process.pid)
        for _ in range(20):
            process.stdin.write(b"x")
            process.stdout.read(1)
            _await_sleep(process.pid)
        assert 20 <= wakeups(process.pid) - before <= 40
        process.stdin.close()


def _await_sleep(pid):
    eventually(lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S")


# -- the long way -------------------------------------------------------------------------------------


@pytest.fixture
def far(penstock):
    """A listener behind the delaying relay: far() connects, and gives both ends."""
    with contextlib.ExitStack() as close:
        listener = close.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(20)
        command = [penstock.folder / "tests" / "bench" / "penstock_delay", "--to", listener.getsockname()[1]]
        relay = close.enter_context(contextlib.closing(Helper([*command, "--delay", int(DELAY * 1e6)])))

        def connect():
            near = close.enter_context(socket.create_connection(("127.0.0.1", relay.port), 20))
            there = close.enter_context(listener.accept()[0])
            there.settimeout(20)
            return near, there

        yield connect


def test_the_long_way_takes_its_time_each_way(far):
    near, there = far()
    for sender, receiver in ((near, there), (there, near)):
        began = time.monotonic()
        sender.sendall(b"x")
        assert receiver.recv(1) == b"x"
        assert time.monotonic() - began >= DELAY * 0.99  # bytes that follow closely leave up to 0.1 ms early


def test_the_long_way_keeps_order_and_all_bytes(far):
    near, there = far()
    sizes = random.Random(1)
    payload = os.urandom(32 << 20)

    def send():
        at = 0
        while at < len(payload):
            size = sizes.choice((1, 1000, 32768, 700000))
            near.sendall(payload[at : at + size])
            at += size
        near.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    found = hashlib.sha256(read_exact(there, len(payload))).digest()
    assert there.recv(1) == b""  # the end comes through, and only then
    sender.join()
    assert found == hashlib.sha256(payload).digest()
    there.sendall(b"the other direction is open")
    assert read_exact(near, 27) == b"the other direction is open"


def test_the_long_way_limits_the_latency_not_the_bandwidth(far):
    """Far more is on the way at once than sockets hold, and nobody waits for an answer."""
    near, there = far()
    payload = bytes(16 << 20)
    began = time.monotonic()
    sender = threading.Thread(target=near.sendall, args=(payload,))
    sender.start()
    read_exact(there, len(payload))
    sender.join()
    assert time.monotonic() - began < 64 * DELAY  # in pieces of 256 KiB, each awaited, it would be 64 delays and more


def test_a_break_is_passed_on(far):
    near, there = far()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    near.close()
    with contextlib.suppress(ConnectionResetError):
        assert there.recv(1) == b""


# -- the whole ----------------------------------------------------------------------------------------


def run_bench(*args):
    command = [sys.executable, str(BENCH / "run"), *map(str, args)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150)


def test_rows_run(penstock, tmp):
    """One of each kind of way: through SSH and at its start. The others take haproxy, and have their turn at night."""
    out, svg = tmp / "out.json", tmp / "svg"
    rows = "^(ssh-up1|ssh-connect|start)$"
    build = ["--build", penstock.folder]
    done = run_bench("--quick", "--rounds", 1, "--only", rows, *build, "--json", out, "--svg", svg)
    assert done.returncode == 0, done.stderr + done.stdout
    document = json.loads(out.read_text())
    assert [row["key"] for row in document["rows"]] == ["ssh-up1", "ssh-connect", "start"]
    assert all(way["cpu"]["median"] > 0 for way in document["rows"][0]["ways"].values())
    assert (svg / "goals.svg").is_file()
    again = run_bench("--from", out)
    assert again.stdout == done.stdout and "ssh-connect" in again.stdout


def test_a_row_that_cannot_be_measured_fails_the_run(penstock):
    done = run_bench("--quick", "--rounds", 1, "--only", "^start$", "--build", penstock.folder, "--set", "nonsense=1")
    assert done.returncode == 1
    assert "NOT MEASURED: start" in done.stdout


def test_words_that_mean_nothing_are_told():
    assert run_bench("--only", "nothing-like-that").returncode == 1
    assert run_bench("--only", "(").returncode == 2
    assert "ssh-up1" in run_bench("--list").stdout
