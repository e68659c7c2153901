# SPDX-License-Identifier: MIT
"""An interactive shell on a terminal of its own, to press keys in."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

PROMPT = "ready> "
HOME_KEY, END_KEY, TAB, ENTER = "\x01", "\x05", "\t", "\r"


class Shell:
    """The shell's start-up file gives it the prompt PROMPT and emacs keys."""

    def __init__(self, line, env):
        self.words = Path(env["HOME"]) / "words"
        self.unread = ""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
        self.screen = ours
        self.process = subprocess.Popen(
            line,
            env={**env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.wait_for(PROMPT)

    def wait_for(self, text, timeout=20):
        """Reads until the text is there."""
        deadline = time.monotonic() + timeout
        while text not in self.unread:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} in {self.unread!r}"
            if select.select([self.screen], [], [], left)[0]:
                self.unread += os.read(self.screen, 65536).decode(errors="replace")
        self.unread = self.unread.split(text, 1)[1]

    def press(self, keys):
        os.write(self.screen, keys.encode())

    def complete(self, typed):
        """Types this and TAB; returns the words of the line as the shell then takes them."""
        self.press(f"{typed}{TAB}{HOME_KEY}printf '%s\\0' {END_KEY} >{self.words}; printf '<%s>' fi''nis{ENTER}")
        self.wait_for("<finis>")
        self.wait_for(PROMPT)
        return self.words.read_text().split("\0")[:-1]

    def close(self):
        os.close(self.screen)
        self.process.kill()
        self.process.wait(10)
