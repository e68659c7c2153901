# SPDX-License-Identifier: MIT
"""A terminal that is drawn on: a command at a pseudo terminal, and what its screen shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

TOKEN = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\x1b.|[\x00-\x1f]|[^\x00-\x1f\x1b]", re.S)


class Screen:
    """Knows what `penstock status --watch` uses, and takes nothing else."""

    def __init__(self, command, env, cwd, columns=100, rows=30):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.unread = ""
        self.raw = ""
        self.bytes = 0
        self.is_other = False
        self.has_cursor = True
        self.cells = {}
        self.at = (0, 0)
        self.process = subprocess.Popen(
            [*map(str, command)],
            env={"TERM": "xterm", "LANG": "C.UTF-8", **env},
            cwd=cwd,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns, rows, tell=True):
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def take(self, timeout):
        """Reads what comes within the time; returns how many bytes that were."""
        if not select.select([self.master], [], [], timeout)[0]:
            return 0
        data = os.read(self.master, 65536)
        self.bytes += len(data)
        text = data.decode(errors="replace")
        self.raw += text
        self.unread += text
        last = self.unread.rfind("\x1b")
        whole = len(self.unread) if last < 0 or TOKEN.fullmatch(self.unread[last:]) or len(self.unread) - last > 20 else last
        ready, self.unread = self.unread[:whole], self.unread[whole:]
        for token in TOKEN.finditer(ready):
            self.obey(token)
        return len(data)

    def obey(self, token):
        private, numbers, letter = token.groups()
        row, column = self.at
        if letter is None:
            self.put(token.group())
        elif letter in "hl" and private:
            assert numbers in ("1049", "25"), token.group()
            if numbers == "25":
                self.has_cursor = letter == "h"
            else:
                self.is_other = letter == "h"
                self.cells = {}
        elif letter == "H":
            self.at = tuple(int(number) - 1 for number in (numbers or "1;1").split(";"))
        elif letter == "J":
            self.cells = {} if numbers == "2" else {k: v for k, v in self.cells.items() if k < self.at}
        elif letter == "K":
            self.cells = {k: v for k, v in self.cells.items() if k[0] != row or k[1] < column}
        else:
            assert letter == "m", token.group()

    def put(self, character):
        row, column = self.at
        if character == "\n":
            self.at = (row + 1, column)
        elif character == "\r":
            self.at = (row, 0)
        else:
            assert character >= " " and row < self.rows and column < self.columns, (character, self.at)
            self.cells[row, column] = character
            self.at = (row, column + 1)

    @property
    def text(self):
        """What is shown, a line a row."""
        rows = [[" "] * self.columns for _ in range(self.rows)]
        for (row, column), character in self.cells.items():
            if row < self.rows and column < self.columns:
                rows[row][column] = character
        return "\n".join("".join(row).rstrip() for row in rows).rstrip()

    def wait_for(self, pattern, timeout=20):
        """Waits until the screen shows something that matches; returns it."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text, re.M)):
            left = deadline - time.monotonic()
            assert left > 0 and self.process.poll() is None, f"no {pattern!r} in\n{self.text}"
            self.take(min(left, 0.2))
        return found

    def wait_without(self, pattern, timeout=20):
        """Waits until it does not."""
        deadline = time.monotonic() + timeout
        while re.search(pattern, self.text, re.M):
            left = deadline - time.monotonic()
            assert left > 0, f"still {pattern!r} in\n{self.text}"
            self.take(min(left, 0.2))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, timeout=20):
        """Waits for its end; returns the exit code."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end\n{self.text}"
            self.take(0.1)
        while self.take(0):
            pass
        return self.process.returncode

    def is_restored(self):
        """Is the terminal as it was before?"""
        return termios.tcgetattr(self.slave) == self.before and self.has_cursor and not self.is_other

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        os.close(self.master)
        os.close(self.slave)
