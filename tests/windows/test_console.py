# SPDX-License-Identifier: MIT
"""The live view at a console, which Wine makes of a terminal of Linux."""
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

import pytest

from conftest import PATIENCE, wait_for

OTHER_SCREEN, BACK = b"\x1b[?1049h", b"\x1b[?1049l"


def begin_at_terminal():
    """It has the terminal, or Ctrl-C is nobody's. Linux' own end of a terminal, which Windows knows nothing of, kills nobody."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Console:
    """A program at a terminal, penstock if no other is named: what it has drawn, and keys for it."""

    def __init__(self, windows, *words, program=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.drawn = b""
        self.process = subprocess.Popen(
            ["wine", str(program or windows.program), *words],
            env=windows.environment | {"TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=begin_at_terminal,
        )
        os.close(slave)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while block := os.read(self.master, 65536):
                self.drawn += block

    def wait_drawn(self, text):
        """Wine's console takes escape sequences for text, and breaks them where a line of that would be full."""
        wait_for(lambda: text in self.drawn.replace(b"\r\r\n", b""), lambda: f"{text!r} is not in {self.drawn!r}")

    def press(self, keys):
        os.write(self.master, keys)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.reader.join(1)  # what goes on in the background has the terminal, as Linux sees it
        os.close(self.master)


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_a_key_ends_the_live_view(windows, solver, key):
    lab = solver()
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        console = Console(windows, "status", "--watch")
        try:
            console.wait_drawn(str(lab.listen).encode())
            assert OTHER_SCREEN in console.drawn
            assert console.process.poll() is None
            console.press(key)
            assert console.process.wait(PATIENCE) == 0
            console.wait_drawn(BACK)
        finally:
            console.close()
        assert windows.run("down").returncode == 0
        assert gateway.wait_end() == 0
