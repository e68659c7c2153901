# SPDX-License-Identifier: MIT
"""Waiting for a condition, never for a time."""

import time

POLL_SECONDS = 0.01


def eventually(condition, timeout=10.0, what=None):
    """Polls `condition` until it is true and returns its value; fails with `what` after `timeout` seconds.

    `what` may be a text, or a function that gives one (the state at the end, say).
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {timeout} s: {told or condition}")
        time.sleep(POLL_SECONDS)
