# SPDX-License-Identifier: MIT
"""A running gateway: `penstock up PROFILE --json`, its events, its log."""

import json
import signal
import subprocess
import threading
import time

from . import procs
from .wire import Wire


def ini_text(sections):
    """An INI file: {"lab": {"transport": "local", …}}. None leaves a key out; True and False are yes and no."""
    lines = []
    for section, keys in sections.items():
        lines.append(f"[{section}]")
        for key, value in keys.items():
            if value is None:
                continue
            if isinstance(value, bool):
                value = "yes" if value else "no"
            lines.append(f"{key} = {value}")
        lines.append("")
    return "\n".join(lines)


def write_ini(path, sections):
    """Writes sections to a file that only the user can read."""
    path.touch(mode=0o600)
    path.write_text(ini_text(sections))
    return path


class Gateway:
    """Started by the `gateway` fixture, which stops it at the end of the test."""

    def __init__(self, build, config, profile, log, args=(), env=None, under=(), pass_fds=()):
        self._log_path = log
        self._log = open(log, "wb")
        self.events = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [*under, str(build.binary), "up", profile, "--json", "--config", str(config), *map(str, args)],
            env=build.environment(env),
            cwd=build.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                try:
                    event = json.loads(line)
                except ValueError:
                    event = {"event": "not-json", "line": line.decode(errors="replace")}
                self.events.append(event)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    # -- events -------------------------------------------------------------------------------------

    def mark(self):
        """A place among the events, for wait_event(since=…): only what comes later counts."""
        with self._news:
            return len(self.events)

    def find_events(self, name, since=0, where=None, **match):
        """Events of a name (or of one of several) whose members equal `match` and that `where(event)` likes."""
        names = (name,) if isinstance(name, str) else name
        with self._news:
            return [
                event
                for event in self.events[since:]
                if event.get("event") in names
                and all(event.get(key) == value for key, value in match.items())
                and (where is None or where(event))
            ]

    def wait_event(self, name, timeout=20, since=0, where=None, **match):
        """Waits for such an event, past (after `since`) or to come, and returns the first."""
        deadline = time.monotonic() + timeout
        while True:
            with self._news:
                seen, ended = len(self.events), self._ended
            found = self.find_events(name, since, where, **match)
            if found:
                return found[0]
            left = deadline - time.monotonic()
            wanted = f"event {name} {match or ''}"
            assert not ended, f"the gateway ended before {wanted}\n{self.story()}"
            assert left > 0, f"no {wanted} within {timeout} s\n{self.story()}"
            with self._news:
                self._news.wait_for(lambda: len(self.events) > seen or self._ended, left)

    def wait_listening(self, timeout=20):
        """Waits until the port is open; returns self."""
        self.wait_event("listening", timeout)
        return self

    def wait_serving(self, timeout=20, since=0):
        """Waits until a solver answers through the gateway; returns the event."""
        return self.wait_event("serving", timeout, since)

    def wait_state(self, state, timeout=20, since=0):
        """Waits for a state, and returns its event."""
        return self.wait_event("state", timeout, since, state=state)

    def first_error(self, timeout=90):
        """The first error, whether it ends with it or tries again."""
        return self.wait_event(("state", "stopped"), timeout, where=lambda event: event.get("error"))["error"]

    # -- what it is ---------------------------------------------------------------------------------

    @property
    def address(self):
        return self.wait_event("listening")["address"]

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    @property
    def wire(self):
        """A client of the gateway's port."""
        return Wire(self.port)

    @property
    def log(self):
        """Its log so far."""
        return self._log_path.read_text(errors="replace")

    def fds(self):
        return procs.fd_count(self.pid)

    def rss_kib(self):
        return procs.rss_kib(self.pid)

    def story(self):
        """Events and log, for a failure's message."""
        events = "\n".join(map(json.dumps, list(self.events)[-40:]))
        return f"exit code {self.process.poll()}\nevents:\n{events}\nlog:\n{self.log[-8000:]}"

    # -- its end ------------------------------------------------------------------------------------

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20):
        """Waits for its end; returns the exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the gateway does not end\n{self.story()}") from None
        self._reader.join(5)
        self._log.close()
        return code

    def stop(self, number=signal.SIGINT, timeout=20):
        """Sends SIGINT and waits; returns the exit code."""
        if self.process.poll() is None:
            self.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        """Ends it at once (SIGKILL)."""
        return self.stop(signal.SIGKILL)

    def close(self):
        """For the fixture: ends it whatever its state."""
        if self.process.poll() is None:
            try:
                self.stop(timeout=30)
            except AssertionError:
                self.kill()
                raise
        self.process.stdout.close()
