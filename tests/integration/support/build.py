# SPDX-License-Identifier: MIT
"""The build under test, and running its program."""

import os
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def build_folder():
    """PENSTOCK_BUILD, or build/ci under the checkout."""
    return Path(os.environ.get("PENSTOCK_BUILD") or CHECKOUT / "build" / "ci").resolve()


class Build:
    """Where things lie."""

    def __init__(self, home, reports):
        self.checkout = CHECKOUT
        self.folder = build_folder()
        self.binary = self.folder / "penstock"
        self.plugins = self.folder / "plugins"
        self.solver = self.folder / "ppf-cts-server"
        self.home = Path(home)
        self.runtime = self.home / "run"  # where control sockets are
        self.reports = Path(reports)
        for needed in (self.binary, self.solver):
            assert needed.is_file(), f"{needed} is missing: build it first (cmake --build --preset ci)"

    def is_sanitized(self):
        """Was it built with AddressSanitizer, whose allocator never gives memory back?"""
        return b"__asan_init" in self.binary.read_bytes()

    def environment(self, extra=None):
        """A small, known environment: nothing of the user's configuration or agent leaks into a test.

        A value of None in `extra` removes a variable; options for a sanitizer are added to ours.
        """
        known = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PENSTOCK_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
            "ASAN_OPTIONS": f"log_path={self.reports}/asan:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": f"log_path={self.reports}/ubsan:print_stacktrace=1",
            "TSAN_OPTIONS": f"log_path={self.reports}/tsan",
        }
        for name, value in (extra or {}).items():
            if value is None:
                known.pop(name, None)
            elif name.endswith("SAN_OPTIONS"):
                known[name] += f":{value}"
            else:
                known[name] = str(value)
        return known

    def run(self, *args, env=None, timeout=30, input=None, cwd=None):
        """Runs `penstock ARGS…` to its end. Returns the CompletedProcess, with text output."""
        return subprocess.run(
            [str(self.binary), *map(str, args)],
            env=self.environment(env),
            timeout=timeout,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            cwd=cwd or self.home,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )
