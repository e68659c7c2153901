# SPDX-License-Identifier: MIT
"""A command at a terminal of its own, whose controlling terminal it is."""

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time


class Terminal:
    """Runs it; what it shows is read as it is waited for."""

    def __init__(self, command, env, cwd):
        self.master, slave = pty.openpty()
        self.shown = ""

        def take():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*map(str, command)], env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take
        )
        os.close(slave)

    def wait_for(self, pattern, timeout=20):
        """Waits until it has shown something that matches."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.shown):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], f"no {pattern!r} in {self.shown}"
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b""  # nobody has it open any more
            assert data, f"it ended before {pattern!r}: {self.shown}"
            self.shown += data.decode(errors="replace")
        return self.shown

    def type(self, text):
        os.write(self.master, text.encode())

    def hang_up(self):
        """The window is closed."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def close(self):
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
