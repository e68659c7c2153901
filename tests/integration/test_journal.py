# SPDX-License-Identifier: MIT
"""The log as records of systemd's journal, by libsystemd, to a journal of the test's own."""

import os
import signal
import socket
import struct
import subprocess

import pytest

from support.gateway import write_ini
from support.need import need_library, own_mounts
from support.ports import free_port
from support.terminal import Terminal
from support.wait import eventually

OK, CONFIG = 0, 3

# A mount namespace in which the journal's socket is the test's; standard error is said to end there if $1 is yes.
INSIDE = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket &&
  mount --bind "$0" /run/systemd/journal/socket || exit 99
[ "$1" = no ] || export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
shift
exec "$@"
"""


def fields_of(data):
    """A record of the journal's native protocol, as a dict."""
    found = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + size], data[9 + size :]
        found[name.decode()] = value.decode()
    return found


class Journal:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)
        self.path = path

    def under(self, reads="yes"):
        return [*own_mounts(), "sh", "-c", INSIDE, str(self.path), reads]

    def next(self, where):
        """Waits for the first record that is so."""
        seen = []
        while True:
            try:
                seen.append(fields_of(self.socket.recv(1 << 16)))
            except TimeoutError:
                raise AssertionError(f"no such record in {seen}") from None
            if where(seen[-1]):
                return seen[-1]


@pytest.fixture
def journal(tmp):
    need_library("systemd", "libsystemd0")
    made = Journal(tmp / "journal")
    yield made
    made.socket.close()


@pytest.fixture
def forward(solver):
    """Keys of a profile that only forwards to a running demo solver."""
    running = solver()
    return {"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never", "probe": "tcmd"}


def test_records_have_fields(gateway, journal, forward):
    running = gateway(forward, under=journal.under())
    record = journal.next(lambda record: "serving" in record["MESSAGE"])
    assert record["MESSAGE"].startswith("lab: serving: found")
    assert record["PRIORITY"] == "6" and record["SYSLOG_IDENTIFIER"] == "penstock"
    assert record["PENSTOCK_PROFILE"] == "lab" and record["PENSTOCK_TRANSPORT"] == "local"
    assert record["PENSTOCK_SOURCE"] == "lab" and record["PENSTOCK_LEVEL"] == "info"
    assert running.stop() == OK
    assert running.log == ""


def test_what_runs_is_another_profile_after_a_use(gateway, journal, forward, penstock):
    running = gateway(
        forward, name="a", sections={"b": forward}, settings={"log_level": "info"}, under=journal.under()
    )
    journal.next(lambda record: "serving" in record["MESSAGE"])
    running.wait_serving()
    assert penstock.run("use", "b").returncode == OK
    running.send_signal(signal.SIGTERM)
    assert journal.next(lambda record: "ended" in record["MESSAGE"])["PENSTOCK_PROFILE"] == "b"
    assert running.wait() == OK


def test_an_error_is_a_record_with_its_next_step(gateway, journal, forward):
    profile = {**forward, "endpoint": f"127.0.0.1:{free_port()}"}
    gateway(profile, under=journal.under())
    record = journal.next(lambda record: "PENSTOCK_LEG" in record)
    assert record["PENSTOCK_LEG"] == "endpoint" and record["PENSTOCK_CLASS"]
    assert record["PENSTOCK_NEXT"] and f"next: {record['PENSTOCK_NEXT']}" in record["MESSAGE"]
    assert record["PRIORITY"] in "34"


def test_what_is_told_at_a_terminal_is_in_the_journal_too(penstock, journal, forward, tmp):
    """A terminal is closed; the journal is read afterwards."""
    profile = {**forward, "endpoint": f"127.0.0.1:{free_port()}", "listen": "127.0.0.1:0"}
    config = write_ini(tmp / "p.ini", {"gateway": {"log_format": "journal"}, "lab": profile})
    command = [*journal.under("no"), penstock.binary, "up", "--config", config]
    window = Terminal(command, penstock.environment({"TERM": "dumb"}), penstock.home)
    try:
        window.wait_for("nothing listens")
        record = journal.next(lambda record: record.get("PENSTOCK_LEG") == "endpoint")
        assert "nothing listens" in record["MESSAGE"]
    finally:
        window.close()


def test_what_is_not_read_by_the_journal_is_text(gateway, journal, forward):
    running = gateway(forward, under=journal.under("no"))
    running.wait_serving()
    assert "lab: serving" in running.log
    inherited = gateway(forward, under=journal.under("no"), env={"JOURNAL_STREAM": "1:2"})
    inherited.wait_serving()
    assert "lab: serving" in inherited.log


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_form_that_is_asked_for_counts(gateway, journal, forward, form):
    running = gateway(forward, under=journal.under(), settings={"log_format": form})
    running.wait_serving()
    assert '"msg": "serving' in running.log.replace('":"', '": "') if form == "json" else "INFO" in running.log.upper()


def test_the_journal_can_be_asked_for(gateway, journal, forward):
    running = gateway(forward, under=journal.under("no"), settings={"log_format": "journal"})
    journal.next(lambda record: "serving" in record["MESSAGE"])
    assert running.stop() == OK and running.log == ""


def test_the_journal_is_no_file(penstock, tmp, forward):
    config = write_ini(tmp / "p.ini", {"gateway": {"log_format": "journal", "log_file": tmp / "log"}, "lab": forward})
    done = penstock.run("up", "--config", config)
    assert done.returncode == CONFIG and "take log_file away" in done.stderr


def test_in_the_background(penstock, tmp, journal, forward):
    settings = {"log_format": "journal", "listen": f"127.0.0.1:{free_port()}"}
    config = write_ini(tmp / "p.ini", {"gateway": settings, "lab": forward})
    done = subprocess.run(
        [*journal.under("no"), penstock.binary, "up", "-d", "--config", config],
        env=penstock.environment(),
        cwd=penstock.home,
        capture_output=True,
        text=True,
        timeout=30,
    )
    try:
        assert done.returncode == OK and "journalctl" in done.stdout, done
        journal.next(lambda record: "serving" in record["MESSAGE"])
        assert not (penstock.home / ".local").exists()
    finally:
        penstock.run("down")
    eventually(lambda: penstock.run("status").returncode != OK)
